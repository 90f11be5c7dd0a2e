"""DupMAE checkpoints small enough for a test: a masked LM of two layers, its tokenizer, and a projection."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from dense import tiny

SIZES = {"vocab_size": len(tiny.SPECIAL) + len(tiny.WORDS), "max_position_embeddings": 64, "initializer_range": 0.3}
SETTINGS = {"schema": 1, "d": 12, "k": 5, "activation": "log1p_relu", "include_sep": True, "max_length": 24,
            "query_max_length": 16, "title": " ", "similarity": "dot", "trained": {"steps": 1}}  # fmt: skip


def masked_lm(family: str = "bert") -> torch.nn.Module:
    """A random masked LM, its weights large enough that texts differ."""
    torch.manual_seed(1)
    if family == "distilbert":
        made = DistilBertForMaskedLM(DistilBertConfig(**SIZES, dim=32, n_layers=2, n_heads=4, hidden_dim=48))
    else:
        config = {"bert": BertConfig, "roberta": RobertaConfig}[family]
        model = {"bert": BertForMaskedLM, "roberta": RobertaForMaskedLM}[family]
        made = model(config(**{**tiny.SIZES, **SIZES}, pad_token_id=0))
    for name, parameter in made.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


def save(folder: Path, family: str = "bert", d: int | None = 12, **settings: object) -> Path:
    """A checkpoint folder; without a projection where `d` is None."""
    masked_lm(family).save_pretrained(folder)
    tiny.tokenizer(folder).save_pretrained(folder)
    if d is not None:
        torch.manual_seed(2)
        save_file({"weight": torch.randn(d, 32)}, folder / "projection.safetensors")
    (folder / "dupmae.json").write_text(json.dumps({**SETTINGS, **({"d": d} if d else {}), **settings}))
    return folder

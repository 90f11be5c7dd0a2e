"""The folder that fine-tuning leaves: one retriever for transformers, sentence-transformers and this harness.

config.json model.safetensors   encoder and masked-LM head, for AutoModelForMaskedLM and AutoModel
tokenizer files
modules.json 1_Pooling/ …       sentence-transformers: [CLS], never the mean, then for joint 2_Dense/ with W; dot
dupmae.json projection.safetensors   for the retriever dupmae (representations ot and joint)
retromae.json                   for the retriever retromae (representation cls)
README.md                       model card
training.json                   the record, written last
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save
from torch import Tensor, nn

from harness.files import write_bytes, write_json
from retrievers.encoders import backbones, int8_weights
from retrievers.training.engine.result import RECORD, save_through
from retrievers.training.model_card import model_card

OTHER_POOLING = ("mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")


def export(
    folder: Path,
    lm: nn.Module,
    tokenizer: Any,
    kind: str,
    projection: Tensor | None,
    settings: Mapping[str, Any],
    record: Mapping[str, Any],
    *,
    dtype: Literal["fp32", "fp16", "int8"] = "fp32",
    head: bool = True,
) -> None:
    """Write the retriever into `folder`.

    `kind` is the representation; `projection` (d', H) its W; `settings` go into dupmae.json or retromae.json. `dtype`
    is that of the weights written; int8 is read by this harness alone (`encoders.int8_weights`). Without a trained
    `head` the encoder alone is written, so that no retriever takes random numbers for a head; ot and joint then raise
    ValueError.
    """
    if kind != "cls" and not head:
        raise ValueError("a vocabulary vector needs the masked-LM head, and this model has none that was trained")
    saved = lm if head else backbones.encoder(lm)
    if dtype == "fp16":
        saved = copy.deepcopy(saved).half()
    save_through(folder, saved)
    if dtype == "int8":
        int8_weights.write(folder, saved.state_dict())
        (folder / "model.safetensors").unlink()
    save_through(folder, tokenizer)
    hidden = backbones.family(lm.config).shape(lm.config).hidden
    if kind == "cls":
        write_json(folder / "retromae.json", {"schema": 1, **settings, "similarity": "dot"})
    else:
        weight = (
            torch.zeros(1, hidden) if projection is None else projection.detach().float()
        )  # ot: the dense part is 0
        _write_tensors(folder / "projection.safetensors", {"weight": weight})
        write_json(folder / "dupmae.json", {"schema": 1, "d": len(weight), **settings, "similarity": "dot"})
    _sentence_transformers(folder, hidden, projection, settings["max_length"])
    write_bytes(folder / "README.md", model_card(record).encode())
    write_json(folder / RECORD, dict(record))


def _sentence_transformers(folder: Path, hidden: int, projection: Tensor | None, max_length: int) -> None:
    """[CLS], then W if there is one; dot product, no normalisation. In the form that versions before 6 read too."""
    modules = {"": "Transformer", "1_Pooling": "Pooling"} | ({} if projection is None else {"2_Dense": "Dense"})
    listed = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(modules.items())
    ]
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_cls_token": True, "include_prompt": True}
    pooling |= {f"pooling_mode_{mode}": False for mode in OTHER_POOLING}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    if projection is not None:
        identity = "torch.nn.modules.linear.Identity"
        sizes = {"in_features": hidden, "out_features": len(projection)}
        write_json(folder / "2_Dense" / "config.json", {**sizes, "bias": False, "activation_function": identity})
        _write_tensors(folder / "2_Dense" / "model.safetensors", {"linear.weight": projection.detach().float()})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})
    no_prompts: dict[str, Any] = {"prompts": {}, "default_prompt_name": None}
    write_json(folder / "config_sentence_transformers.json", {**no_prompts, "similarity_fn_name": "dot"})
    write_json(folder / "modules.json", listed)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    write_bytes(path, save({name: value.cpu().contiguous() for name, value in tensors.items()}, {"format": "pt"}))

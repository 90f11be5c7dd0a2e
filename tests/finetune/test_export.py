"""The exported folder in everything that may load it: the same scores, and never another pooling."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from harness.records import Doc, Query
from retrievers.dupmae import DupMAE
from retrievers.encoders import int8_weights
from retrievers.retromae import RetroMAE
from retrievers.sentence_transformer import SentenceTransformerEncoder
from retrievers.training.examples.pairs_texts import tokenised
from retrievers.training.export import export
from retrievers.training.ranking.gradient_cache import group
from retrievers.training.ranking.representation import Representation, score_all

Tune = Callable[..., dict[str, Any]]
QUERIES = ["a b c", "f g", "x y z a"]
DOCS = ["a b c d", "f f g h i j", "z y x w v u t s r", "k l m n"]


def tuned_scores(folder: Path, kind: str, k: int, activation: str) -> np.ndarray:
    """The scores by the training code, from the exported files."""
    lm = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    projection = None if kind == "cls" else load_file(folder / "projection.safetensors")["weight"]
    made = Representation(lm, kind, 1 if projection is None else len(projection), k, activation)
    if kind == "joint":
        made.projection.data.copy_(projection)
    sides = [tokenised(texts, tokenizer, length) for texts, length in ((QUERIES, 12), (DOCS, 16))]
    groups = [group([side.row(at) for at in range(len(side.ends))], 0, 10**6, torch.device("cpu")) for side in sides]
    with torch.no_grad():
        queries, docs = made.queries(*groups[0].groups[0]), made.docs(*groups[1].groups[0])
        parts = [part for part in score_all(queries, docs) if part is not None]
    return torch.stack(parts).sum(0)[groups[0].place][:, groups[1].place].numpy()


def searched(retriever: Any, folder: Path) -> np.ndarray:
    retriever.index([Doc(str(at), text) for at, text in enumerate(DOCS)], folder)
    retriever.load(folder)
    found = np.full((len(QUERIES), len(DOCS)), np.nan)
    for query, doc, score in retriever.search([Query(str(at), text) for at, text in enumerate(QUERIES)], 10):
        found[int(query), int(doc)] = score
    return found


@pytest.mark.parametrize("kind", ["ot", "joint"])
def test_dupmae_scores_as_the_training_code(kind: str, tune: Tune, tmp_path: Path) -> None:
    tune("--representation", kind, "--learning-rate", "1e-2")
    retriever = DupMAE(str(tmp_path / "out"), device="cpu")
    assert (retriever.k, retriever.length, retriever.query_length, retriever.title) == (8, 16, 12, " ")
    found = searched(retriever, tmp_path / "index")
    np.testing.assert_allclose(found, tuned_scores(tmp_path / "out", kind, 8, "log1p_relu"), rtol=2e-3, atol=2e-3)


def test_a_weighted_sum_ranks_as_in_training(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint", "--scale", "0.25", "--activation", "raw")
    found = searched(DupMAE(str(tmp_path / "out"), device="cpu"), tmp_path / "index")
    np.testing.assert_allclose(found, tuned_scores(tmp_path / "out", "joint", 8, "raw"), rtol=2e-3, atol=5e-3)


def test_retromae_scores_as_the_training_code(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "cls", "--learning-rate", "1e-2")
    retriever = RetroMAE(str(tmp_path / "out"), store_dtype="fp32", device="cpu")
    assert (retriever.encoder.length, retriever.encoder.query_length) == (16, 12)
    found = searched(retriever, tmp_path / "index")
    np.testing.assert_allclose(found, tuned_scores(tmp_path / "out", "cls", 8, "raw"), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", ["cls", "joint"])
def test_sentence_transformers_pools_cls_and_compares_by_dot(kind: str, tune: Tune, tmp_path: Path) -> None:
    tune("--representation", kind, "--learning-rate", "1e-2")
    folder = tmp_path / "out"
    model = SentenceTransformer(str(folder), device="cpu")
    assert [type(module).__name__ for module in model][:2] == ["Transformer", "Pooling"]
    assert (model[1].pooling_mode, model.similarity_fn_name, model.max_seq_length) == ("cls", "dot", 16)
    encoder, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        first = encoder(**tokenizer(DOCS[1], return_tensors="pt")).last_hidden_state[0, 0]
    if kind == "joint":
        first = load_file(folder / "projection.safetensors")["weight"] @ first
    np.testing.assert_allclose(model.encode(DOCS[1]), first.numpy(), rtol=1e-4, atol=1e-5)
    ours = SentenceTransformerEncoder(str(folder), device="cpu")
    np.testing.assert_allclose(ours.encode_docs(DOCS), model.encode(DOCS), rtol=1e-4, atol=1e-4)
    assert ours.facts()["similarity"] == "dot"


def test_what_transformers_loads_lacks_nothing(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint")
    _, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert not list((tmp_path / "out").rglob("*.bin")) and not list((tmp_path / "out").rglob("*.pt"))


def test_half_precision_halves_the_file_and_keeps_the_scores(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint", output="full")
    tune("--representation", "joint", "--export-dtype", "fp16", output="half")
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.7 * sizes[0]
    full, half = (
        searched(DupMAE(str(tmp_path / name), device="cpu"), tmp_path / f"i-{name}") for name in ("full", "half")
    )
    np.testing.assert_allclose(half, full, rtol=0.02, atol=0.05)


def test_int8_quarters_the_file_and_keeps_the_scores(tune: Tune, tmp_path: Path) -> None:
    for name, dtype in (("full", "fp32"), ("small", "int8")):
        tune("--representation", "joint", "--export-dtype", dtype, output=name)
    assert not (tmp_path / "small" / "model.safetensors").exists()
    full, small = (
        searched(DupMAE(str(tmp_path / name), device="cpu"), tmp_path / f"i-{name}") for name in ("full", "small")
    )
    np.testing.assert_allclose(small, full, rtol=0.05, atol=0.1)
    assert int8_weights.main([str(tmp_path / "small"), str(tmp_path / "wide")]) == 0
    wide = searched(DupMAE(str(tmp_path / "wide"), device="cpu"), tmp_path / "i-wide")
    np.testing.assert_allclose(wide, small, rtol=1e-6)
    again = tune("--representation", "joint", checkpoint=tmp_path / "small", output="again")
    assert again["representation"]["kind"] == "joint" and not again["fresh_weights"]


def test_a_matrix_in_int8_is_within_half_a_step_of_itself() -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(64, 32), torch.randn(64)
    stored = int8_weights.narrow({"weight": weight, "tied": weight, "bias": bias})
    assert stored["weight"].dtype == torch.int8 and stored.keys() == {"weight", "weight.scale", "bias"}
    found = int8_weights.widen(stored)
    step = weight.abs().amax(1, keepdim=True) / 127
    assert torch.equal(found["bias"], bias) and ((found["weight"] - weight).abs() <= step * 0.501).all()
    with pytest.raises(ValueError, match="no scale"):
        int8_weights.widen({"weight": stored["weight"]})


def test_a_joint_retriever_is_no_plain_one(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint", output="joint")
    with pytest.raises(ValueError, match="was trained for the retriever dupmae"):
        RetroMAE(str(tmp_path / "joint"), device="cpu")


def test_a_model_without_a_trained_head_is_not_exported_as_dupmae(pretrained: Path, tmp_path: Path) -> None:
    lm = AutoModelForMaskedLM.from_pretrained(pretrained)
    settings = {"max_length": 16}
    with pytest.raises(ValueError, match="needs the masked-LM head"):
        export(tmp_path / "x", lm, None, "joint", torch.zeros(2, 16), settings, {}, head=False)
    assert not (tmp_path / "x").exists()


def test_the_card_tells_representation_data_and_origin(tune: Tune, tmp_path: Path) -> None:
    tune("--representation", "joint", "--dim", "6")
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\n")
    for part in ("`joint`", "8 largest", "6 dimensions", "`log1p_relu`", "toy@train", "20 queries", "InfoNCE"):
        assert part in card
    assert json.loads((tmp_path / "out" / "dupmae.json").read_text())["d"] == 6
    assert str(tmp_path) not in card

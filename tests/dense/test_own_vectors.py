"""Foreign models: the vectors are those of the model's own `encode`, or the packed path declines and says why."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer as Own
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils import parametrize

from dense.own import assert_own, settings
from dense.tiny import DOCS, TEXTS, bert, minilm, save_bert, save_sentence_transformer
from harness import plugins
from harness.errors import HarnessError
from harness.records import Query
from retrievers.encoders import own_vectors
from retrievers.encoders.packed_bert import PackedBert, why_not
from retrievers.sentence_transformer import SentenceTransformerEncoder as Encoder


@pytest.mark.parametrize("arguments", [{}, {"similarity": "dot"}, {"similarity": "cos"}])
@pytest.mark.parametrize("own_similarity", ["dot", "cosine"])
def test_a_normalize_module_normalises_whatever_the_similarity(tmp_path, own_similarity: str, arguments: dict) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "mean", True, similarity_fn_name=own_similarity)
    encoder = assert_own(folder, **arguments)
    assert encoder.facts()["packed"]
    assert np.linalg.norm(encoder.encode_docs(TEXTS), axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"query_length": 4}, "it sets query_length"),
        ({"document_length": 6}, "it sets document_length"),
        ({"processing_kwargs": {"text": {"max_length": 5, "truncation": True}}}, "it sets processing_kwargs"),
    ],
)
def test_a_model_s_own_lengths_are_kept(tmp_path, changes: dict, reason: str) -> None:
    folder = settings(save_sentence_transformer(tmp_path / "m"), "sentence_bert_config.json", **changes)
    encoder = assert_own(folder)
    assert encoder.facts()["not_packed_as"] == reason


class Lora(nn.Linear):
    """As adapters do it: the base layer's weight is there, and the output is another."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + 0.5 * x


class Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def lora(model: nn.Module) -> None:
    attention = model.encoder.layer[0].attention.self  # type: ignore[union-attr]
    changed = Lora(32, 32)
    changed.load_state_dict(attention.query.state_dict())
    attention.query = changed


CHANGES = {
    "its part encoder.layer.0.attention.self.query is a .*Lora": lora,
    "ParametrizedLinear": lambda model: parametrize.register_parametrization(
        model.encoder.layer[1].output.dense, "weight", Doubled()
    ),
    "has a hook": lambda model: model.encoder.layer[0].register_forward_hook(lambda *given: None),
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_part_that_computes_something_else_is_not_read_by_its_weight(reason: str) -> None:
    model = bert()
    assert why_not(model) is None
    CHANGES[reason](model)
    assert re.search(reason, why_not(model) or "")


def test_whatever_looks_packable_is_held_against_its_own_encode(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law behind all of the above: probe texts, short, long, empty and with the prompt."""
    folder = save_sentence_transformer(tmp_path / "m", prompts={"query": "heart ", "document": ""})
    forward = PackedBert.__call__
    monkeypatch.setattr(PackedBert, "__call__", lambda self, ids, lengths: forward(self, ids, lengths) * 1.01 + 0.01)
    encoder = assert_own(folder)
    assert "packed batches differ from its own encode by" in encoder.facts()["not_packed_as"]

    def fails(*_: object) -> None:
        raise IndexError("nowhere")

    monkeypatch.setattr(PackedBert, "__call__", fails)
    assert "packed batches fail (IndexError: nowhere)" in assert_own(folder).facts()["not_packed_as"]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_rounding_is_no_difference(tmp_path, precision: str) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "cls", prompts={"query": "heart "})
    assert Encoder(str(folder), precision=precision).facts()["packed"]  # type: ignore[arg-type]


def test_minilm_packs_and_gives_the_same_with_cos_and_dot() -> None:
    found = [Encoder(str(minilm()), similarity=similarity) for similarity in ("cos", "dot", None)]  # type: ignore[arg-type]
    assert all(one.facts()["packed"] for one in found)
    vectors = [one.encode_docs(TEXTS) for one in found]
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])
    assert [one.facts()["similarity"] for one in found] == ["cos", "dot", "cos"]


def static_model(folder: Path) -> Path:
    """A model whose first module is a table of vectors, as potion and static-retrieval have it."""
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = Tokenizer.from_file(str(save_bert(folder.with_name("bert")) / "tokenizer.json"))
    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer, embedding_dim=16)
    Own(modules=[module], device="cpu").save_pretrained(str(folder))
    return folder


def test_static_embeddings_run_by_their_own_encode(tmp_path) -> None:
    folder = static_model(tmp_path / "static")
    encoder = assert_own(folder)
    assert (encoder.facts()["packed"], encoder.facts()["max_length"]) == (False, None)
    assert encoder.encode_docs([]).shape == (0, 16)
    with pytest.raises(ValueError, match="a StaticEmbedding has no length that can be set"):
        Encoder(str(folder), max_length=12)
    retriever = plugins.make("sentence-transformer", {"model": str(folder)})
    (tmp_path / "index").mkdir()
    retriever.index(DOCS, tmp_path / "index")
    retriever.load(tmp_path / "index")
    assert len(list(retriever.search([Query("q", TEXTS[0])], 3))) == 3


def test_a_plain_folder_s_pooling_is_said(tmp_path) -> None:
    (note,) = Encoder(str(save_bert(tmp_path / "plain"))).facts()["notes"]
    assert "says nothing of pooling and similarity: the mean over tokens and cosine were taken" in note
    assert "runs as `retromae`" in note
    assert Encoder(str(save_sentence_transformer(tmp_path / "m"))).facts()["notes"] == []


@pytest.mark.parametrize(
    ("prompt", "noted"), [(r"Instruct: x\nQuery: ", True), ("Instruct: x\nQuery: ", False), ("q: ", False)]
)
def test_a_backslash_n_in_a_prompt_is_said(tmp_path, prompt: str, noted: bool) -> None:
    notes = Encoder(str(save_sentence_transformer(tmp_path / "m")), query_prompt=prompt).facts()["notes"]
    assert bool(notes) is noted
    assert not noted or "holds a backslash and a letter" in notes[0]


OWN_CODE = """
from transformers import BertModel, BertConfig


class Other(BertModel):
    config_class = BertConfig

    def forward(self, *given, **named):
        found = super().forward(*given, **named)
        found.last_hidden_state = -3 * found.last_hidden_state.flip(-1)
        return found
"""


@pytest.fixture
def own_code(tmp_path) -> Path:
    """A model of `model_type` bert with a class of its own, as Jina's are."""
    folder = save_sentence_transformer(tmp_path / "m", "cls", False)
    (folder / "own_code.py").write_text(OWN_CODE)
    return settings(folder, "config.json", auto_map={"AutoModel": "own_code.Other"})


def test_a_class_of_its_own_runs_if_trusted_and_is_refused_else(own_code: Path) -> None:
    encoder = assert_own(own_code, trust_remote_code=True)
    assert not encoder.facts()["packed"]
    with pytest.raises(ValueError, match=r"asks to run the class 'own_code.Other'.*trust_remote_code=true"):
        Encoder(str(own_code))
    for name in ("retromae", "dupmae"):
        with pytest.raises(HarnessError, match="asks to run code of its own"):
            plugins.make(name, {"checkpoint": str(own_code)})


def test_differ_names_shapes_and_nan() -> None:
    def vectors(texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 3), np.float32)

    assert own_vectors.differ(vectors, vectors, "fp32") is None
    assert "shape (3,), its own encode (2,)" in str(own_vectors.differ(vectors, lambda t: vectors(t)[:, :2], "fp32"))
    assert "differ" in str(own_vectors.differ(lambda texts: vectors(texts) * np.nan, vectors, "fp32"))

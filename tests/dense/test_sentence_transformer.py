"""The sentence-transformers plugin gives the model's own vectors, packed or not, and refuses what cannot be right."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer as Own

from dense.tiny import DOCS, TEXTS, bert, save_bert, save_sentence_transformer
from harness import conformance, plugins
from harness.records import Query
from retrievers.encoders import checkpoint
from retrievers.sentence_transformer import SentenceTransformerEncoder as Encoder

PROMPTS = {"prompts": {"query": "heart ", "document": "cells of ", "rats": "rats "}}


@pytest.fixture
def model(tmp_path) -> Path:
    return save_sentence_transformer(tmp_path / "model", **PROMPTS)


@pytest.mark.parametrize(
    ("pooling", "normalise", "packed"),
    [("mean", True, True), ("cls", True, True), ("cls", False, True), ("max", True, False)],
)
def test_vectors_are_the_models_own(tmp_path, pooling: str, normalise: bool, packed: bool) -> None:
    folder = save_sentence_transformer(tmp_path / "m", pooling, normalise, similarity_fn_name="dot", **PROMPTS)
    encoder, own = Encoder(str(folder), batch_tokens=40), Own(str(folder), device="cpu")
    assert encoder.facts()["packed"] is packed
    np.testing.assert_allclose(encoder.encode_docs(TEXTS), own.encode_document(TEXTS), atol=2e-5, rtol=1e-4)
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), own.encode_query(TEXTS), atol=2e-5, rtol=1e-4)
    assert encoder.encode_docs([]).shape == (0, 32)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_precisions(tmp_path, precision: str, pooling: str) -> None:
    folder = save_sentence_transformer(tmp_path / "m", pooling)
    vectors = Encoder(str(folder), precision=precision).encode_docs(TEXTS)  # type: ignore[arg-type]
    near = (vectors * Own(str(folder), device="cpu").encode(TEXTS)).sum(1)
    assert near.min() > {"fp32": 0.999999, "bf16": 0.995, "fp16": 0.9999}[precision]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "query_prompt", "doc_prompt"),
    [
        ({}, "heart ", "cells of "),
        ({"query_prompt": "x ", "doc_prompt": ""}, "x ", ""),
        ({"query_prompt_name": "rats", "doc_prompt_name": "query"}, "rats ", "heart "),
    ],
)
def test_prompts(model: Path, arguments: dict, query_prompt: str, doc_prompt: str) -> None:
    encoder, own = Encoder(str(model), **arguments), Own(str(model), device="cpu")
    assert (encoder.facts()["query_prompt"], encoder.facts()["doc_prompt"]) == (query_prompt, doc_prompt)
    expected = own.encode([query_prompt + text for text in TEXTS], prompt="")
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("max_length", "similarity", "norm"), [(5, "cos", 1.0), (24, "dot", None), (64, None, 1.0)])
def test_length_and_similarity(tmp_path, max_length: int, similarity: str | None, norm: float | None) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "cls", normalise=False)
    encoder = Encoder(str(folder), max_length=max_length, similarity=similarity)  # type: ignore[arg-type]
    own = Own(str(folder), device="cpu")
    own.max_seq_length = max_length
    expected = own.encode(TEXTS, normalize_embeddings=norm is not None)
    np.testing.assert_allclose(encoder.encode_docs(TEXTS), expected, atol=2e-5, rtol=1e-4)


def test_a_plain_bert_folder_gets_what_sentence_transformers_makes_of_it(tmp_path) -> None:
    folder = save_bert(tmp_path / "plain")
    np.testing.assert_allclose(
        Encoder(str(folder)).encode_docs(TEXTS),
        Own(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True),
        atol=2e-5,
        rtol=1e-4,
    )


def test_the_whole_way(model: Path, tmp_path) -> None:
    retriever = plugins.make("sentence-transformer", {"model": str(model), "batch_tokens": 64})
    retriever.index(iter(DOCS), tmp_path / "index")
    searcher = plugins.make("sentence-transformer", {"model": str(model)})
    searcher.load(tmp_path / "index")
    hits = list(searcher.search([Query("q", TEXTS[0])], 2))
    vectors = Own(str(model), device="cpu").encode_document([doc.default_text() for doc in DOCS])
    scores = vectors @ Own(str(model), device="cpu").encode_query(TEXTS[0])
    assert [hit.doc_id for hit in hits] == [DOCS[at].doc_id for at in np.argsort(-scores)[:2]]
    assert [hit.score for hit in hits] == pytest.approx(np.sort(scores)[::-1][:2].tolist(), abs=1e-3)
    assert searcher.fingerprint()["checkpoint_sha256"] == checkpoint.digest(model)
    assert json.dumps(searcher.facts())


@pytest.mark.slow
@pytest.mark.parametrize("law", conformance.CHECKS, ids=lambda law: law.__name__)
def test_conformance(law, model: Path, tmp_path) -> None:
    place = tmp_path / "checked"
    place.mkdir()
    law(lambda: plugins.make("sentence-transformer", {"model": str(model)}), place)


def test_long_texts(model: Path) -> None:
    vectors = Encoder(str(model)).encode_docs(["mice " * 200_000, "mice " * 22])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"precision": "int8"}, ValueError, "precision is 'int8'"),
        ({"max_length": 65}, ValueError, "max_length is 65; this model takes 3 to 64 tokens"),
        ({"similarity": "manhattan"}, ValueError, "similarity is 'manhattan'; it can be cos or dot"),
        ({"query_prompt_name": "title"}, ValueError, "no prompt 'title'; it has document, query, rats"),
        ({"doc_prompt_name": "query", "doc_prompt": "x"}, ValueError, "a prompt or the name of one, not both"),
        ({"revision": "main"}, ValueError, "revision 'main' is for models of the hub"),
        ({"device": "gpu"}, ValueError, "device is 'gpu'"),
    ],
)
def test_bad_arguments(model: Path, arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Encoder(str(model), **arguments)


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def of_another_size(folder: Path) -> None:
    bert(hidden_size=16).save_pretrained(folder / "other")
    (folder / "other" / "model.safetensors").rename(folder / "model.safetensors")


def with_a_layer_missing(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.1.output" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def of_another_architecture(folder: Path) -> None:
    save_file({"decoder.weight": torch.zeros(3, 3)}, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("harm", "error", "message"),
    [
        (without_weights, FileNotFoundError, r"holds no weights: no \*.safetensors and no \*.bin is there"),
        (of_another_size, ValueError, "weights .* are not those of BertModel"),
        (with_a_layer_missing, ValueError, "4 of 37 tensors are missing .* encoder.layer.1.output.dense.weight first"),
        (of_another_architecture, ValueError, "weights .* are not those of BertModel: 37 of 37"),
    ],
)
def test_bad_folders(model: Path, harm, error: type[Exception], message: str) -> None:
    harm(model)
    with pytest.raises(error, match=message):
        Encoder(str(model))


def test_old_pickles_with_a_prefix_are_read(model: Path) -> None:
    expected = Encoder(str(model)).encode_docs(TEXTS)
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    torch.save({f"bert.{name}": tensor for name, tensor in weights.items()}, model / "pytorch_model.bin")
    np.testing.assert_array_equal(Encoder(str(model)).encode_docs(TEXTS), expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", "the model folder nowhere does not exist"),
        ("a/b/c", "the model folder a/b/c does not exist"),
        (
            "all-MiniLM-L6-v2",
            r"the model 'sentence-transformers/all-MiniLM-L6-v2' is not a folder, .*HF_HUB_OFFLINE is set",
        ),
        ("someone/something", "the model 'someone/something' is not a folder, not in the local cache"),
        ("bad name!/x", "is neither a folder nor a name of the hub"),
    ],
)
def test_models_that_cannot_be_had(tmp_path, monkeypatch, name: str, message: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=message):
        Encoder(name)
    assert list(tmp_path.iterdir()) == []

"""A class with two methods becomes a retriever that the harness accepts."""

import inspect
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from dense.tiny import DOCS
from harness import conformance
from harness.records import Doc, Query
from retrievers.dense import DenseRetriever, adapt, as_vectors, doc_text, from_encoder


class Letters:
    """Counts of letters."""

    runtime = frozenset({"batch"})
    search_only = frozenset({"weight"})

    def __init__(self, letters: str = "abcdefghijklmnopqrstuvwxyz1 ", weight: float = 1.0, batch: int = 8) -> None:
        self.letters, self.weight = letters, weight

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        return self.weight * self.encode_docs(texts)

    def encode_docs(self, texts: Sequence[str]) -> np.ndarray:
        counts = [[text.lower().count(letter) for letter in self.letters] for text in texts]
        return np.array(counts, np.float32).reshape(len(texts), len(self.letters))


LettersRetriever = from_encoder(Letters)


@pytest.mark.parametrize("law", conformance.CHECKS, ids=lambda law: law.__name__)
def test_conformance(law, tmp_path) -> None:
    law(LettersRetriever, tmp_path)


def test_arguments_are_the_encoders_and_the_retrievers() -> None:
    parameters = inspect.signature(LettersRetriever).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "title": " ", "store_dtype": "fp16", "device": "auto", "threads": 0,
        "letters": "abcdefghijklmnopqrstuvwxyz1 ", "weight": 1.0, "batch": 8,
        "dim": None, "store": None, "rescore": None, "ann": None,
    }  # fmt: skip
    assert LettersRetriever.runtime == {"device", "threads", "batch"}
    assert LettersRetriever.search_only == {"weight", "dim", "store", "rescore", "ann"}
    assert LettersRetriever.__name__ == "Letters"
    made = LettersRetriever(letters="ab", weight=2.0, title=None)
    assert (made.encoder.letters, made.encoder.weight, made.title) == ("ab", 2.0, None)
    assert made.shaping == {"title": None, "store_dtype": "fp16", "letters": "ab"}


def test_only_encoders_are_adapted() -> None:
    assert adapt(Letters).__name__ == "Letters"
    assert adapt(dict) is None

    class Vague:
        def __init__(self, **anything: object) -> None: ...

        encode_queries = encode_docs = print

    with pytest.raises(TypeError, match=r"Vague takes \*anything: name its arguments"):
        adapt(Vague)


@pytest.mark.parametrize(
    ("doc", "title", "expected"),
    [
        (Doc("1", "text", "title"), " ", "title text"),
        (Doc("1", "text", "title"), "[SEP]", "title[SEP]text"),
        (Doc("1", "text", "title"), None, "text"),
        (Doc("1", "text"), "[SEP]", "text"),
        (Doc("1", "", "title"), " ", "title"),
        (Doc("1", " text ", ""), " ", "text"),
        (Doc("1", ""), " ", ""),
    ],
)
def test_title_rule(doc: Doc, title: str | None, expected: str) -> None:
    assert doc_text(doc, title) == expected
    if title == " ":
        assert expected == doc.default_text()


@pytest.mark.parametrize("store_dtype", ["fp16", "fp32"])
def test_search_is_brute_force(tmp_path, store_dtype: str) -> None:
    retriever = LettersRetriever(store_dtype=store_dtype)
    retriever.index(iter(DOCS), tmp_path)
    retriever.load(tmp_path)
    query = Query("q", "mice cells")
    [vector] = Letters().encode_docs([query.text])
    vectors = Letters().encode_docs([doc.default_text() for doc in DOCS])
    expected = sorted(zip((vectors @ vector).tolist(), [doc.doc_id for doc in DOCS], strict=True), reverse=True)
    assert [(hit.score, hit.doc_id) for hit in retriever.search([query], 4)] == expected[:4]
    assert retriever.facts()["dim"] == 28
    assert retriever.facts()["docs_encoded"] == len(DOCS)


def test_long_and_empty_texts(tmp_path) -> None:
    retriever = LettersRetriever(store_dtype="fp32")
    retriever.index([Doc("long", "a" * 1_000_000), Doc("empty", "")], tmp_path)
    retriever.load(tmp_path)
    assert [hit[1:] for hit in retriever.search([Query("q", "a")], 9)] == [("long", 1e6), ("empty", 0.0)]


def test_a_vector_beyond_fp16_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"document 'long' hold infinite values in float16.*65504"):
        LettersRetriever().index([Doc("short", "a"), Doc("long", "a" * 1_000_000)], tmp_path)


class Broken(Letters):
    def __init__(self, fault: str = "none") -> None:
        super().__init__()
        self.fault = fault

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        vectors = super().encode_queries(texts)
        return {"nan": vectors * np.nan, "few": vectors[:-1], "flat": vectors[0], "wide": np.tile(vectors, 2)}[
            self.fault
        ]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", "the vector of query 'q1' holds NaN"),
        ("few", "encode_queries gave 1 vectors for 2 queries"),
        ("flat", r"encode_queries gave an array of shape \(28,\)"),
        ("wide", "holds vectors of 28 dimensions, the queries have 56"),
    ],
)
def test_faults_of_an_encoder(tmp_path, fault: str, message: str) -> None:
    retriever = from_encoder(Broken)(fault=fault)
    retriever.index(DOCS, tmp_path)
    with pytest.raises(ValueError, match="load an index before searching"):
        list(retriever.search([Query("q1", "a")], 1))
    retriever.load(tmp_path)
    with pytest.raises(ValueError, match=message):
        list(retriever.search([Query("q1", "a"), Query("q2", "b")], 3))


def test_bad_store_dtype() -> None:
    with pytest.raises(ValueError, match="store_dtype is 'int8'; it can be fp16, fp32"):
        DenseRetriever(Letters(), store_dtype="int8")


@pytest.mark.parametrize("given", [[[1, 2]], np.array([[1.0, 2.0]]), torch.tensor([[1, 2]], dtype=torch.bfloat16)])
def test_encoders_may_return_arrays_tensors_and_lists(given: object) -> None:
    vectors = as_vectors(given, "encode_docs")
    assert vectors.dtype == np.float32 and vectors.tolist() == [[1.0, 2.0]]

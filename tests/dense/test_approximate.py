"""One encoding, many searches: fewer dimensions, fewer bits, a graph. Nothing is encoded again, the loss is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dense.tiny import store
from harness.records import Doc, Query
from retrievers.dense import DenseRetriever, from_encoder
from retrievers.search import exact_search
from retrievers.search.approximate import Approximate
from retrievers.search.wanted import Wanted

RNG = np.random.default_rng(5)
VECTORS = RNG.normal(size=(500, 32)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
QUERIES = VECTORS[:40] + RNG.normal(size=(40, 32)).astype(np.float32) * 0.1


@pytest.fixture
def whole(tmp_path: Path) -> Any:
    return store(tmp_path / "s", VECTORS, [f"d{at:03d}" for at in range(500)], 128)


def found(whole: Any, wanted: Wanted, k: int = 10, normalise: bool = True) -> tuple[Approximate, list]:
    made = Approximate(whole, wanted, normalise, "cpu", 1)
    return made, [(rows.tolist(), scores.tolist()) for rows, scores in made.top_k(QUERIES, k)]


def brute(docs: np.ndarray, queries: np.ndarray, k: int = 10) -> list[list[int]]:
    scores = (queries.astype(np.float64) @ docs.astype(np.float64).T).astype(np.float32)
    return [sorted(range(len(docs)), key=lambda at: (row[at], at), reverse=True)[:k] for row in scores]


def test_fewer_dimensions_are_those_of_shorter_vectors(whole) -> None:
    stored = np.concatenate([np.asarray(shard.field(), np.float32) for shard in whole.shards])
    docs, queries = stored[:, :8], QUERIES[:, :8]
    docs = (docs / np.linalg.norm(docs, axis=1, keepdims=True)).astype(np.float16)
    queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    made, hits = found(whole, Wanted(dim=8))
    assert [rows for rows, _ in hits] == brute(docs, queries)
    assert made.facts()["approximate"]["bytes"] == 500 * 8 * 2


def test_binary_and_int8_are_those_of_the_reduced_numbers(whole) -> None:
    stored = np.concatenate([np.asarray(shard.field(), np.float32) for shard in whole.shards])
    assert [rows for rows, _ in found(whole, Wanted(store="binary"))[1]] == brute(np.where(stored >= 0, 1, -1), QUERIES)
    scales = np.abs(stored).max(axis=1, keepdims=True) / np.float32(127)
    assert [rows for rows, _ in found(whole, Wanted(store="int8"))[1]] == brute(
        np.rint(stored / scales) * scales, QUERIES
    )
    assert found(whole, Wanted(store="binary"))[0].facts()["approximate"]["bytes"] == 500 * 4


@pytest.mark.parametrize(
    "wanted", [Wanted(dim=8), Wanted(store="binary"), Wanted(ann="hnsw"), Wanted(dim=16, ann="hnsw")]
)
def test_rescoring_of_everything_is_exact_search(whole, wanted: Wanted) -> None:
    exact = [(rows.tolist(), scores.tolist()) for rows, scores in exact_search.top_k(QUERIES, whole, 10, "cpu", 1)]
    made, hits = found(whole, wanted._replace(rescore=50))
    assert hits == exact
    assert made.facts()["approximate"]["recall_of_exact@10"] == [1.0, 1.0, 1.0]


def test_what_is_lost_is_told_with_its_interval(whole) -> None:
    facts = found(whole, Wanted(store="binary", dim=8), k=100)[0].facts()["approximate"]
    mean, low, high = facts["recall_of_exact@10"]
    assert 0 < low < mean < high < 1 and facts["queries_compared"] == 40 and facts["build_s"] > 0
    assert facts["recall_of_exact@100"][0] < 1 and facts["store"] == "binary" and "ann" not in facts


def test_a_graph_is_the_same_again(whole) -> None:
    assert found(whole, Wanted(ann="hnsw"))[1] == found(whole, Wanted(ann="hnsw"))[1]


class Words:
    """Vectors by a hash of the text."""

    similarity = "cos"

    def __init__(self) -> None:
        self.encoded = 0

    def encode_queries(self, texts: list[str]) -> np.ndarray:
        rows = [np.random.default_rng(len(text) * 7919 + sum(map(ord, text))).normal(size=16) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows])

    def encode_docs(self, texts: list[str]) -> np.ndarray:
        self.encoded += len(texts)
        return self.encode_queries(texts)


class Sized(Words):
    """Its own `dim` means another thing."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.dim = dim


def test_one_index_serves_every_form(tmp_path) -> None:
    docs = [Doc(f"d{at}", f"text number {at}", "") for at in range(60)]
    from_encoder(Words)().index(iter(docs), tmp_path)
    assert from_encoder(Words).search_only == {"dim", "store", "rescore", "ann"}
    query = [Query("q", docs[7].text)]
    for arguments in ({}, {"dim": 8}, {"store": "int8"}, {"ann": "hnsw"}, {"store": "binary", "rescore": 10}):
        made = from_encoder(Words)(**arguments)
        made.load(tmp_path)
        assert next(iter(made.search(query, 3))).doc_id == "d7" and made.encoder.encoded == 0
        assert ("approximate" in made.facts()) == bool(arguments)


def test_an_argument_of_the_encoder_stays_its_own(tmp_path) -> None:
    made = from_encoder(Sized)
    assert "dim" not in made.search_only and made(dim=9).encoder.dim == 9 and made(dim=9).wanted.exact
    assert made(dim=9).shaping["dim"] == 9


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"store": "int4"}, "store is 'int4'"),
        ({"ann": "ivf"}, "ann is 'ivf'"),
        ({"dim": 0}, "dim is 0"),
        ({"rescore": 4}, "set dim, store or ann too"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        DenseRetriever(Words(), **arguments)


def test_more_dimensions_than_there_are(whole) -> None:
    with pytest.raises(ValueError, match="the stored vectors have 32 dimensions"):
        Approximate(whole, Wanted(dim=33), True, "cpu", 1)

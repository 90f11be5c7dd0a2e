"""Queries of few entries: inverted lists find what brute force and the other pass find."""

from pathlib import Path

import numpy as np
import pytest

from retrievers.search import joint_search, joint_store, postings, vector_store
from retrievers.search.joint_queries import JointQueries
from retrievers.search.ragged import ragged

VOCABULARY = 2000


def case(folder: Path, seed: int, tied: bool = False) -> tuple[joint_store.JointStore, np.ndarray, np.ndarray]:
    """A store of 300 documents of 0 to 60 entries, their matrix (N, V), and 40 queries of 0 to 12 entries (Q, V)."""
    rng = np.random.default_rng(seed)

    def rows(count: int, most: int) -> np.ndarray:
        dense = np.zeros((count, VOCABULARY), np.float32)
        for row in dense:
            places = rng.choice(200, int(rng.integers(0, most)), replace=False) * 7
            row[places] = rng.integers(1, 3, len(places)) if tied else rng.normal(size=len(places))
        return dense

    docs, queries = rows(300, 60).astype(np.float16).astype(np.float32), rows(40, 12)
    vector_store.begin(folder, {}, 64)
    for number, start in enumerate(range(0, 300, 64)):
        some = docs[start : start + 64]
        entries = ragged([np.flatnonzero(row) for row in some])
        fields = joint_store.sparse_fields(entries, some[some != 0], VOCABULARY)
        ids = [f"d{at:03d}" for at in range(start, start + len(some))]
        vector_store.write_shard(folder, number, ids, "", fields)
    vector_store.finish(folder, 300)
    return joint_store.JointStore(folder), docs, queries


def found(store: joint_store.JointStore, queries: np.ndarray, k: int, threads: int = 1) -> list[tuple[list, list]]:
    asked = JointQueries(np.empty((len(queries), 0), np.float32), queries)
    return [(rows.tolist(), scores.tolist()) for rows, scores in joint_search.top_k(asked, store, k, "cpu", threads)]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_finds_what_brute_force_finds(tmp_path: Path, k: int, tied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    store, docs, queries = case(tmp_path, 1, tied)
    assert postings.usable(JointQueries(np.empty((len(queries), 0), np.float32), queries))
    exact = (queries.astype(np.float64) @ docs.astype(np.float64).T).astype(np.float32)
    hits = found(store, queries, k)
    for (rows, scores), row in zip(hits, exact, strict=True):
        assert rows == sorted(range(300), key=lambda at: (row[at], at), reverse=True)[:k]
        assert scores == pytest.approx(row[rows].tolist(), rel=1e-6, abs=1e-30)
    monkeypatch.setattr(postings, "TILE_QUERIES", 7)
    assert found(store, queries, k, threads=3) == hits
    monkeypatch.setattr(postings, "FEW", -1.0)
    assert found(store, queries, k) == hits  # through the vocabulary vectors


def test_the_margin_bounds_what_was_seen(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store, docs, queries = case(tmp_path, 2)
    exact = queries.astype(np.float64) @ docs.astype(np.float64).T
    with ThreadPoolExecutor(1) as pool:
        one = postings.PostingsCandidates(JointQueries(np.empty((40, 0), np.float32), queries), store, 10, pool, 1)
        entries, weights = joint_store.sparse_rows(store.shards[0])
        scores = np.empty((40, 64), np.float32)
        one._add(one.edges, postings.invert(entries, weights.view(np.uint16), VOCABULARY), scores)
    off = np.abs(scores - exact[:, :64]).max(axis=1)
    assert (off <= one.margins / 2).all() and off.max() > 0


def test_dense_queries_and_joint_ones_go_the_other_way() -> None:
    full = np.ones((2, VOCABULARY), np.float32)
    few = np.zeros((2, VOCABULARY), np.float32)
    assert not postings.usable(JointQueries(np.empty((2, 0), np.float32), full))
    assert not postings.usable(JointQueries(np.ones((2, 3), np.float32), few))
    assert postings.usable(JointQueries(np.empty((2, 0), np.float32), few))

"""Joint stores made from arrays, and Eq. 12 by brute force."""

import math
from pathlib import Path

import numpy as np

from retrievers.search import joint_store, vector_store
from retrievers.search.joint_queries import JointQueries
from retrievers.search.joint_search import top_k
from retrievers.search.joint_store import JointStore

Hits = list[list[tuple[str, float]]]


def store(folder: Path, dense: np.ndarray, entries: np.ndarray, weights: np.ndarray, vocabulary: int,
          shard_docs: int = 64) -> JointStore:  # fmt: skip
    """A finished store of dense parts (N, d), entries (N, k) and weights (N, k)."""
    vector_store.begin(folder, {}, shard_docs)
    for number, start in enumerate(range(0, len(dense), shard_docs)):
        part = slice(start, start + shard_docs)
        ids = [str(row) for row in range(len(dense))[part]]
        fields = joint_store.fields(dense[part], entries[part], weights[part], vocabulary)
        vector_store.write_shard(folder, number, ids, "digest", fields)
    vector_store.finish(folder, len(dense))
    return JointStore(folder)


def random_case(seed: int, docs: int, d: int, k: int, vocabulary: int, queries: int, lowest: float = -np.inf) -> tuple:
    """Dense parts, entries, weights of documents, and queries; no weight or vocabulary value is below `lowest`."""
    draw = np.random.default_rng(seed)
    entries = np.sort(np.array([draw.choice(vocabulary, k, replace=False) for _ in range(docs)]).reshape(docs, k))
    weights = np.maximum(draw.standard_normal((docs, k)) * 2, lowest)
    asked = JointQueries(
        draw.standard_normal((queries, d)).astype(np.float32),
        np.maximum(draw.standard_normal((queries, vocabulary)) * 3, lowest).astype(np.float32),
    )
    return draw.standard_normal((docs, d)), entries, weights, asked


def brute_force(dense: np.ndarray, entries: np.ndarray, weights: np.ndarray, queries: JointQueries, k: int) -> Hits:
    """Eq. 12 on the stored values, without any rounding but the last."""
    dense, weights = (array.astype(np.float16).astype(np.float64) for array in (dense, weights))
    found = []
    for asked, vocabulary in zip(*(array.astype(np.float64) for array in queries), strict=True):
        terms = np.concatenate([dense[:, : len(asked)] * asked, weights * vocabulary[entries]], axis=1)
        scores = [(str(row), float(np.float32(math.fsum(term)))) for row, term in enumerate(terms)]
        found.append(sorted(scores, key=lambda hit: (hit[1], hit[0]), reverse=True)[:k])
    return found


def search(queries: JointQueries, held: JointStore, k: int, threads: int = 0) -> Hits:
    """What the exact search finds."""
    found = top_k(queries, held, k, "cpu", threads)
    return [list(zip(held.doc_ids(rows), scores.tolist(), strict=True)) for rows, scores in found]

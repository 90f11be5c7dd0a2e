"""Search that trades exactness for speed or memory, on stored vectors: never the default, and its loss is measured.

    dim      the first so many numbers of each vector
    store    fp16, int8 or binary
    ann      hnsw: a graph over the vectors (faiss), instead of all of them
    rescore  so many times k candidates are scored again with the stored vectors

Everything is built at load from one encoding on disk, so no document is read or encoded again.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np
import torch

from retrievers.search import exact_search
from retrievers.search.exact_search import full_fp32
from retrievers.search.order import Found, in_order
from retrievers.search.reduced import ReducedStore, truncated
from retrievers.search.vector_store import VectorStore
from retrievers.search.wanted import Wanted

LINKS, BUILD, VISITED = 32, 200, 128  # of HNSW: neighbours of a node, candidates while building and while searching
COMPARED, DEPTHS = 200, (10, 100)  # queries whose exact best are found too, and how deep they are compared


class Approximate:
    """Approximate search over a finished store; `normalise` is for vectors compared by cosine."""

    def __init__(self, whole: VectorStore, wanted: Wanted, normalise: bool, device: str, threads: int) -> None:
        begun = perf_counter()
        self.whole, self.wanted, self.normalise = whole, wanted, normalise
        self.device, self.threads = device, threads
        self.reduced = ReducedStore(whole, wanted.dim, wanted.store or "fp16", normalise)
        self.graph = _graph(self.reduced, threads) if wanted.ann else None
        self.build_s = perf_counter() - begun
        self.compared: list[tuple[np.ndarray, np.ndarray, int]] = []

    def top_k(self, queries: np.ndarray, k: int) -> Iterator[Found]:
        """For each query fp32 (Q, n) about its best k documents (rows) and their scores, in order of these scores."""
        wide = max(k, k * (self.wanted.rescore or 1))
        short = truncated(np.ascontiguousarray(queries, np.float32), self.wanted.dim, self.normalise)
        for query, (rows, scores) in zip(queries, self._found(short, wide), strict=True):
            if self.wanted.rescore:
                rows, scores = self._rescored(query, rows)
            rows, scores = rows[:k], scores[:k]
            if len(self.compared) < COMPARED:
                self.compared.append((query, rows, k))
            yield rows, scores

    def _found(self, queries: np.ndarray, k: int) -> Iterator[Found]:
        if self.graph is None or not self.reduced.docs:
            yield from exact_search.top_k(queries, self.reduced, k, self.device, self.threads)  # type: ignore[arg-type]
            return
        self.graph.hnsw.efSearch = max(VISITED, k)
        scores, rows = self.graph.search(queries, min(k, self.reduced.docs))
        for found, values in zip(rows, scores, strict=True):
            there = found >= 0  # a graph may reach fewer
            kept = found[there].astype(np.int64)
            yield self._ordered(kept, values[there].astype(np.float32))

    def _rescored(self, query: np.ndarray, rows: np.ndarray) -> Found:
        kept = np.sort(rows)
        counts = np.array([len(kept)], np.int64)
        asked = np.ascontiguousarray(query[None], np.float32)
        with ThreadPoolExecutor(1) as pool, full_fp32():
            scores = exact_search.exact_scores(asked, self.whole, kept[None].astype(np.int32), counts, pool, 1)[0]
        return self._ordered(kept, scores)

    def _ordered(self, rows: np.ndarray, scores: np.ndarray) -> Found:
        best = in_order(rows, scores, self.whole, len(rows))
        return rows[best], scores[best]

    def facts(self) -> dict[str, Any]:
        """Bytes in memory, seconds of building, and the share of the exact best that was found, with its interval."""
        size = self.reduced.bytes + (self.reduced.docs * LINKS * 2 * 4 if self.graph is not None else 0)
        asked = {name: value for name, value in self.wanted._asdict().items() if value is not None}
        return {"approximate": {**asked, "bytes": size, "build_s": round(self.build_s, 3), **self._recall()}}

    def _recall(self) -> dict[str, Any]:
        """Mean over the first queries of the share of the exact top n that was found, with its normal 95 % interval."""
        if not self.compared:
            return {}
        queries = np.stack([query for query, _, _ in self.compared])
        deepest = min(max(k for _, _, k in self.compared), max(DEPTHS))
        exact = [rows for rows, _ in exact_search.top_k(queries, self.whole, deepest, self.device, self.threads)]
        found: dict[str, Any] = {}
        for depth in (depth for depth in DEPTHS if depth <= deepest):
            pairs = zip(exact, self.compared, strict=True)
            shares = [_share(best[:depth], rows[:depth]) for best, (_, rows, _) in pairs]
            mean = float(np.mean(shares))
            error = float(np.std(shares, ddof=1) / len(shares) ** 0.5) if len(shares) > 1 else 0.0
            low, high = max(0.0, mean - 1.96 * error), min(1.0, mean + 1.96 * error)
            found[f"recall_of_exact@{depth}"] = [round(mean, 4), round(low, 4), round(high, 4)]
        return {**found, "queries_compared": len(self.compared)}


def _share(best: np.ndarray, found: np.ndarray) -> float:
    return len(np.intersect1d(best, found)) / max(1, len(best))


def _graph(store: ReducedStore, threads: int) -> Any:
    """An HNSW graph of faiss over inner products, built row by row in one thread, so that it is always the same."""
    try:
        import faiss
    except ImportError as error:
        raise ValueError("ann=hnsw needs faiss: pip install 'beir-harness[ann]'") from error
    graph = faiss.IndexHNSWFlat(store.dim or 1, LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = BUILD
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for shard in store.shards:
            graph.add(np.ascontiguousarray(shard.field(), np.float32))
    finally:
        faiss.omp_set_num_threads(threads or torch.get_num_threads() or before)
    return graph

"""The exact top k by dot product among vectors that need not fit into memory.

The score of a pair is defined without reference to any library: the fp64 sum, in one fixed order, of the exact products
of its fp32 values, rounded to fp32 (`exact_sums.dot`). It depends on the two vectors alone, so neither blocks,
threads, batches of queries nor the device can change a result. Order: score descending, then doc_id descending.

Scoring every pair that way would be slow. A matrix product gives approximate scores first; a document is a candidate
while its approximation comes within a proven margin (`exact_margin`) of the k-th best one, and only candidates are
scored exactly. The product may then run in whatever precision is fastest here.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from time import perf_counter

import numpy as np
import torch

from retrievers.encoders.encoding import pick_device, torch_threads
from retrievers.search import exact_kernels, exact_sums
from retrievers.search.exact_margin import FIRST, First, double_margins, fitting, sum_slack
from retrievers.search.order import Found, in_order, put_in_order
from retrievers.search.vector_store import VectorStore

BLOCK_DOCS = 4096  # documents and queries of one matrix product: its operands and its result stay within a CPU's caches
TILE_QUERIES = 512
PROBE_DOCS = 1024  # on which the precisions are timed
CANDIDATE_BYTES = 3 << 27  # 400 MB: bounds the queries that one pass over the vectors serves
ROUNDINGS = 2.1  # a threshold moves by one rounding up and one down, see `exact_margin`


def top_k(
    queries: np.ndarray, store: VectorStore, k: int, device: str = "auto", threads: int = 0, first: str = "auto"
) -> Iterator[Found]:
    """For each query of `queries` fp32 (Q, dim) its best k documents of `store` and their scores, in order.

    `first` is the precision of the first product, auto picks the fastest here; the result is the same with each.
    Raises ValueError for a k below 1, another dimension than the store's, or vectors so long that scores overflow.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    if store.docs and store.dim != queries.shape[1]:
        raise ValueError(f"{store.folder} holds vectors of {store.dim} dimensions, the queries have {queries.shape[1]}")
    place = pick_device(device)
    k = min(k, store.docs)
    if not k:
        return iter([(np.empty(0, np.int64), np.empty(0, np.float32))] * len(queries))
    return _passes(
        np.ascontiguousarray(queries, np.float32), store, k, place, threads or torch.get_num_threads(), first
    )


def _passes(
    queries: np.ndarray, store: VectorStore, k: int, device: torch.device, threads: int, first: str
) -> Iterator[Found]:
    at_a_time = max(1, CANDIDATE_BYTES // (room_for(k, store.docs) * 8))
    for start in range(0, len(queries), at_a_time):
        part = queries[start : start + at_a_time]
        with ThreadPoolExecutor(threads) as pool, full_fp32(), torch_threads(threads):
            if device.type == "cpu":
                rows, counts, scores = Candidates(part, store, k, pool, threads, first).scored()
            else:
                from retrievers.search.device_candidates import collect

                rows, counts = collect(part, store, k, device, first)
                scores = exact_scores(part, store, rows, counts, pool, threads)
            found = put_in_order(rows, counts, scores, store, k, pool)
        yield from found


@contextmanager
def full_fp32() -> Iterator[None]:
    """Products of fp32 in fp32 and sums in fp32, whatever the process has set: the margin counts on it."""
    cuda = torch.backends.cuda.matmul
    before = torch.get_float32_matmul_precision()
    halves = cuda.allow_fp16_reduced_precision_reduction, cuda.allow_bf16_reduced_precision_reduction
    torch.set_float32_matmul_precision("highest")
    cuda.allow_fp16_reduced_precision_reduction = cuda.allow_bf16_reduced_precision_reduction = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        cuda.allow_fp16_reduced_precision_reduction, cuda.allow_bf16_reduced_precision_reduction = halves


def exact_scores(
    queries: np.ndarray,
    store: VectorStore,
    rows: np.ndarray,
    counts: np.ndarray,
    pool: ThreadPoolExecutor,
    threads: int,
    begun: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Exact scores fp32 (Q, C) of candidates `rows` (Q, C), ascending, of which `counts` (Q,) are valid.

    `begun` are scores made before and the counts (Q,) that have them: those behind, ascending too, are added.
    """
    scores, done = begun or (np.empty(rows.shape, np.float32), np.zeros(len(queries), np.int64))
    cursors = done.copy()
    slack = sum_slack(queries, store.norm)
    for shard in store.shards:
        vectors = shard.field()
        vectors = np.asarray(vectors.view(np.int16) if vectors.dtype == np.float16 else vectors)

        def score(part: slice, vectors: np.ndarray = vectors, first: int = shard.first) -> None:
            exact_sums.rescore(
                queries[part], vectors, first, rows[part], counts[part], cursors[part], scores[part], slack[part]
            )  # fmt: skip

        list(pool.map(score, slices(len(queries), threads)))
    return scores


def room_for(k: int, docs: int) -> int:
    """Places for a query's candidates."""
    return min(6 * k + 4 * exact_kernels.SPARE, docs + exact_kernels.SPARE)


def slices(length: int, parts: int) -> list[slice]:
    """0 .. length - 1 in at most `parts` slices of nearly equal size."""
    edges = np.linspace(0, length, min(parts, max(length, 1)) + 1).astype(int).tolist()
    return [slice(start, end) for start, end in pairwise(edges)]


class Candidates:
    """One pass over the vectors on a CPU: products block by block, the scores above each query's limit kept."""

    def __init__(
        self,
        queries: np.ndarray,
        store: VectorStore,
        k: int,
        pool: ThreadPoolExecutor,
        threads: int,
        first: str,
    ) -> None:
        self.queries, self.store, self.k = queries, store, k
        self.pool, self.threads = pool, threads
        self.first = FIRST[first] if first != "auto" else self._fastest()
        self.exact = torch.from_numpy(queries).to(self.first.dtype)  # (Q, dim)
        self.margins = double_margins(queries, store.norm, self.first, self._stored_as(self.first))
        self.rounding = ROUNDINGS * self.first.unit
        room = room_for(k, store.docs)
        self.rows = np.empty((len(queries), room), np.int32)
        self.keys = np.empty((len(queries), room), np.int32)
        self.counts = np.zeros(len(queries), np.int64)
        self.crowded = room // 4 * 3 if room < store.docs else room
        self.full = np.full(len(queries), min(room, 2 * k + 4 * exact_kernels.SPARE), np.int64)
        self.limits = np.full(len(queries), exact_kernels.least_key(-np.inf, self.first.kind), np.int64)

    def _stored_as(self, first: First) -> bool:
        return first.dtype == torch.from_numpy(self.store.shards[0].field()[:0]).dtype

    def _collect(self) -> None:
        """Fill `rows` (Q, C), ascending, `keys` and `counts` (Q,)."""
        scores = torch.empty(TILE_QUERIES * BLOCK_DOCS, dtype=self.first.dtype)
        for shard in self.store.shards:
            vectors = torch.from_numpy(shard.field())
            for begin in range(0, shard.docs, BLOCK_DOCS):
                block = vectors[begin : begin + BLOCK_DOCS].to(self.first.dtype).T  # (dim, documents)
                for start in range(0, len(self.exact), TILE_QUERIES):
                    tile = self.exact[start : start + TILE_QUERIES]
                    out = scores[: len(tile) * block.shape[1]].view(len(tile), -1)
                    torch.mm(tile, block, out=out)
                    self._keep(out.view(self.first.bits).numpy(), start, shard.first + begin)

    def scored(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Candidates, how many of each row are valid, and their exact scores (Q, C).

        The k best approximations are scored first: what they prove spares half of the others.
        """
        self._collect()
        rows, keys, counts, margins = self.rows, self.keys, self.counts, self.margins
        rounding, kind = self.rounding, self.first.kind
        firsts = np.zeros_like(counts)

        def settle(here: slice) -> None:
            exact_kernels.tighten_all(
                rows[here], keys[here], counts[here], self.limits[here], self.k, margins[here], rounding, kind
            )
            exact_kernels.best_first(rows[here], keys[here], counts[here], firsts[here], self.k)

        def drop(here: slice) -> None:
            exact_kernels.drop_behind(
                rows[here], keys[here], firsts[here], counts[here], scores[here], margins[here], rounding, kind
            )

        parts = slices(len(rows), self.threads)
        list(self.pool.map(settle, parts))
        scores = exact_scores(self.queries, self.store, rows, firsts, self.pool, self.threads)
        list(self.pool.map(drop, parts))
        exact_scores(self.queries, self.store, rows, counts, self.pool, self.threads, (scores, firsts))
        return rows, counts, scores

    def _keep(self, bits: np.ndarray, start: int, first_row: int) -> None:
        def keep(part: slice) -> None:
            here = slice(start + part.start, start + part.stop)
            query = document = 0
            while True:
                query, document = exact_kernels.keep(
                    bits[part], first_row, query, document, self.rows[here], self.keys[here], self.counts[here],
                    self.limits[here], self.full[here], self.crowded, self.k, self.margins[here], self.rounding,
                    self.first.kind,
                )  # fmt: skip
                if query < 0:
                    return
                self._make_room(here.start + query)

        list(self.pool.map(keep, slices(len(bits), self.threads)))

    def _make_room(self, query: int) -> None:
        """Where more candidates lie within the margin than there is room for, exact scores decide among them."""
        rows = self.rows[query, : self.counts[query]].copy()
        scores = self._exact(query, rows)
        best = np.sort(in_order(rows, scores, self.store, self.k))
        kind, margin = self.first.kind, self.margins[query]
        kth = float(scores[best].min())
        limit = exact_kernels.least_key(kth - margin / 2 - self.rounding * (abs(kth) + margin), kind)
        self.limits[query] = max(self.limits[query], limit)
        self.rows[query, : self.k] = rows[best]
        self.keys[query, : self.k] = exact_kernels.least_keys(scores[best], kind)
        self.counts[query] = self.k

    def _exact(self, query: int, rows: np.ndarray) -> np.ndarray:
        """Exact scores fp32 (C,) of one query's candidates, ascending rows (C,)."""
        only = slice(query, query + 1)
        with ThreadPoolExecutor(1) as alone:
            return exact_scores(self.queries[only], self.store, rows[None], self.counts[only], alone, 1)[0]

    def _tighten(self) -> None:
        """After the last block: drop what is below the limits."""
        exact_kernels.tighten_all(
            self.rows, self.keys, self.counts, self.limits, self.k, self.margins, self.rounding, self.first.kind
        )

    def _fastest(self) -> First:
        """The precision whose product takes the least time here, of those that hold these vectors."""
        usable = [name for name, first in FIRST.items() if fitting(self.queries, self.store.norm, first)]
        if not usable:
            raise ValueError(f"vectors of norm {self.store.norm:.3g} and more overflow fp32 scores: normalise them")
        if len(self.queries) * self.store.docs < 1 << 24:  # a fraction of a second with each
            return FIRST[usable[0]]
        stored = torch.from_numpy(self.store.shards[0].field()[:0]).dtype
        return FIRST[quickest(tuple(usable), stored, self.store.dim, self.threads)]


@lru_cache
def quickest(names: tuple[str, ...], stored: torch.dtype, dim: int, threads: int) -> str:
    """The precision of the quickest product, the documents' conversion included, as measured once in a process.

    `threads` are those that torch uses now. The first product of a precision prepares what the others find; what takes
    several times as long as another's already then has no second.
    """
    queries, vectors = torch.rand(TILE_QUERIES, dim), torch.rand(PROBE_DOCS, dim).to(stored)
    first = {name: _seconds(queries, vectors, FIRST[name]) for name in names}
    near = [name for name in names if first[name] <= 5 * min(first.values())]
    rounds = [[_seconds(queries, vectors, FIRST[name]) for name in near] for _ in range(4)]
    return min(zip(map(min, zip(*rounds, strict=True)), near, strict=True))[1]


def _seconds(queries: torch.Tensor, vectors: torch.Tensor, first: First) -> float:
    """The time of one product, the documents' conversion included."""
    tile = queries.to(first.dtype)
    begun = perf_counter()
    torch.mm(tile, vectors.to(first.dtype).T)
    return perf_counter() - begun

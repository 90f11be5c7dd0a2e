"""The exact top k by MaxSim (ColBERT, arXiv 2004.12832): each query token's best document token, summed.

    score(q, d) = sum over tokens i of q of max over tokens j of d of q_i . d_j

As in `exact_search` the score is a function of the two texts' vectors alone: products and sums in fp64, in one fixed
order, rounded to fp32. Order: score descending, then doc_id descending. An fp32 product of all token pairs comes first;
a document is a candidate while its approximate score lies within a proven margin of the k-th best one.

The margin. Let u = 2^-24, n the dimension, gamma_n = n u / (1 - n u), L = sum |q_i| over the m tokens of a query and D
the norm of the longest document token. An fp32 product is off by at most gamma_n |q_i| D (`exact_margin`, 1), and so is
the largest of several. The fp32 sum of m of them is off by at most gamma_m times their sizes, which is at most
gamma_m (1 + gamma_n) L D. Rounding the exact score adds 2u L D, and that of the thresholds 2u.

Memory is bounded: DOC_TOKENS times QUERY_TOKENS similarities at a time, whatever the collection.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from retrievers.encoders.encoding import torch_threads
from retrievers.search import exact_search, maxsim_kernels
from retrievers.search.exact_margin import UNIT, norms
from retrievers.search.exact_search import full_fp32
from retrievers.search.joint_queries import LARGEST_SCORE, gamma
from retrievers.search.order import Found, in_order
from retrievers.search.ragged import Ragged, ragged
from retrievers.search.vector_store import Shard, VectorStore

DOC_TOKENS, QUERY_TOKENS = 1024, 256  # of one product, whose result stays in a core's cache; what is longer goes alone
EXACT_TOKENS = 8192  # of a query's candidates that are scored exactly together
PASS_QUERIES = 512  # queries that one pass over the store serves


def top_k(
    queries: Sequence[np.ndarray],
    store: VectorStore,
    k: int,
    threads: int = 0,
    over: Sequence[np.ndarray] | None = None,
) -> Iterator[Found]:
    """For each query, fp32 (m, n), its best k documents of `store` (rows) and their scores, in order.

    `over` are the rows (ascending) among which each query's are sought, None for all. Raises ValueError for a k below
    1, another dimension than the store's, or vectors so long that scores overflow.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    for query in queries:
        if store.docs and query.shape[1] != store.dim:
            raise ValueError(
                f"{store.folder} holds vectors of {store.dim} dimensions, the queries have {query.shape[1]}"
            )
    k = min(k, store.docs)
    if not k:
        return iter([(np.empty(0, np.int64), np.empty(0, np.float32))] * len(queries))
    return _passes(queries, store, k, threads or torch.get_num_threads(), over)


def _passes(
    queries: Sequence[np.ndarray], store: VectorStore, k: int, threads: int, over: Sequence[np.ndarray] | None
) -> Iterator[Found]:
    for start in range(0, len(queries), PASS_QUERIES):
        some = [np.ascontiguousarray(query, np.float32) for query in queries[start : start + PASS_QUERIES]]
        bounds = margins(some, store)
        with ThreadPoolExecutor(threads) as pool, full_fp32(), torch_threads(threads):
            if over is None:
                rows, counts = MaxSimCandidates(some, store, k, bounds, pool, threads).collect()
                wanted = [row[:count] for row, count in zip(rows, counts.tolist(), strict=True)]
            else:
                wanted = list(over[start : start + PASS_QUERIES])
            scores = [exact_scores(query, store, one) for query, one in zip(some, wanted, strict=True)]
        for found, exact in zip(wanted, scores, strict=True):
            best = in_order(found, exact, store, k)
            yield found[best].astype(np.int64), exact[best]


def margins(queries: Sequence[np.ndarray], store: VectorStore) -> np.ndarray:
    """Twice the error bound (Q,) of the module's text. Raises ValueError where scores would overflow."""
    lengths = np.array([norms(query).sum() for query in queries])  # L
    tokens = np.array([len(query) for query in queries])
    longest = store.norm * (1 + 2.0**-40)
    size = lengths * longest
    if size.max(initial=0.0) > LARGEST_SCORE:
        raise ValueError(f"token vectors of norm {longest:.3g} and more overflow fp32 scores")
    dim = store.dim or 0
    summed = np.array([gamma(int(count)) for count in tokens]) * (1 + gamma(dim))
    return 2 * ((gamma(dim) + summed + 4 * UNIT) * size + tokens * dim * 2.0**-125 * (1 + longest + lengths))


def exact_scores(query: np.ndarray, store: VectorStore, rows: np.ndarray) -> np.ndarray:
    """Exact scores fp32 (C,) of documents `rows` (C,), ascending, for one query fp32 (m, n)."""
    scores = np.empty(len(rows), np.float32)
    asked, length = torch.from_numpy(query), norms(query)
    bounds = 2 * (gamma(query.shape[1]) + 4 * UNIT) * length * store.norm * (1 + 2.0**-40) + 2.0**-120
    numbers = rows // store.shard_docs
    for number in np.unique(numbers):
        shard = store.shards[int(number)]
        here = np.flatnonzero(numbers == number)
        tokens = shard.ragged()
        starts, inside = tokens.starts, rows[here] - shard.first
        for begin, end in _stretches(tokens.lengths[inside], EXACT_TOKENS):
            parts = [tokens.values[starts[row] : starts[row + 1]] for row in inside[begin:end]]
            docs = ragged(parts)
            values = docs.values.astype(np.float32)  # (T, n)
            similarities = torch.mm(asked, torch.from_numpy(values).T).numpy()
            found = np.empty(end - begin, np.float32)
            maxsim_kernels.exact(similarities, query, values, docs.starts, bounds, found)
            scores[here[begin:end]] = found
    return scores


class MaxSimCandidates(exact_search.Candidates):
    """One pass over the store: scores of whole documents block by block, those above each query's limit kept."""

    def __init__(
        self,
        queries: Sequence[np.ndarray],
        store: VectorStore,
        k: int,
        bounds: np.ndarray,
        pool: ThreadPoolExecutor,
        threads: int,
    ) -> None:
        super().__init__(np.zeros((len(queries), 1), np.float32), store, k, pool, threads, "fp32")
        self.asked, self.margins = queries, bounds

    def collect(self) -> tuple[np.ndarray, np.ndarray]:
        """Candidates (Q, C) as ascending rows, and how many of each row are valid (Q,)."""
        sizes = np.array([len(query) for query in self.asked])
        tiles = [(start, ragged(self.asked[start:stop])) for start, stop in _stretches(sizes, QUERY_TOKENS)]
        for shard in self.store.shards:
            for first, docs in _blocks(shard):
                values = torch.from_numpy(docs.values.astype(np.float32)).T  # (n, Td)
                for start, tile in tiles:
                    similarities = torch.mm(torch.from_numpy(tile.values), values).numpy()  # (Tq, Td)
                    scores = np.empty((len(tile.lengths), len(docs.lengths)), np.float32)
                    self._sum(similarities, tile.starts, docs.starts, scores)
                    self._keep(scores.view(np.int32), start, shard.first + first)
        self._tighten()
        return self.rows, self.counts

    def _sum(self, similarities: np.ndarray, queries: np.ndarray, docs: np.ndarray, scores: np.ndarray) -> None:
        def add(part: slice) -> None:
            maxsim_kernels.add_best(similarities, queries, docs, scores, part.start, part.stop)

        list(self.pool.map(add, exact_search.slices(len(scores), self.threads)))

    def _exact(self, query: int, rows: np.ndarray) -> np.ndarray:
        return exact_scores(self.asked[query], self.store, rows.astype(np.int64))


def _blocks(shard: Shard) -> Iterator[tuple[int, Ragged]]:
    """A shard's documents, as many at a time as make DOC_TOKENS tokens, behind the number of the first."""
    docs = shard.ragged()
    yield from ((begin, docs.part(slice(begin, end))) for begin, end in _stretches(docs.lengths, DOC_TOKENS))


def _stretches(lengths: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """Neighbours whose `lengths` (N,) sum to `most` or less, or a longer one alone, as begin and end."""
    ends = np.cumsum(lengths)
    begin = done = 0
    while begin < len(lengths):
        end = max(begin + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield begin, end
        begin, done = end, int(ends[end - 1])

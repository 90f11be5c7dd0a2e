"""The exact top k by the joint score of DupMAE (arXiv 2305.02564, Eq. 12): dense product plus the document's entries.

    score(q, d) = h_q . h_d + sum over the k entries i of d of mu_q[i] mu_d[i]

The document is sparse, the query is dense over the vocabulary. As for dense vectors (`exact_search`), the score of a
pair is the fp64 sum, in one fixed order, of Eq. 12's exact products, rounded to fp32: a function of the two alone.
Order: score descending, then doc_id descending. Approximate scores of all pairs come first, and candidates are scored
exactly.

The approximation a of e (Eq. 12 in exact arithmetic) is an fp32 product for the dense part; for the sparse part queries
and weights are rounded to whole numbers times a factor of each vector (`joint_kernels`), and sums of products of whole
numbers are exact but for a rounding to fp32 every 32 entries. Let u = 2^-24, gamma_n = nu / (1 - nu), D and W the
largest norms of the documents' dense and sparse parts, m_q = max |mu_q|, c_q and c the largest errors of a query's and
of any document's number, and w = W + sqrt(k) c, which bounds the norm of the rounded weights.

  1. Rounding moves the sparse part by at most sum |mu_q[i] - mu'_q[i]| |mu'_d[i]| + |mu_q[i]| |mu_d[i] - mu'_d[i]|,
     hence (Cauchy-Schwarz for the first) by at most sqrt(k) c_q w + k m_q c.
  2. The fp32 product is off by at most gamma_d' |h_q| D, see `exact_margin`. Of the sparse part each sum of 32 entries
     is rounded, k / 32 of them are added, the two factors (rounded themselves) are multiplied, and the dense part is
     added: gamma_n with n = k / 32 + 8, of at most sqrt(k) (m_q + c_q) w + |h_q| D.
  3. The exact score is rounded to fp32: 2u more; the thresholds' own rounding adds 2u.

Twice the sum is the margin below the k-th best approximation within which a document stays a candidate; why that misses
nothing is proven in `exact_margin`. Here it is some 1e-4 of the scores, so few candidates are not in the top k.

Tried and left out: fp32 rows of 16 queries (2.2 times as long), 16 bits converted to fp32 (1.9 times as long), bf16
(1.4 times as long, and a margin that lets most documents through), the vocabulary in ranges that fit the second-level
cache better, and prefetching of rows (both within a tenth). Inverted lists prune little: nearly all of a document's 384
weights and, with `raw`, of a query's V numbers are not small. Learned sparse queries of a few entries go through them
(`postings`).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from retrievers.encoders.encoding import torch_threads
from retrievers.search import joint_kernels
from retrievers.search.exact_margin import UNIT, norms
from retrievers.search.exact_search import full_fp32, slices
from retrievers.search.joint_kernels import ROUNDED
from retrievers.search.joint_pass import BLOCK_DOCS, JointPass, exact_scores
from retrievers.search.joint_queries import LARGEST_SCORE, JointQueries, gamma
from retrievers.search.joint_store import JointStore, sparse_rows
from retrievers.search.order import Found, put_in_order
from retrievers.search.postings import PostingsCandidates, usable
from retrievers.search.row_sums import CHUNK, LANES, LARGEST
from retrievers.search.vector_store import Shard

TILE_QUERIES = 512  # of one matrix product; a multiple of LANES
PASS_QUERIES = 1024  # queries that one pass over the store serves; bounds memory


def top_k(queries: JointQueries, store: JointStore, k: int, device: str = "auto", threads: int = 0) -> Iterator[Found]:
    """For each query its best k documents of `store` (rows) and their scores, in order.

    Raises ValueError for a k below 1, dimensions that are not the store's, or vectors so long that scores overflow.
    """
    from retrievers.encoders.encoding import pick_device

    place = pick_device(device)
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    width = queries.dense.shape[1]
    if store.docs and width not in (0, store.dim):
        raise ValueError(f"{store.folder} holds dense parts of {store.dim} dimensions, the queries have {width}")
    k = min(k, store.docs)
    if not k:
        return iter([(np.empty(0, np.int64), np.empty(0, np.float32))] * len(queries.dense))
    return _passes(JointQueries(*map(_fp32, queries)), store, k, place, threads or torch.get_num_threads())


def _fp32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


def _passes(queries: JointQueries, store: JointStore, k: int, device: torch.device, threads: int) -> Iterator[Found]:
    for start in range(0, len(queries.dense), PASS_QUERIES):
        part = queries.part(slice(start, start + PASS_QUERIES))
        with ThreadPoolExecutor(threads) as pool, full_fp32(), torch_threads(threads):
            if device.type == "cpu":
                one_pass = PostingsCandidates if usable(part) else JointCandidates
                rows, counts = one_pass(part, store, k, pool, threads).collect()
            else:
                from retrievers.search.joint_device import collect

                rows, counts = collect(part, store, k, device)
            scores = exact_scores(part, store, rows, counts, pool, threads)
            found = put_in_order(rows, counts, scores, store, k, pool)
        yield from found


def double_margins(queries: JointQueries, store: JointStore, errors: np.ndarray) -> np.ndarray:
    """Twice the sum of 1 to 3 of the module's text (Q,); `errors` (Q,) are c_q. Raises ValueError at overflow."""
    width = queries.dense.shape[1]
    k, weight_error = store.k, ROUNDED * store.largest / LARGEST
    length, longest = norms(queries.dense), (store.norm if width else 0.0) * (1 + 2.0**-40)
    largest = np.abs(queries.vocabulary).max(axis=1, initial=0.0).astype(np.float64)  # m_q
    heaviest = store.sparse_norm + k**0.5 * weight_error  # w
    dense, sparse = length * longest, k**0.5 * (largest + errors) * heaviest
    if (dense + sparse).max(initial=0.0) > LARGEST_SCORE:
        raise ValueError(f"vectors of norm {max(longest, heaviest):.3g} and more overflow fp32 scores")
    moved = k**0.5 * errors * heaviest + k * largest * weight_error
    summed = gamma(width) * dense + (gamma(k // CHUNK + 8) + 4 * UNIT) * (dense + sparse)
    underflow = (width + k) * 2.0**-125 * (1 + length + longest + largest + heaviest)
    return 2 * (moved + summed + underflow)


class JointCandidates(JointPass):
    """Scores of all pairs from the queries' vocabulary vectors, 32 side by side."""

    def __init__(
        self, queries: JointQueries, store: JointStore, k: int, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        super().__init__(queries, store, k, pool, threads)
        self.dense = torch.from_numpy(queries.dense)  # (Q, d')
        self.tables, self.factors, errors = joint_kernels.pack(queries.vocabulary)
        self.margins = double_margins(queries, store, errors)
        self.vectors = torch.empty((BLOCK_DOCS, self.dense.shape[1]))
        self.numbers = np.zeros((BLOCK_DOCS, -(-max(store.k, 1) // CHUNK) * CHUNK), np.int16)  # of the weights
        self.weight_factors = np.empty(BLOCK_DOCS, np.float32)
        self.used = np.empty(BLOCK_DOCS, np.int64)  # of the entries of each document

    def collect(self) -> tuple[np.ndarray, np.ndarray]:
        """Candidates (Q, C) as ascending rows, and how many of each row are valid (Q,)."""
        scores = torch.empty(TILE_QUERIES * BLOCK_DOCS)
        for shard in self.store.shards:
            for begin in range(0, shard.docs, BLOCK_DOCS):
                vectors, entries = self._block(shard, slice(begin, min(begin + BLOCK_DOCS, shard.docs)))
                for start in range(0, len(self.dense), TILE_QUERIES):
                    tile = self.dense[start : start + TILE_QUERIES]
                    out = scores[: len(tile) * len(vectors)].view(len(tile), -1)
                    torch.mm(tile, vectors.T, out=out)
                    self._add_sparse(entries, start, out.numpy())
                    self._keep(out.numpy().view(np.int32), start, shard.first + begin)
        self._tighten()
        return self.rows, self.counts

    def _block(self, shard: Shard, part: slice) -> tuple[torch.Tensor, np.ndarray]:
        """Dense parts fp32 (N, d') and entries (N, n) of some documents; their weights go into `numbers`."""
        halves = np.asarray(shard.field().view(np.uint16))[part, : self.dense.shape[1]]
        entries, weights = sparse_rows(shard, part)
        weights = weights.view(np.uint16)
        vectors = self.vectors[: len(halves)]

        def read(some: slice) -> None:
            where = some.start, some.stop
            joint_kernels.widen(halves, vectors.numpy(), *where)
            joint_kernels.pack_weights(weights, self.numbers, self.weight_factors, self.used, *where)

        list(self.pool.map(read, slices(len(entries), self.threads)))
        if more := self.numbers.shape[1] - entries.shape[1]:  # entry 0 with weight 0 adds nothing
            entries = np.pad(entries, ((0, 0), (0, more)))
        return vectors, entries

    def _add_sparse(self, entries: np.ndarray, start: int, scores: np.ndarray) -> None:
        tables = self.tables[start // LANES : -(-(start + len(scores)) // LANES)]
        factors, pairs = self.factors[start : start + len(scores)], self.numbers.view(np.int32)

        def add(part: slice) -> None:
            where = part.start, part.stop
            joint_kernels.add_sparse(tables, factors, entries, pairs, self.used, self.weight_factors, scores, *where)

        list(self.pool.map(add, slices(len(entries), self.threads)))

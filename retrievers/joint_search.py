"""The exact top k by the joint score of DupMAE (arXiv 2305.02564, Eq. 12): dense product plus the document's entries.

    score(q, d) = h_q . h_d + sum over the k entries i of d of mu_q[i] mu_d[i]

The document is sparse, the query is dense over the vocabulary. As for dense vectors (`exact_search`), the score of a
pair is `exact_kernels.dot` of the two vectors of d' + k numbers that Eq. 12 multiplies, a function of the stored values
alone; order: score descending, then doc_id descending. Approximate scores of all pairs come first, and candidates are
scored exactly.

The approximation a of e (Eq. 12 in exact arithmetic) is an fp32 product for the dense part, and for the sparse part an
fp32 sum of weights times mu_q in fixed point (`joint_kernels`). Let u = 2^-24, n = d' + k + 8, D and W the largest
norms of the documents' dense and sparse parts, and m_q the norm of the k largest of |mu_q|, so that the sparse part, a
sum of k terms, is at most m_q W (Cauchy-Schwarz).

  1. Fixed point moves each of the k numbers by at most c_q: the sparse part moves by at most sqrt(k) c_q W.
  2. fp32 sums of products in any order, fused or not, are off by at most gamma_n (|h_q| D + (m_q + sqrt(k) c_q) W),
     gamma_n = nu / (1 - nu). The 8 cover the conversion to fp32, the factor, and the sum of the two parts.
  3. The exact score is rounded to fp32: 2u more; the thresholds' own rounding adds 2u.

Twice the sum is the margin below the k-th best approximation within which a document stays a candidate; why that misses
nothing is proven in `exact_margin`. Here it is some 1e-4 of the scores, so few candidates are not in the top k.

Tried and left out: bf16 in the place of fixed point is a fifth faster in the sparse sums and has forty times the
margin; fp32 rows of 16 queries are simpler and take 1.2 times as long; inverted lists prune little, as nearly all of a
document's 384 weights and of a query's V are not small.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch

from retrievers import exact_kernels, joint_kernels
from retrievers.exact_margin import UNIT, norms
from retrievers.exact_search import Found, full_fp32, in_order, slices
from retrievers.joint_store import JointStore
from retrievers.vector_store import Shard

BLOCK_DOCS = 4096  # documents of one block: its scores stay within a CPU's caches
TILE_QUERIES = 512
PASS_QUERIES = 1024  # queries that one pass over the store serves; bounds memory
LARGEST_SCORE = 1e38


class JointQueries(NamedTuple):
    """Encoded queries: dense parts fp32 (Q, d'), vocabulary vectors fp32 (Q, V). With d' = 0 the sparse part counts
    alone."""

    dense: np.ndarray
    vocabulary: np.ndarray

    def part(self, which: slice) -> "JointQueries":
        """Some of the queries."""
        return JointQueries(self.dense[which], self.vocabulary[which])


def top_k(queries: JointQueries, store: JointStore, k: int, device: str = "auto", threads: int = 0) -> Iterator[Found]:
    """For each query its best k documents of `store` (rows) and their scores, in order.

    Raises ValueError for a k below 1, dimensions that are not the store's, or vectors so long that scores overflow.
    """
    from retrievers.encoding import pick_device

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
        with ThreadPoolExecutor(threads) as pool, full_fp32():
            if device.type == "cpu":
                rows, counts = _Candidates(part, store, k, pool, threads).collect()
            else:
                from retrievers.joint_device import collect

                rows, counts = collect(part, store, k, device)
            scores = exact_scores(part, store, rows, counts, pool, threads)
        for query, count in enumerate(counts.tolist()):
            found, exact = rows[query, :count], scores[query, :count]
            best = in_order(found, exact, store, k)
            yield found[best].astype(np.int64), exact[best]


def sizes(queries: JointQueries, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Upper bounds of |h_q| and m_q (Q,) of the module's text."""
    largest = np.abs(queries.vocabulary).max(axis=1, initial=0.0).astype(np.float64)
    return norms(queries.dense), np.minimum(norms(queries.vocabulary), k**0.5 * largest * (1 + 2.0**-40))


def double_margins(queries: JointQueries, store: JointStore, errors: np.ndarray) -> np.ndarray:
    """Twice the sum of 1 to 3 of the module's text (Q,); `errors` (Q,) are c_q. Raises ValueError at overflow."""
    width = queries.dense.shape[1]
    length, sparse = sizes(queries, store.k)
    longest, heaviest = (store.norm if width else 0.0) * (1 + 2.0**-40), store.sparse_norm
    moved = store.k**0.5 * errors
    terms = width + store.k + 8
    size = length * longest + (sparse + moved) * heaviest
    if size.max(initial=0.0) > LARGEST_SCORE:
        raise ValueError(f"vectors of norm {max(longest, heaviest):.3g} and more overflow fp32 scores")
    gamma = terms * UNIT / (1 - terms * UNIT)
    underflow = terms * 2.0**-125 * (1 + length + longest + sparse + moved + heaviest)
    return 2 * (moved * heaviest + (gamma + 4 * UNIT) * size + underflow)


def exact_scores(
    queries: JointQueries,
    store: JointStore,
    rows: np.ndarray,
    counts: np.ndarray,
    pool: ThreadPoolExecutor,
    threads: int,
) -> np.ndarray:
    """Exact scores fp32 (Q, C) of candidates `rows` (Q, C), ascending, of which `counts` (Q,) are valid."""
    scores = np.empty(rows.shape, np.float32)
    cursors = np.zeros(len(rows), np.int64)
    width = queries.dense.shape[1]
    for shard in store.shards:
        vectors = np.asarray(shard.field().view(np.uint16))[:, :width]
        entries, weights = np.asarray(shard.field("entries")), np.asarray(shard.field("weights").view(np.uint16))

        def score(
            part: slice,
            vectors: np.ndarray = vectors,
            entries: np.ndarray = entries,
            weights: np.ndarray = weights,
            first: int = shard.first,
        ) -> None:
            joint_kernels.rescore(
                *queries.part(part), vectors, entries, weights, first,
                rows[part], counts[part], cursors[part], scores[part],
            )  # fmt: skip

        list(pool.map(score, slices(len(rows), threads)))
    return scores


class _Candidates:
    """One pass over the store on a CPU: scores block by block, those above each query's limit kept."""

    def __init__(
        self, queries: JointQueries, store: JointStore, k: int, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        self.queries, self.store, self.k, self.pool, self.threads = queries, store, k, pool, threads
        self.dense = torch.from_numpy(queries.dense)  # (Q, d')
        self.words, self.factors, errors = joint_kernels.pack(queries.vocabulary)
        self.margins = double_margins(queries, store, errors)
        room = min(6 * k + 4 * exact_kernels.CHUNK, store.docs + exact_kernels.CHUNK)
        self.rows = np.empty((len(self.dense), room), np.int32)
        self.keys = np.empty((len(self.dense), room), np.int32)
        self.counts = np.zeros(len(self.dense), np.int64)
        self.limits = np.full(len(self.dense), exact_kernels.least_key(-np.inf, 0), np.int64)

    def collect(self) -> tuple[np.ndarray, np.ndarray]:
        """Candidates (Q, C) as ascending rows, and how many of each row are valid (Q,)."""
        scores = torch.empty(TILE_QUERIES * BLOCK_DOCS)
        for shard in self.store.shards:
            for begin in range(0, shard.docs, BLOCK_DOCS):
                vectors, entries, weights = self._block(shard, slice(begin, begin + BLOCK_DOCS))
                for start in range(0, len(self.dense), TILE_QUERIES):
                    tile = self.dense[start : start + TILE_QUERIES]
                    out = scores[: len(tile) * len(vectors)].view(len(tile), -1)
                    torch.mm(tile, vectors.T, out=out)
                    self._add_sparse(entries, weights, start, out.numpy())
                    self._keep(out.numpy().view(np.int32), start, shard.first + begin)
        return self.rows, self.counts

    def _block(self, shard: Shard, part: slice) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        """Dense parts fp32 (N, d'), entries (N, n) and weights fp32 (N, n) of some documents, n as the kernel wants."""
        vectors = torch.from_numpy(shard.field())[part, : self.dense.shape[1]].float()
        entries = np.asarray(shard.field("entries"))[part]
        weights = torch.from_numpy(shard.field("weights"))[part].float().numpy()
        if more := -entries.shape[1] % joint_kernels.UNROLL:  # entry 0 with weight 0 adds nothing
            entries, weights = (np.pad(array, ((0, 0), (0, more))) for array in (entries, weights))
        return vectors, entries, weights

    def _add_sparse(self, entries: np.ndarray, weights: np.ndarray, start: int, scores: np.ndarray) -> None:
        rows = slice(start // joint_kernels.ROW, (start + len(scores) - 1) // joint_kernels.ROW + 1)
        factors = self.factors[start : start + len(scores)]

        def add(part: slice) -> None:
            joint_kernels.add_sparse(self.words[rows], factors, entries, weights, scores, part.start, part.stop)

        list(self.pool.map(add, slices(len(entries), self.threads)))

    def _keep(self, bits: np.ndarray, start: int, first_row: int) -> None:
        def keep(part: slice) -> None:
            here = slice(start + part.start, start + part.stop)
            query = document = 0
            while True:
                query, document = exact_kernels.keep(
                    bits[part], first_row, query, document, self.rows[here], self.keys[here], self.counts[here],
                    self.limits[here], self.k, self.margins[here], 0.0, 0,
                )  # fmt: skip
                if query < 0:
                    return
                self._make_room(here.start + query)

        list(self.pool.map(keep, slices(len(bits), self.threads)))

    def _make_room(self, query: int) -> None:
        """Where more candidates lie within the margin than there is room for, exact scores decide among them."""
        only = slice(query, query + 1)
        rows = self.rows[query, : self.counts[query]]
        with ThreadPoolExecutor(1) as alone:
            scores = exact_scores(self.queries.part(only), self.store, rows[None], self.counts[only], alone, 1)[0]
        best = np.sort(in_order(rows, scores, self.store, self.k))
        limit = exact_kernels.least_key(float(scores[best].min()) - self.margins[query] / 2, 0)
        self.limits[query] = max(self.limits[query], limit)
        self.rows[query, : self.k] = rows[best]
        self.keys[query, : self.k] = exact_kernels.least_keys(scores[best], 0)
        self.counts[query] = self.k

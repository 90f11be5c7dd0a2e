"""The joint search where queries have few entries and no dense part: inverted lists of a block of documents at a time.

    score(q, d) = sum over the entries i of q that d has too of q_i d_i

Only documents that share an entry are touched. The sum is in fp32, in the order of the entries; with n the entries of
the query and u = 2^-24 it is off by at most gamma_n |q| |d| (Higham, eq. 3.5, and Cauchy-Schwarz), rounding the exact
score adds 2u |q| |d|, the thresholds 2u. Twice that is the margin, as in `exact_margin`.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from retrievers.search.exact_margin import UNIT, norms
from retrievers.search.exact_search import slices
from retrievers.search.joint_kernels import REBIAS, moved
from retrievers.search.joint_pass import BLOCK_DOCS, JointPass
from retrievers.search.joint_queries import LARGEST_SCORE, JointQueries, gamma
from retrievers.search.joint_store import JointStore, sparse_rows

# mypy: allow-untyped-defs, allow-untyped-calls

FEW = 0.02  # of the vocabulary: a query with more entries goes with 31 others through the vocabulary vectors
TILE_QUERIES = 512
Postings = tuple[np.ndarray, np.ndarray, np.ndarray]


def usable(queries: JointQueries) -> bool:
    """Whether the queries are of this kind."""
    few = FEW * queries.vocabulary.shape[1]
    return not queries.dense.shape[1] and bool(((queries.vocabulary != 0).sum(axis=1) <= few).all())


@njit(nogil=True, cache=True)
def invert(entries, halves, vocabulary):
    """Postings of documents: starts int64 (V + 1,), documents int32 (T,) and weights fp32 (T,).

    entries (N, n) unsigned; halves uint16 (N, n), bits of the fp16 weights, 0 where there is none.
    """
    starts = np.zeros(vocabulary + 1, np.int64)
    for doc in range(len(entries)):
        for place in range(entries.shape[1]):
            if halves[doc, place] & 0x7FFF:
                starts[np.int64(entries[doc, place]) + 1] += 1
    for entry in range(vocabulary):
        starts[entry + 1] += starts[entry]
    docs, bits = np.empty(starts[vocabulary], np.int32), np.empty(starts[vocabulary], np.uint32)
    ends = starts[:-1].copy()
    for doc in range(len(entries)):
        for place in range(entries.shape[1]):
            if halves[doc, place] & 0x7FFF:
                at = ends[np.int64(entries[doc, place])]
                ends[np.int64(entries[doc, place])] += 1
                docs[at], bits[at] = doc, moved(halves[doc, place])
    weights = bits.view(np.float32)
    for at in range(weights.size):
        weights[at] *= np.float32(REBIAS)
    return starts, docs, weights


@njit(nogil=True, cache=True)
def add(places, values, edges, starts, docs, weights, scores, begin, end):
    """Scores fp32 (Q, N) of queries begin .. end - 1; the entries of query q are places[edges[q] : edges[q + 1]]."""
    for query in range(begin, end):
        row = scores[query]
        row[:] = 0.0
        for at in range(edges[query], edges[query + 1]):
            value = values[at]
            for posting in range(starts[places[at]], starts[places[at] + 1]):
                row[docs[posting]] += value * weights[posting]


class PostingsCandidates(JointPass):
    """Scores of the pairs that share an entry."""

    def __init__(
        self, queries: JointQueries, store: JointStore, k: int, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        super().__init__(queries, store, k, pool, threads)
        rows, self.places = np.nonzero(queries.vocabulary)
        self.values = queries.vocabulary[rows, self.places]
        counts = np.bincount(rows, minlength=len(queries.vocabulary))
        self.edges = np.concatenate(([0], np.cumsum(counts)))
        length, longest = norms(queries.vocabulary), store.sparse_norm
        if (length * longest).max(initial=0.0) > LARGEST_SCORE:
            raise ValueError(f"vectors of norm {longest:.3g} and more overflow fp32 scores")
        summed = np.array([gamma(int(count) + 1) for count in counts]) + 4 * UNIT
        self.margins = 2 * (summed * length * longest + counts * 2.0**-125 * (1 + length + longest))

    def collect(self) -> tuple[np.ndarray, np.ndarray]:
        """Candidates (Q, C) as ascending rows, and how many of each row are valid (Q,)."""
        size = self.joint.vocabulary.shape[1]
        for shard in self.store.shards:
            for begin in range(0, shard.docs, BLOCK_DOCS):
                entries, weights = sparse_rows(shard, slice(begin, min(begin + BLOCK_DOCS, shard.docs)))
                postings = invert(entries, weights.view(np.uint16), size)
                for start in range(0, len(self.counts), TILE_QUERIES):
                    edges = self.edges[start : start + TILE_QUERIES + 1]
                    scores = np.empty((len(edges) - 1, len(entries)), np.float32)
                    self._add(edges, postings, scores)
                    self._keep(scores.view(np.int32), start, shard.first + begin)
        self._tighten()
        return self.rows, self.counts

    def _add(self, edges: np.ndarray, postings: Postings, scores: np.ndarray) -> None:
        def some(part: slice) -> None:
            starts, docs, weights = postings
            add(self.places, self.values, edges, starts, docs, weights, scores, part.start, part.stop)

        list(self.pool.map(some, slices(len(scores), self.threads)))

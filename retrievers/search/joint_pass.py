"""What every pass of the joint search over a store has: exact scores, and room for candidates."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from retrievers.search import exact_search, joint_kernels
from retrievers.search.exact_search import slices
from retrievers.search.joint_queries import JointQueries
from retrievers.search.joint_store import JointStore, sparse_rows

BLOCK_DOCS = 4096  # documents of one block: its scores stay within a CPU's caches


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
        entries, weights = sparse_rows(shard)
        weights = weights.view(np.uint16)

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


class JointPass(exact_search.Candidates):
    """One pass over the store on a CPU: scores block by block, those above each query's limit kept."""

    store: JointStore

    def __init__(
        self, queries: JointQueries, store: JointStore, k: int, pool: ThreadPoolExecutor, threads: int
    ) -> None:
        super().__init__(queries.dense, store, k, pool, threads, "fp32")
        self.joint = queries

    def _exact(self, query: int, rows: np.ndarray) -> np.ndarray:
        only = slice(query, query + 1)
        with ThreadPoolExecutor(1) as alone:
            return exact_scores(self.joint.part(only), self.store, rows[None], self.counts[only], alone, 1)[0]

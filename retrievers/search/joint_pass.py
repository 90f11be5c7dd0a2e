"""What every pass of the joint search over a store has: exact scores, and room for candidates."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from retrievers.search import exact_kernels, exact_search, joint_kernels
from retrievers.search.exact_search import in_order, slices
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
        room = min(6 * k + 4 * exact_kernels.CHUNK, store.docs + exact_kernels.CHUNK)
        super().__init__(queries.dense, store, k, room, pool, threads, "fp32")
        self.joint = queries

    def _make_room(self, query: int) -> None:
        """Where more candidates lie within the margin than there is room for, exact scores decide among them."""
        only = slice(query, query + 1)
        rows = self.rows[query, : self.counts[query]]
        with ThreadPoolExecutor(1) as alone:
            scores = exact_scores(self.joint.part(only), self.store, rows[None], self.counts[only], alone, 1)[0]
        best = np.sort(in_order(rows, scores, self.store, self.k))
        limit = exact_kernels.least_key(float(scores[best].min()) - self.margins[query] / 2, 0)
        self.limits[query] = max(self.limits[query], limit)
        self.rows[query, : self.k] = rows[best]
        self.keys[query, : self.k] = exact_kernels.least_keys(scores[best], 0)
        self.counts[query] = self.k

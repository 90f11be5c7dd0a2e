"""The order of a search's results: score descending, then doc_id descending."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from retrievers.search.vector_store import VectorStore

Found = tuple[np.ndarray, np.ndarray]  # rows of the store, fp32 scores; both (at most k,), in order
AT_A_TIME = 128  # queries sorted together, in parallel: without the interpreter, and in a cache


def put_in_order(
    rows: np.ndarray, counts: np.ndarray, scores: np.ndarray, store: VectorStore, k: int, pool: ThreadPoolExecutor
) -> Iterator[Found]:
    """The best k of each query's candidates `rows` and `scores` fp32 (Q, C), of which `counts` (Q,) are valid.

    Sorts the arrays in place, at once, and gives copies of their beginnings one by one. Scores that tie, which are few,
    are put in order a query at a time.
    """

    def sort(start: int) -> list[int]:
        part = slice(start, start + AT_A_TIME)
        width = int(counts[part].max())
        keys = -scores[part, :width]
        keys[np.arange(width) >= counts[part, None]] = np.inf
        order = np.argsort(keys, axis=1)[:, : k + 1]  # with the one behind, which may tie with the k-th
        best = np.take_along_axis(keys, order, 1)
        alone = np.flatnonzero((best[:, 1:] != best[:, :-1]).all(1))
        order, here = order[alone, :k], start + alone
        scores[here, : order.shape[1]] = -best[alone, :k]
        rows[here, : order.shape[1]] = np.take_along_axis(rows[here], order, 1)
        return np.setdiff1d(np.arange(start, start + len(keys)), here).tolist()  # type: ignore[no-any-return]

    for some in pool.map(sort, range(0, len(rows), AT_A_TIME)):
        for query in some:
            found, exact = rows[query, : counts[query]], scores[query, : counts[query]]
            best = in_order(found, exact, store, k)
            found[: len(best)], exact[: len(best)] = found[best], exact[best]
    return (
        (rows[query, :count].astype(np.int64), scores[query, :count].copy())
        for query, count in enumerate(np.minimum(counts, k).tolist())
    )


def in_order(rows: np.ndarray, scores: np.ndarray, store: VectorStore, k: int) -> np.ndarray:
    """The places of the best k, by score and then doc_id, both descending."""
    order = np.argsort(-scores)
    if len(order) > k:
        order = order[: np.searchsorted(-scores[order], -scores[order[k - 1]], side="right")]  # the ties at the cut too
    best = scores[order]
    edges = np.flatnonzero(best[1:] != best[:-1]) + 1
    starts, ends = np.append(0, edges), np.append(edges, len(order))
    for tie in np.flatnonzero(ends - starts > 1).tolist():
        ties = order[starts[tie] : ends[tie]]
        by_id = sorted(zip(store.doc_ids(rows[ties]), ties.tolist(), strict=True), reverse=True)
        order[starts[tie] : ends[tie]] = [at for _, at in by_id]
    return order[:k]

"""The common measures in numpy alone, for figures that need no bit of a library: numba takes time to import.

Equal to `values` but for the order in which numbers are added.
"""

import numpy as np

from harness.measures import Measure
from harness.measures.matches import Matches
from harness.measures.values import over


def plain(measure: Measure, matches: Matches, level: int) -> np.ndarray | None:
    """(Q,) the measure of each query; None where only another engine has it."""
    name, cutoff, params = measure
    if name not in NAMES or any(key not in ("rel", "dcg") for key, _ in params):
        return None
    level = dict(params).get("rel", level)
    order = np.lexsort((matches.ranks, matches.rows))
    rows, ranks = matches.rows[order], matches.ranks[order]
    grades = matches.grades[rows, matches.numbers[order]]
    queries = len(matches.sizes)
    relevant = np.count_nonzero((matches.grades >= level) & _there(matches), axis=1)
    inside = ranks < (cutoff or np.inf)

    def total(of: np.ndarray, values: np.ndarray | float = 1.0) -> np.ndarray:
        return np.bincount(rows[of], np.broadcast_to(values, rows.shape)[of], queries).astype(np.float64)

    if name == "ndcg":
        exponential = measure.param("dcg") == "exp-log2"
        places = np.arange(min(matches.grades.shape[1], cutoff or matches.grades.shape[1]))
        best = (_gain(matches.grades[:, : len(places)], exponential) / np.log2(places + 2)).sum(axis=1)
        return over(total(inside, _gain(grades, exponential) / np.log2(ranks + 2)), best)
    hit = (grades >= level) & inside
    if name in ("mrr", "map"):
        earlier = np.cumsum(hit) - hit
        starts = np.searchsorted(rows, np.arange(queries))
        before = earlier - (earlier[starts[rows]] if len(rows) else 0)
        if name == "mrr":
            return total(hit & (before == 0), 1 / (ranks + 1))
        return over(total(hit, (before + 1) / (ranks + 1)), relevant)
    hits = total(hit)
    if name == "success":
        return (hits > 0).astype(np.float64)
    if name == "rprec":
        return over(total((grades >= level) & (ranks < relevant[rows])), relevant)
    return over(
        hits, {"recall": relevant, "recall_cap": np.minimum(relevant, cutoff)}.get(name, np.full(queries, cutoff))
    )


NAMES = {"ndcg", "mrr", "map", "recall", "recall_cap", "precision", "success", "rprec"}


def _there(matches: Matches) -> np.ndarray:
    return np.arange(matches.grades.shape[1]) < matches.sizes[:, None]


def _gain(grades: np.ndarray, exponential: bool) -> np.ndarray:
    positive = np.maximum(grades, 0).astype(np.float64)
    return np.exp2(positive) - 1 if exponential else positive

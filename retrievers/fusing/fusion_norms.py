"""From ranked lists to a `Pool`: the normalisations of ranx 0.3.21, one query at a time."""

from collections.abc import Callable, Sequence

import numpy as np

from retrievers.fusing.fusion_methods import TINY, Pool

Ranking = tuple[Sequence[str], np.ndarray]  # doc_ids and scores of one system for one query, best first


def _over(scores: np.ndarray, floor: float, width: float) -> np.ndarray:
    return (scores - floor) / max(width, TINY)


# Scores (n,) float64 of one system for one query, best first, n > 0 -> the same, normalised.
NORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda scores: scores,
    "min-max": lambda scores: _over(scores, scores.min(), scores.max() - scores.min()),
    "min-max-inverted": lambda scores: _over(-scores, -scores.max(), scores.max() - scores.min()),
    "max": lambda scores: _over(scores, 0.0, scores.max()),
    "sum": lambda scores: _over(scores, scores.min(), scores.sum() - scores.min() * len(scores)),
    "zmuv": lambda scores: _over(scores, scores.mean(), scores.std()),
    "rank": lambda scores: 1 - np.arange(len(scores)) / len(scores),
    "borda": lambda scores: scores,  # it needs the whole pool, see `pool`
}


def pool(rankings: Sequence[Ranking], norm: str) -> tuple[list[str], Pool]:
    """The documents of S systems for one query, doc_ids descending, and their normalised scores and ranks.

    `min-max-inverted` is for distances: it turns the ranking round, and with it the ranks; equal scores keep the order
    they have. `borda` gives a score to absent documents too (Renda and Straccia, SAC 2003), but no rank.
    """
    doc_ids = sorted({doc_id for ids, _ in rankings for doc_id in ids}, reverse=True)
    column = {doc_id: number for number, doc_id in enumerate(doc_ids)}
    scores = np.full((len(rankings), len(doc_ids)), np.nan)
    ranks = scores.copy()
    for system, (ids, given) in enumerate(rankings):
        if not len(ids):
            continue
        at = np.fromiter(map(column.__getitem__, ids), np.int64, len(ids))
        values = NORMS[norm](np.asarray(given, np.float64))
        order = np.argsort(-values, kind="stable") if norm == "min-max-inverted" else np.arange(len(ids))
        scores[system, at] = values
        ranks[system, at[order]] = np.arange(len(ids))
    if norm == "borda" and doc_ids:
        found = np.count_nonzero(~np.isnan(ranks), axis=1)[:, None]
        absent = 0.5 - (found - 1) / (2 * len(doc_ids))
        scores = np.where(np.isnan(ranks), absent, 1 - ranks / len(doc_ids))
    return doc_ids, Pool(scores, ranks)

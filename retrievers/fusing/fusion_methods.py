"""ranx's fusion methods and normalisations for one query, as arithmetic on arrays of S systems by C documents.

Names, parameters and values are those of ranx 0.3.21, and the tests hold them against it. They are computed here
because ranx's Condorcet gives another order under another PYTHONHASHSEED and takes a second a query at depth 1000, its
Borda a quarter of one; it puts equal scores in an order of its own, refuses a single run, and compiles for seconds.

No value depends on the order of the systems, unless weights tell them apart: terms are sorted before they are summed.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cmp_to_key
from typing import NamedTuple

import numpy as np

TINY = 1e-9  # the least denominator of a normalisation
SEGMENTS = [10 * 2**k - 5 for k in range(10)]  # SegFuse's ends of segments: 5, 15, 35, …, 5115
NEVER = math.log(0.001 / 0.999)  # BayesFuse's log odds of a document that a system does not have


class Pool(NamedTuple):
    """The documents that S systems found for one query, C in all; NaN where a system does not have a document."""

    scores: np.ndarray  # (S, C) float64, normalised, higher is better
    ranks: np.ndarray  # (S, C) float64, whole numbers from 0


def _sum(terms: np.ndarray) -> np.ndarray:
    """The sum over systems, absent ones counting 0: (S, C) -> (C,)."""
    return np.sort(np.where(np.isnan(terms), 0.0, terms), axis=0).sum(axis=0)


def _count(pool: Pool) -> np.ndarray:
    """How many systems have each document (C,)."""
    return np.count_nonzero(~np.isnan(pool.scores), axis=0)


def _column(weights: Sequence[float]) -> np.ndarray:
    return np.array(weights, np.float64)[:, None]  # (S, 1)


def _lookup(
    pool: Pool, tables: Sequence[Sequence[float]], places: np.ndarray, beyond: float | None = 0.0
) -> np.ndarray:
    """Each system's own table read at `places` (S, C), NaN where the document is absent.

    After a table's end comes `beyond`, or for None its last value.
    """
    rows = []
    for table, place in zip(tables, places, strict=True):
        padded = np.append(np.array(table, np.float64), table[-1] if beyond is None else beyond)
        rows.append(padded[np.where(np.isnan(place), len(table), place).clip(0, len(table)).astype(np.int64)])
    return np.where(np.isnan(pool.ranks), np.nan, np.stack(rows))


# Fox and Shaw (TREC-2, 1993): CombMIN, MAX, MED, SUM, ANZ, MNZ; Lee (SIGIR 1997): CombGMNZ.


def comb_min(pool: Pool) -> np.ndarray:
    return np.nanmin(pool.scores, axis=0)


def comb_max(pool: Pool) -> np.ndarray:
    return np.nanmax(pool.scores, axis=0)


def comb_med(pool: Pool) -> np.ndarray:
    return np.nanmedian(pool.scores, axis=0)


def comb_sum(pool: Pool) -> np.ndarray:
    return _sum(pool.scores)


def comb_anz(pool: Pool) -> np.ndarray:
    return _sum(pool.scores) / _count(pool)


def comb_mnz(pool: Pool) -> np.ndarray:
    return _sum(pool.scores) * _count(pool)


def comb_gmnz(pool: Pool, gamma: float) -> np.ndarray:
    return _sum(pool.scores) * _count(pool) ** gamma


# Weighted sum; Wu and Crestani (CIKM 2002): weighted MNZ, Mixed.


def wsum(pool: Pool, weights: list[float]) -> np.ndarray:
    return _sum(_column(weights) * pool.scores)


def wmnz(pool: Pool, weights: list[float]) -> np.ndarray:
    return _sum(pool.scores) * _sum(np.where(np.isnan(pool.scores), np.nan, _column(weights)))


def mixed(pool: Pool, weights: list[float]) -> np.ndarray:
    return wsum(pool, weights) * np.sqrt(_count(pool))


# By rank alone. Mourão et al. (2015): ISR; Cormack et al. (SIGIR 2009): RRF; Bailey et al. (SIGIR 2017): RBC.


def isr(pool: Pool) -> np.ndarray:
    return _sum(1 / (pool.ranks + 1) ** 2) * _count(pool)


def log_isr(pool: Pool) -> np.ndarray:
    return _sum(1 / (pool.ranks + 1) ** 2) * np.log(_count(pool))


def logn_isr(pool: Pool, sigma: float = 0.01) -> np.ndarray:
    return _sum(1 / (pool.ranks + 1) ** 2) * np.log(_count(pool) + sigma)


def rrf(pool: Pool, k: float = 60) -> np.ndarray:
    return _sum(1 / (k + pool.ranks + 1))


def rbc(pool: Pool, phi: float) -> np.ndarray:
    return _sum((1 - phi) * phi**pool.ranks)


# By votes. Aslam and Montague (SIGIR 2001): BordaFuse; Montague and Aslam (CIKM 2002): Condorcet fusion.


def bordafuse(pool: Pool) -> np.ndarray:
    return _sum(_points(pool))


def w_bordafuse(pool: Pool, weights: list[float]) -> np.ndarray:
    return _sum(_column(weights) * _points(pool))


def _points(pool: Pool) -> np.ndarray:
    """Borda points (S, C): C for the first document, one less for each next; absent ones share what is left."""
    documents, found = pool.ranks.shape[1], np.count_nonzero(~np.isnan(pool.ranks), axis=1)[:, None]
    return np.where(np.isnan(pool.ranks), (documents - found + 1) / 2, documents - pool.ranks)


def condorcet(pool: Pool) -> np.ndarray:
    return w_condorcet(pool, [1.0] * len(pool.ranks))


def w_condorcet(pool: Pool, weights: list[float]) -> np.ndarray:
    """C for the first document, one less for each next, sorted by majority of votes.

    A document that a system has is preferred to one that it lacks. Ties are decided by Borda points, then by the order
    of the pool; where majorities run in a circle, each document still beats the next.
    """
    exact = [Fraction(str(weight)) for weight in weights]  # so that 0.1 + 0.2 outvotes 0.3 no more than it should
    unit = math.lcm(*(weight.denominator for weight in exact))
    votes = [int(weight * unit) for weight in exact]
    start = np.argsort(-w_bordafuse(pool, weights), kind="stable").tolist()
    ranks = np.where(np.isnan(pool.ranks), np.inf, pool.ranks).T.tolist()

    def compare(one: int, other: int) -> int:
        majority = 0
        for vote, own, its in zip(votes, ranks[one], ranks[other], strict=True):
            if own != its:
                majority += vote if own > its else -vote
        return majority

    points = np.empty(len(start))
    points[sorted(start, key=cmp_to_key(compare))] = np.arange(len(start), 0, -1)
    return points


# By what was learned from judgments: see fusion_training. Lillis et al. (SIGIR 2006, ECIR 2008, SIGIR 2010), Shokouhi
# (ECIR 2007), Aslam and Montague (SIGIR 2001).


def mapfuse(pool: Pool, map_scores: list[float]) -> np.ndarray:
    return _sum(_column(map_scores) / (pool.ranks + 1))


def posfuse(pool: Pool, probs: list[list[float]]) -> np.ndarray:
    return _sum(_lookup(pool, probs, pool.ranks))


def slidefuse(pool: Pool, probs: list[list[float]], w: int) -> np.ndarray:
    last = np.count_nonzero(~np.isnan(pool.ranks), axis=1)[:, None] - 1
    first, end = np.maximum(pool.ranks - w, 0), np.minimum(pool.ranks + w, last) + 1
    areas = [[0.0, *np.cumsum(table).tolist()] for table in probs]
    inside = _lookup(pool, areas, end, None) - _lookup(pool, areas, first, None)
    return _sum(inside / (end - first))


def probfuse(pool: Pool, probs: list[list[float]]) -> np.ndarray:
    found = np.count_nonzero(~np.isnan(pool.ranks), axis=1)
    sizes = [max(1, math.ceil(n / len(table))) for n, table in zip(found.tolist(), probs, strict=True)]
    segments = pool.ranks // _column(sizes)
    return _sum(_lookup(pool, probs, segments) / (segments + 1))


def segfuse(pool: Pool, probs: list[list[float]]) -> np.ndarray:
    segments = np.searchsorted(SEGMENTS, pool.ranks, side="right").astype(np.float64)
    return _sum(_lookup(pool, probs, segments) * (pool.scores + 1))


def bayesfuse(pool: Pool, log_odds: list[list[float]]) -> np.ndarray:
    odds = _lookup(pool, log_odds, pool.ranks, beyond=NEVER)
    return _sum(np.where(np.isnan(odds), NEVER, odds))


METHODS: dict[str, Callable[..., np.ndarray]] = {
    "min": comb_min,
    "max": comb_max,
    "med": comb_med,
    "sum": comb_sum,
    "anz": comb_anz,
    "mnz": comb_mnz,
    "gmnz": comb_gmnz,
    "wsum": wsum,
    "wmnz": wmnz,
    "mixed": mixed,
    "isr": isr,
    "log_isr": log_isr,
    "logn_isr": logn_isr,
    "rrf": rrf,
    "rbc": rbc,
    "bordafuse": bordafuse,
    "w_bordafuse": w_bordafuse,
    "condorcet": condorcet,
    "w_condorcet": w_condorcet,
    "mapfuse": mapfuse,
    "posfuse": posfuse,
    "slidefuse": slidefuse,
    "probfuse": probfuse,
    "segfuse": segfuse,
    "bayesfuse": bayesfuse,
}

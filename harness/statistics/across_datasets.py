"""What several datasets say together: the dataset is the unit of observation, never the query.

After Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.statistics.intervals import ranks_by_tag
from harness.statistics.significance import correct
from harness.statistics.ties import EQUAL, levels


@dataclass(frozen=True)
class Contest:
    """Two systems over the same datasets; `p` is of the exact Wilcoxon signed-rank test, `lead` its effect size."""

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    lead: float  # rank-biserial correlation, -1 to 1; above 0 where `first` is better
    p: float
    corrected: float = 1.0
    significant: bool = False

    def turned(self) -> "Contest":
        """The same pair seen from `second`."""
        return replace(self, first=self.second, second=self.first, wins=self.losses, losses=self.wins, lead=-self.lead)


@dataclass(frozen=True)
class OverDatasets:
    """`mean_ranks` (1 is best) in the order of `tags`; Friedman and Nemenyi are None for fewer than 3 systems."""

    datasets: tuple[str, ...]
    tags: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    pairs: tuple[Contest, ...]
    friedman: tuple[float, float] | None  # chi squared, p
    critical_difference: float | None  # of mean ranks (Nemenyi)

    @property
    def separable(self) -> bool:
        """Whether any two mean ranks can be a critical difference apart: with few datasets first and last can't."""
        return self.critical_difference is not None and self.critical_difference <= len(self.tags) - 1

    @property
    def ranks(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest rank of each system that the corrected comparisons leave open."""
        at = {tag: place for place, tag in enumerate(self.tags)}
        better = np.zeros((len(at), len(at)), dtype=bool)
        for pair in self.pairs:
            if pair.significant:
                ahead = pair if pair.lead > 0 else pair.turned()
                better[at[ahead.first], at[ahead.second]] = True
        return ranks_by_tag(self.tags, better)


def wins_ties_losses(first: np.ndarray, second: np.ndarray) -> tuple[int, int, int]:
    """Datasets on which `first` is above, level with and below `second`."""
    wins, losses = int((first - second > EQUAL).sum()), int((second - first > EQUAL).sum())
    return wins, len(first) - wins - losses, losses


def wilcoxon(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The Wilcoxon signed-rank test over datasets: rank-biserial correlation (Kerby 2014) and exact two-sided p.

    Datasets without a difference are dropped; where none is left the answer is (0, 1). The distribution is that of the
    ranks at hand, ties among them included (Streitberg, Röhmel 1986); scipy has a normal approximation there.
    """
    differences = first - second
    differences = differences[np.abs(differences) > EQUAL]
    if not len(differences):
        return 0.0, 1.0
    ranks = np.rint(2 * _ranked(levels(np.abs(differences)))).astype(int)  # whole numbers, ties being halves
    chances = np.ones(1)  # of every sum that positive ranks can have
    for rank in ranks:
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    positive = int(ranks[differences > 0].sum())
    lead = 2 * positive - int(ranks.sum())
    further = (len(chances) - 1 + abs(lead)) // 2
    return lead / float(ranks.sum()), min(1.0, 2 * float(chances[further:].sum()))


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank of each system, 1 for the best, over `values` (datasets, systems); ties share their mean rank."""
    return np.array([_ranked(-levels(row)) for row in values]).mean(axis=0)


def friedman(values: np.ndarray) -> tuple[float, float]:
    """Friedman's chi squared, corrected for ties, and its p for `values` (datasets, systems), at least 3 systems.

    The numbers of scipy.stats.friedmanchisquare, whose import takes longer than a table.
    """
    from scipy.special import chdtrc

    places = np.array([levels(row) for row in values])
    if not places.any():
        return 0.0, 1.0
    n, k = places.shape
    ranks = np.array([_ranked(row) for row in places])
    ties = sum(int(count**3 - count) for row in places for count in np.unique(row, return_counts=True)[1])
    squares = (ranks.sum(axis=0) ** 2).sum()
    statistic = (12 / (k * n * (k + 1)) * squares - 3 * n * (k + 1)) / (1 - ties / (k * (k * k - 1) * n))
    return float(statistic), float(chdtrc(k - 1, statistic))


def _ranked(places: np.ndarray) -> np.ndarray:
    """Ranks from 1 of whole numbers (n,); equal ones share their mean rank."""
    _, place, counts = np.unique(places, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def critical_difference(systems: int, datasets: int, alpha: float) -> float:
    """Nemenyi's critical difference of mean ranks: q sqrt(k(k+1) / 6N), q the studentised range / sqrt 2 (Demšar)."""
    q = studentised_range(1 - alpha, systems) / math.sqrt(2)
    return q * math.sqrt(systems * (systems + 1) / (6 * datasets))


def studentised_range(share: float, count: int) -> float:
    """The range that `count` standard normal values stay within with probability `share`, to 1e-11.

    P(q) = k ∫ φ(z) (Φ(z) - Φ(z - q))^(k-1) dz, by the trapezoid rule, which is exact for smooth functions that
    vanish at both ends; the numbers of scipy.stats.studentized_range.ppf with infinite degrees of freedom.
    """
    from scipy.special import ndtr

    z = np.linspace(-9.0, 9.0, 2001)
    density, below = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0]), ndtr(z)
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        inside = count * float((density * (below - ndtr(z - middle)) ** (count - 1)).sum())
        low, high = (middle, high) if inside < share else (low, middle)
    return (low + high) / 2


def over_datasets(
    datasets: Sequence[str], tags: Sequence[str], values: np.ndarray, correction: str, alpha: float
) -> OverDatasets:
    """Compare systems over `values` (datasets, systems), all pairs as one family; wants at least 2 of each."""
    pairs = []
    for i, j in combinations(range(len(tags)), 2):
        counts = wins_ties_losses(values[:, i], values[:, j])
        pairs.append(Contest(tags[i], tags[j], *counts, *wilcoxon(values[:, i], values[:, j])))
    corrected = correct(np.array([pair.p for pair in pairs]), correction)
    judged = tuple(
        replace(pair, corrected=float(p), significant=bool(p <= alpha))
        for pair, p in zip(pairs, corrected, strict=True)
    )
    enough = len(tags) > 2
    return OverDatasets(
        tuple(datasets),
        tuple(tags),
        tuple(float(rank) for rank in mean_ranks(values)),
        judged,
        friedman(values) if enough else None,
        critical_difference(len(tags), len(datasets), alpha) if enough else None,
    )

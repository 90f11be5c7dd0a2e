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
class Pair:
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

    def turned(self) -> "Pair":
        """The same pair seen from `second`."""
        return replace(self, first=self.second, second=self.first, wins=self.losses, losses=self.wins, lead=-self.lead)


@dataclass(frozen=True)
class OverDatasets:
    """`mean_ranks` (1 is best) in the order of `tags`; Friedman and Nemenyi are None for fewer than 3 systems."""

    datasets: tuple[str, ...]
    tags: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    pairs: tuple[Pair, ...]
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
    from scipy import stats

    differences = first - second
    differences = differences[np.abs(differences) > EQUAL]
    if not len(differences):
        return 0.0, 1.0
    ranks = np.rint(2 * stats.rankdata(levels(np.abs(differences)))).astype(int)  # whole numbers, ties being halves
    chances = np.ones(1)  # of every sum that positive ranks can have
    for rank in ranks:
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    positive = int(ranks[differences > 0].sum())
    lead = 2 * positive - int(ranks.sum())
    further = (len(chances) - 1 + abs(lead)) // 2
    return lead / float(ranks.sum()), min(1.0, 2 * float(chances[further:].sum()))


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank of each system, 1 for the best, over `values` (datasets, systems); ties share their mean rank."""
    from scipy import stats

    return np.asarray(stats.rankdata([-levels(row) for row in values], axis=1).mean(axis=0))


def friedman(values: np.ndarray) -> tuple[float, float]:
    """Friedman's chi squared and its p for `values` (datasets, systems), at least 3 systems (scipy)."""
    from scipy import stats

    places = np.array([levels(row) for row in values])
    if not places.any():
        return 0.0, 1.0
    found = stats.friedmanchisquare(*places.T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(systems: int, datasets: int, alpha: float) -> float:
    """Nemenyi's critical difference of mean ranks: q sqrt(k(k+1) / 6N), q the studentised range / sqrt 2 (Demšar)."""
    from scipy import stats

    q = float(stats.studentized_range.ppf(1 - alpha, systems, np.inf)) / math.sqrt(2)
    return q * math.sqrt(systems * (systems + 1) / (6 * datasets))


def over_datasets(
    datasets: Sequence[str], tags: Sequence[str], values: np.ndarray, correction: str, alpha: float
) -> OverDatasets:
    """Compare systems over `values` (datasets, systems), all pairs as one family; wants at least 2 of each."""
    pairs = []
    for i, j in combinations(range(len(tags)), 2):
        counts = wins_ties_losses(values[:, i], values[:, j])
        pairs.append(Pair(tags[i], tags[j], *counts, *wilcoxon(values[:, i], values[:, j])))
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

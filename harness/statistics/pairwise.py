"""Every pair of systems on every dataset, compared query by query and corrected as one family."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.statistics import fixed_point
from harness.statistics.intervals import t_intervals
from harness.statistics.matrix import Matrix
from harness.statistics.significance import correct, effect_size, p_values
from harness.statistics.ties import EQUAL


@dataclass(frozen=True)
class Comparison:
    """`first` against `second` on the queries of one dataset; a positive difference means that `first` is better."""

    dataset: str
    first: str
    second: str
    queries: int
    difference: float
    interval: tuple[float, float] | None  # of the difference; not corrected, None for one query
    effect_size: float  # Cohen's d_z, NaN for one query
    wins: int
    ties: int
    losses: int
    p: float
    error: float = 0.0  # Monte-Carlo standard error of p
    corrected: float = 1.0
    significant: bool = False

    @property
    def dominance(self) -> float:
        """Wins minus losses over queries, -1 to 1: Cliff's paired d (Cliff 1993), which no outlier moves."""
        return (self.wins - self.losses) / self.queries

    def turned(self) -> "Comparison":
        """The same comparison seen from `second`."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=-self.difference,
            interval=self.interval and (-self.interval[1], -self.interval[0]),
            effect_size=-self.effect_size,
            wins=self.losses,
            losses=self.wins,
        )


def all_pairs(matrices: Sequence[Matrix], test: str, alpha: float, seed_text: str) -> list[Comparison]:
    """Every pair of systems on every dataset, not corrected; intervals hold 1 - alpha each."""
    return [found for matrix in matrices for found in _pairs(matrix, test, alpha, _seed(seed_text, matrix))]


def _seed(text: str, matrix: Matrix) -> int:
    return fixed_point.seed(text, matrix.dataset, matrix.query_ids)


def _pairs(matrix: Matrix, test: str, alpha: float, seed: int) -> list[Comparison]:
    pairs = [pair for pair in combinations(range(len(matrix.tags)), 2) if matrix.alike(*pair)]
    if not pairs:
        return []
    left, right = (list(side) for side in zip(*pairs, strict=True))
    p, errors = p_values(matrix.scores, left, right, test, seed)
    differences = matrix.scores[:, left] - matrix.scores[:, right]
    intervals = t_intervals(differences, 1 - alpha, -1, 1)
    sizes = effect_size(differences)
    wins, losses = (differences > EQUAL).sum(axis=0), (differences < -EQUAL).sum(axis=0)
    n = len(matrix.query_ids)
    means = [matrix.mean(tag) for tag in matrix.tags]
    return [
        Comparison(
            dataset=matrix.dataset,
            first=matrix.tags[i],
            second=matrix.tags[j],
            queries=n,
            difference=means[i] - means[j],
            interval=intervals[at],
            effect_size=float(sizes[at]),
            wins=int(wins[at]),
            ties=int(n - wins[at] - losses[at]),
            losses=int(losses[at]),
            p=float(p[at]),
            error=float(errors[at]),
        )
        for at, (i, j) in enumerate(pairs)
    ]


def judge(family: Sequence[Comparison], correction: str, alpha: float) -> list[Comparison]:
    """The comparisons corrected as one family: `corrected` is the p to compare with alpha."""
    corrected = correct(np.array([comparison.p for comparison in family]), correction)
    return [
        replace(comparison, corrected=float(p), significant=bool(p <= alpha))
        for comparison, p in zip(family, corrected, strict=True)
    ]


def unsure(family: Sequence[Comparison], alpha: float) -> list[Comparison]:
    """Those of a corrected family whose verdict other random draws could turn: within 3 standard errors of `alpha`."""
    return [c for c in family if c.error and abs(c.corrected - alpha) <= 3 * c.error / c.p * c.corrected]


def against(comparisons: Sequence[Comparison], baseline: str) -> list[Comparison]:
    """The comparisons that involve the baseline, turned so that it is second."""
    return [
        comparison if comparison.second == baseline else comparison.turned()
        for comparison in comparisons
        if baseline in (comparison.first, comparison.second)
    ]


def beaten(comparisons: Sequence[Comparison], tags: Sequence[str]) -> np.ndarray:
    """(systems, systems) of bool: [i, j] where system i is significantly better than system j."""
    at = {tag: place for place, tag in enumerate(tags)}
    better = np.zeros((len(tags), len(tags)), dtype=bool)
    for comparison in comparisons:
        if comparison.significant and comparison.first in at and comparison.second in at:
            first, second = at[comparison.first], at[comparison.second]
            better[(first, second) if comparison.difference > 0 else (second, first)] = True
    return better

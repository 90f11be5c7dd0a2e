"""Every pair of systems on every dataset, compared query by query and corrected as one family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.statistics import fixed_point
from harness.statistics.intervals import bootstrap, percentiles
from harness.statistics.score_matrix import Matrix
from harness.statistics.significance import correct, effect_size, p_values, rounds_for

EQUAL = 1e-9  # scores of a query that differ by less are a tie


@dataclass(frozen=True)
class Comparison:
    """`first` against `second` on the queries of one dataset; a positive difference means that `first` is better."""

    dataset: str
    first: str
    second: str
    queries: int
    difference: float
    interval: tuple[float, float]  # bootstrap, of the difference; not corrected
    effect_size: float  # Cohen's d_z
    wins: int
    ties: int
    losses: int
    p: float
    corrected: float = 1.0
    significant: bool = False

    @property
    def dominance(self) -> float:
        """Wins minus losses over queries, -1 to 1: Cliff's paired d (Cliff 1993), which no outlier moves."""
        return (self.wins - self.losses) / self.queries

    def turned(self) -> "Comparison":
        """The same comparison seen from `second`."""
        low, high = self.interval
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=-self.difference,
            interval=(-high, -low),
            effect_size=-self.effect_size,
            wins=self.losses,
            losses=self.wins,
        )


def resample(matrices: Sequence[Matrix], seed_text: str) -> dict[str, np.ndarray]:
    """dataset -> bootstrapped means (rounds, systems)."""
    return {matrix.dataset: bootstrap(matrix.scores, _seed(seed_text, matrix)) for matrix in matrices}


def all_pairs(
    matrices: Sequence[Matrix], resampled: Mapping[str, np.ndarray], test: str, alpha: float, seed_text: str
) -> list[Comparison]:
    """Every pair of systems on every dataset, not corrected; intervals, from `resample`, hold 1 - alpha each."""
    total = sum(len(matrix.tags) * (len(matrix.tags) - 1) // 2 for matrix in matrices)
    rounds = rounds_for(total, alpha)
    return [
        found
        for matrix in matrices
        for found in _pairs(matrix, resampled[matrix.dataset], test, alpha, rounds, _seed(seed_text, matrix))
    ]


def _seed(text: str, matrix: Matrix) -> int:
    return fixed_point.seed(text, matrix.dataset, matrix.query_ids)


def _pairs(matrix: Matrix, resampled: np.ndarray, test: str, alpha: float, rounds: int, seed: int) -> list[Comparison]:
    pairs = [pair for pair in combinations(range(len(matrix.tags)), 2) if matrix.alike(*pair)]
    if not pairs:
        return []
    left, right = (list(side) for side in zip(*pairs, strict=True))
    p = p_values(matrix.scores, left, right, test, seed, rounds)
    intervals = percentiles(resampled[:, left] - resampled[:, right], 1 - alpha)
    differences = matrix.scores[:, left] - matrix.scores[:, right]
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
            interval=(float(intervals[at, 0]), float(intervals[at, 1])),
            effect_size=float(sizes[at]),
            wins=int(wins[at]),
            ties=int(n - wins[at] - losses[at]),
            losses=int(losses[at]),
            p=float(p[at]),
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

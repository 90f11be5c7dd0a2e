"""Every pair of systems on every dataset, compared query by query and corrected as one family."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.host.recalled import recalled
from harness.statistics import fixed_point, power
from harness.statistics.equivalence import equivalence_p
from harness.statistics.intervals import t_intervals
from harness.statistics.matrix import Matrix
from harness.statistics.max_t import Block, Flipped, max_t
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
    spread: float = float("nan")  # standard deviation of the differences
    corrected_error: float = 0.0  # Monte-Carlo standard error of `corrected`, where that is drawn itself
    equivalence: float | None = None  # p of the claim that the difference is inside a margin; None without a margin
    equivalent: bool = False  # the same after Holm

    def detectable(self, alpha: float) -> float | None:
        """The true difference that a paired t-test at `alpha` finds four times of five; None for one query."""
        found = float(power.detectable(np.array([self.spread]), self.queries, alpha)[0])
        return found if math.isfinite(found) else None

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


def all_pairs(
    matrices: Sequence[Matrix], test: str, alpha: float, seed_text: str, margin: float | None = None
) -> list[Comparison]:
    """Every pair of systems on every dataset, not corrected; intervals hold 1 - alpha each."""
    return [found for matrix in matrices for found in _pairs(matrix, test, alpha, _seed(seed_text, matrix), margin)]


def _seed(text: str, matrix: Matrix) -> int:
    return fixed_point.seed(text, matrix.dataset, matrix.query_ids)


def _pairs(matrix: Matrix, test: str, alpha: float, seed: int, margin: float | None) -> list[Comparison]:
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
    spreads = differences.std(axis=0, ddof=1) if n > 1 else np.full(len(pairs), np.nan)
    inside = None if margin is None else equivalence_p(differences, margin)
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
            spread=float(spreads[at]),
            equivalence=None if inside is None else float(inside[at]),
        )
        for at, (i, j) in enumerate(pairs)
    ]


def judge(
    family: Sequence[Comparison], correction: str, alpha: float, matrices: Sequence[Matrix] = (), seed_text: str = ""
) -> list[Comparison]:
    """The comparisons corrected as one family: `corrected` is the p to compare with alpha.

    "maxt" flips signs in `matrices`, which hold the scores that are compared; its p is in place of the test's. Claims
    of equality are a family of their own, under Holm.
    """
    if correction == "maxt":
        corrected, errors = _max_t(family, matrices, seed_text)
    else:
        corrected = correct(np.array([comparison.p for comparison in family]), correction)
        errors = np.zeros(len(family))
    inside = [comparison.equivalence for comparison in family]
    equal = np.ones(len(family)) if None in inside else correct(np.array(inside, dtype=np.float64), "holm")
    return [
        replace(
            comparison,
            corrected=float(p),
            significant=bool(p <= alpha),
            corrected_error=float(error),
            equivalent=bool(same <= alpha),
        )
        for comparison, p, error, same in zip(family, corrected, errors, equal, strict=True)
    ]


def _max_t(family: Sequence[Comparison], matrices: Sequence[Matrix], seed_text: str) -> tuple[np.ndarray, np.ndarray]:
    """Corrected p in the order of `family`, and their errors."""
    places, blocks = [], []
    for matrix in matrices:
        here = [at for at, comparison in enumerate(family) if comparison.dataset == matrix.dataset]
        left = [matrix.tags.index(family[at].first) for at in here]
        right = [matrix.tags.index(family[at].second) for at in here]
        blocks.append(Block(matrix.scores, left, right, _seed(f"maxt {seed_text}", matrix)))
        places += here
    found = recalled(Flipped._make, max_t, blocks)
    corrected, errors = np.ones(len(family)), np.zeros(len(family))
    corrected[places], errors[places] = found.corrected, found.corrected_error
    return corrected, errors


def unsure(family: Sequence[Comparison], alpha: float) -> list[Comparison]:
    """Those of a corrected family whose verdict other random draws could turn: within 3 standard errors of `alpha`."""
    errors = [c.corrected_error or c.error / c.p * c.corrected for c in family]
    return [c for c, error in zip(family, errors, strict=True) if error and abs(c.corrected - alpha) <= 3 * error]


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

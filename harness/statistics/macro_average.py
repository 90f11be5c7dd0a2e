"""The average over datasets, tested for these very datasets: queries are drawn, datasets are fixed.

Another question than `across_datasets`, which asks what holds for datasets like these and has as many observations as
there are datasets. Here an average of dataset means is a weighted mean over all queries, and what is exchangeable is
the two systems within a query: Fisher's test (1935) with datasets as strata.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from harness.host.recalled import recalled
from harness.statistics import power
from harness.statistics.fixed_point import fixed_point
from harness.statistics.intervals import ranks_by_tag
from harness.statistics.max_t import Block, Flipped, max_t
from harness.statistics.significance import correct

RESAMPLES = 10_000
CELLS = 1 << 22  # counts that are held at a time


@dataclass(frozen=True)
class AveragePair:
    """The averages of two systems; a positive difference means that `first` is better."""

    first: str
    second: str
    difference: float
    error: float  # the standard error of the difference, over queries; NaN where a dataset has one query
    freedom: float  # its degrees of freedom
    p: float
    corrected: float
    significant: bool
    interval: tuple[float, float] | None = None  # by the bootstrap; see `TheseDatasets.with_intervals`

    def turned(self) -> "AveragePair":
        """The same pair seen from `second`."""
        turned = self.interval and (-self.interval[1], -self.interval[0])
        return replace(self, first=self.second, second=self.first, difference=-self.difference, interval=turned)

    def detectable(self, alpha: float) -> float | None:
        """The true difference that a test at `alpha` finds four times of five; None where that can't be said."""
        if not (np.isfinite(self.error) and self.freedom >= 1):
            return None
        return self.error * power.noncentrality(min(self.freedom, 1e9), alpha, power.POWER)


@dataclass(frozen=True)
class TheseDatasets:
    """All pairs of `tags` by their averages over fixed datasets: `strata`, (queries, systems) each, and weights."""

    tags: tuple[str, ...]
    strata: tuple[np.ndarray, ...]
    weights: tuple[float, ...]
    correction: str
    alpha: float
    seed: int
    pairs: tuple[AveragePair, ...]

    @cached_property
    def ranks(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest rank of each system that the corrected comparisons leave open."""
        at = {tag: place for place, tag in enumerate(self.tags)}
        better = np.zeros((len(at), len(at)), dtype=bool)
        for pair in self.pairs:
            if pair.significant:
                ahead = pair if pair.difference > 0 else pair.turned()
                better[at[ahead.first], at[ahead.second]] = True
        return ranks_by_tag(self.tags, better)

    @cached_property
    def with_intervals(self) -> tuple[AveragePair, ...]:
        """The pairs with bootstrap intervals, which take longer than the tests: made when they are looked at."""
        left, right = _sides(len(self.tags))
        drawn = (self.strata, self.weights, left, right, 1 - self.alpha, self.seed)
        (ends,) = recalled(tuple, bootstrap_intervals, *drawn)
        found = [None if np.isnan(low) else (float(low), float(high)) for low, high in ends]
        return tuple(replace(pair, interval=one) for pair, one in zip(self.pairs, found, strict=True))


def these_datasets(
    tags: Sequence[str],
    strata: Sequence[np.ndarray],
    weights: Sequence[float],
    correction: str,
    alpha: float,
    seed: int,
) -> TheseDatasets:
    """Test all pairs of systems by their averages, as one family: by "maxt", or by Holm on p of the same flips."""
    left, right = _sides(len(tags))
    found = recalled(Flipped._make, max_t, [Block(stacked(strata, weights), left, right, seed)])
    corrected = found.corrected if correction == "maxt" else correct(found.p, "holm")
    errors, freedom = standard_errors(strata, weights, left, right)
    averages = sum(weight * scores.mean(axis=0) for scores, weight in zip(strata, weights, strict=True))
    pairs = tuple(
        AveragePair(
            tags[i], tags[j], float(averages[i] - averages[j]), float(errors[at]), float(freedom[at]),
            float(found.p[at]), float(corrected[at]), bool(corrected[at] <= alpha),
        )
        for at, (i, j) in enumerate(zip(left, right, strict=True))
    )  # fmt: skip
    return TheseDatasets(tuple(tags), tuple(strata), tuple(weights), correction, alpha, seed, pairs)


def _sides(systems: int) -> tuple[list[int], list[int]]:
    pairs = list(combinations(range(systems), 2))
    return [i for i, _ in pairs], [j for _, j in pairs]


def stacked(strata: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """The queries of all datasets below each other, (queries, systems), weighted so that their sums order the averages.

    `strata` are (queries, systems) of each dataset, `weights` what each dataset's mean counts in the average. Scaled so
    that no score grows.
    """
    shares = [weight / len(scores) for scores, weight in zip(strata, weights, strict=True)]
    return np.concatenate([scores * (share / max(shares)) for scores, share in zip(strata, shares, strict=True)])


def standard_errors(
    strata: Sequence[np.ndarray], weights: Sequence[float], left: Sequence[int], right: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The standard error (pairs,) of each difference of averages, and its degrees of freedom (Welch, Satterthwaite).

    NaN and 0 where a dataset has a single query; the degrees are infinite where no query differs.
    """
    if min(map(len, strata)) < 2:
        return np.full(len(left), np.nan), np.zeros(len(left))
    parts = np.array(
        [
            np.square(weight) * (scores[:, left] - scores[:, right]).var(axis=0, ddof=1) / len(scores)
            for scores, weight in zip(strata, weights, strict=True)
        ]
    )
    total = parts.sum(axis=0)
    below = (np.square(parts) / np.array([len(scores) - 1 for scores in strata])[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(total), np.where(below > 0, np.square(total) / below, np.inf)


def bootstrap_intervals(
    strata: Sequence[np.ndarray],
    weights: Sequence[float],
    left: Sequence[int],
    right: Sequence[int],
    confidence: float,
    seed: int,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """(pairs, 2) percentile intervals of each difference of averages; queries are drawn anew within each dataset.

    What a dataset's resampled mean deviates is widened by √(n / (n - 1)), without which few queries look too sure
    (Hesterberg, The American Statistician 69, 2015). NaN where a dataset has one query. The same seed gives
    the same interval on any machine.
    """
    if min(map(len, strata)) < 2:
        return np.full((len(left), 2), np.nan)
    generator = np.random.Generator(np.random.PCG64(seed))
    averages = np.zeros((resamples, strata[0].shape[1]))
    for scores, weight in zip(strata, weights, strict=True):
        n = len(scores)
        whole, scale = fixed_point(scores)
        mean, at_once = scores.mean(axis=0), max(1, CELLS // n)
        for start in range(0, resamples, at_once):
            rows = slice(start, min(start + at_once, resamples))
            counts = generator.multinomial(n, np.full(n, 1 / n), size=rows.stop - rows.start)
            found = counts.astype(np.float64) @ whole / scale / n  # exact sums, so in any order the same
            averages[rows] += weight * (mean + (found - mean) * np.sqrt(n / (n - 1)))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    return np.quantile(averages[:, left] - averages[:, right], tails, axis=0).T

"""The average over datasets, tested for these very datasets: queries are drawn, datasets are fixed.

Another question than `across_datasets`, which asks what holds for datasets like these and has as many observations as
there are datasets. Here an average of dataset means is a weighted mean over all queries, and what is exchangeable is
the two systems within a query: Fisher's test (1935) with datasets as strata.
"""

from collections.abc import Sequence

import numpy as np

from harness.statistics.fixed_point import fixed_point
from harness.statistics.permutation import permutation

RESAMPLES = 10_000
CELLS = 1 << 22  # counts that are held at a time


def stacked(strata: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """The queries of all datasets below each other, (queries, systems), weighted so that their sums order the averages.

    `strata` are (queries, systems) of each dataset, `weights` what each dataset's mean counts in the average. Scaled so
    that no score grows.
    """
    shares = [weight / len(scores) for scores, weight in zip(strata, weights, strict=True)]
    return np.concatenate([scores * (share / max(shares)) for scores, share in zip(strata, shares, strict=True)])


def average_p(
    strata: Sequence[np.ndarray], weights: Sequence[float], left: Sequence[int], right: Sequence[int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided p of each pair's difference of averages by flipping signs within queries, and its standard error."""
    return permutation(stacked(strata, weights), left, right, seed)


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

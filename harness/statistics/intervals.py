"""How sure a number is: bootstrap intervals of means, and intervals of ranks from corrected comparisons."""

import numpy as np

from harness.statistics.fixed_point import fixed_point

BLOCK_BYTES = 1 << 19  # counts held at a time, as float64; as for significance


def bootstrap(values: np.ndarray, seed: int, rounds: int = 2_000) -> np.ndarray:
    """Means (rounds, columns) of resamples of `values` (queries, columns).

    Queries are drawn with replacement (Efron 1979; for retrieval Sakai, SIGIR 2006), the same ones for every column:
    the resampled mean of a difference is the difference of two columns. The same seed gives the same means on any
    number of threads.
    """
    n = len(values)
    whole, scale = fixed_point(values)
    generator = np.random.Generator(np.random.PCG64(seed))
    block = max(1, BLOCK_BYTES // (8 * n))
    means = np.empty((rounds, values.shape[1]))
    for start in range(0, rounds, block):
        size = min(block, rounds - start)
        drawn = generator.integers(0, n, size=(size, n)) + np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        means[start : start + size] = counts.astype(np.float64) @ whole / (scale * n)
    return means


def percentiles(means: np.ndarray, confidence: float) -> np.ndarray:
    """The percentile intervals (columns, 2) of resampled means (rounds, columns)."""
    tail = (1 - confidence) / 2
    return np.quantile(means, [tail, 1 - tail], axis=0).T


def rank_intervals(better: np.ndarray) -> np.ndarray:
    """Lowest and highest rank (systems, 2) that the comparisons leave open; `better[i, j]`: i significantly above j.

    A system ranks behind those that beat it and before those that it beats. Where the comparisons hold the
    family-wise error at alpha, all true ranks lie inside together with probability 1 - alpha (Mogstad, Romano,
    Shaikh, Wilhelm, Review of Economic Studies 2024; Al Mohamad, Goeman, van Zwet, Biometrics 2022).
    """
    return np.stack([1 + better.sum(axis=0), len(better) - better.sum(axis=1)], axis=1)

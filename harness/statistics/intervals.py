"""How sure a number is: t intervals of means, and intervals of ranks from corrected comparisons."""

from collections.abc import Sequence

import numpy as np


def t_intervals(values: np.ndarray, confidence: float, least: float, most: float) -> list[tuple[float, float] | None]:
    """Student's interval of the mean of each column of `values` (n, columns), cut to [`least`, `most`].

    mean ± t sd / √n, with n - 1 degrees of freedom. No resampling covers the mean difference of two systems better,
    from 5 values to 300 (benchmarks/interval_coverage.py), and it serves any confidence.
    One value has no interval: None.
    """
    from scipy.special import stdtrit

    n, mean = len(values), values.mean(axis=0)
    if n < 2:
        return [None] * values.shape[1]
    half = stdtrit(n - 1, (1 + confidence) / 2) * values.std(axis=0, ddof=1) / np.sqrt(n)
    ends = np.clip(np.stack([mean - half, mean + half], axis=1), least, most)
    return [(low, high) for low, high in ends.tolist()]


def rank_intervals(better: np.ndarray) -> np.ndarray:
    """Lowest and highest rank (systems, 2) that the comparisons leave open; `better[i, j]`: i significantly above j.

    A system ranks behind those that beat it and before those that it beats. Where the comparisons hold the
    family-wise error at alpha, all true ranks lie inside together with probability 1 - alpha (Mogstad, Romano,
    Shaikh, Wilhelm, Review of Economic Studies 2024; Al Mohamad, Goeman, van Zwet, Biometrics 2022).
    """
    return np.stack([1 + better.sum(axis=0), len(better) - better.sum(axis=1)], axis=1)


def ranks_by_tag(tags: Sequence[str], better: np.ndarray) -> dict[str, tuple[int, int]]:
    """The rank intervals by tag; `tags` are the systems in the order of `better`."""
    return {tag: (int(low), int(high)) for tag, (low, high) in zip(tags, rank_intervals(better), strict=True)}

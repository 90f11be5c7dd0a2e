"""What a paired t-test could have found: the smallest difference that it rarely misses, and the queries it would take.

After Sakai, Statistical reform in information retrieval?, SIGIR Forum 48 (2014), and Cohen, Statistical power analysis
(1988). It says what a comparison of so many queries with such a spread is able to show, whatever it did show.
"""

import math
from functools import lru_cache

import numpy as np

POWER = 0.8  # a difference of this size is found four times of five
MOST_QUERIES = 10_000_000


def detectable(spread: np.ndarray, n: int, alpha: float, power: float = POWER) -> np.ndarray:
    """The true mean difference that a two-sided paired t-test at `alpha` finds with probability `power`.

    `spread` is the standard deviation of the differences (pairs,), with n - 1; `n` the queries. The same unit as
    `spread`; NaN for fewer than two queries.
    """
    if n < 2:
        return np.full(np.shape(spread), np.nan)
    return np.asarray(spread) * (noncentrality(n - 1, alpha, power) / math.sqrt(n))


def queries_needed(effect_size: float, alpha: float, power: float = POWER) -> int | None:
    """How many queries make a difference of `effect_size` (mean over standard deviation) as likely to be found.

    None where it is 0, not a number, or so small that ten million would not do.
    """
    size = abs(effect_size)
    if math.isinf(size):
        return 2
    if not size > 0 or chance(size * math.sqrt(MOST_QUERIES), MOST_QUERIES - 1, alpha) < power:
        return None
    low, high = 1, 2
    while chance(size * math.sqrt(high), high - 1, alpha) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if chance(size * math.sqrt(middle), middle - 1, alpha) < power:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=4096)
def noncentrality(freedom: float, alpha: float, power: float) -> float:
    """The difference, in standard errors, that a two-sided t-test of such freedom finds with `power`."""
    low, high = 0.0, 1.0
    while chance(high, freedom, alpha) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle, freedom, alpha) < power else (low, middle)
    return high


def chance(noncentral: float, freedom: float, alpha: float) -> float:
    """The power of a two-sided t-test: the chance that |t| is beyond its critical value, by the noncentral t."""
    from scipy.special import nctdtr, ndtr, stdtrit

    critical = float(stdtrit(freedom, 1 - alpha / 2))
    if freedom > 10_000:  # where the noncentral t is the normal distribution to five digits
        return float(ndtr(noncentral - critical) + ndtr(-critical - noncentral))
    other = float(nctdtr(freedom, noncentral, -critical))  # NaN where it is too small to be told from 0
    return float(1 - nctdtr(freedom, noncentral, critical)) + (0.0 if math.isnan(other) else other)

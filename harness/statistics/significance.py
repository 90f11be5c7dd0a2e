"""Paired tests of systems on the queries of one dataset, and their correction for many comparisons.

`scores` is (queries, systems); pair j is column `left[j]` against column `right[j]`, row by row the same query.
"""

import math
from collections.abc import Sequence

import numpy as np

from harness.errors import unknown
from harness.scoring.ranx_kernels import imported_ranx
from harness.statistics.fixed_point import fixed_point

TESTS = {"t": "paired t-test", "permutation": "sign-flip permutation test"}
CORRECTIONS = ("holm", "bonferroni", "bh")
BLOCK_BYTES = 1 << 19  # signs held at a time, as float64; blocks that fit the processor's cache cost a quarter
FLAT = 1e-12  # spread of differences below which they are one number and a rounding error


def paired_t(scores: np.ndarray, left: Sequence[int], right: Sequence[int]) -> np.ndarray:
    """Two-sided p of Student's paired t-test for each pair, through ranx.

    Where t is not defined: equal systems have p = 1, and a difference that is the same for all n queries has
    2**(1 - n), the p of the exact sign-flip test, rather than 0.
    """
    first, second = scores[:, left], scores[:, right]
    differences = first - second
    n = len(differences)
    p = np.ones(len(left))
    spread = np.ptp(differences, axis=0)
    flat = spread <= FLAT
    p[flat & (np.abs(differences).max(axis=0) > FLAT)] = 2.0 ** (1 - n)
    if not flat.all():
        with imported_ranx():  # its kernel is scipy.stats.ttest_rel
            from ranx.statistical_tests import paired_student_t_test

            p[~flat] = paired_student_t_test(first[:, ~flat], second[:, ~flat])[0]
    return p


def permutation(
    scores: np.ndarray, left: Sequence[int], right: Sequence[int], seed: int, rounds: int = 10_000
) -> np.ndarray:
    """Two-sided p of Fisher's randomisation test for each pair (Smucker, Allan, Carterette, CIKM 2007).

    Under the null hypothesis the two systems' names can be swapped in any query, so the sign of each difference is
    a coin. p = (b + 1) / (rounds + 1) with b the rounds whose mean is at least as far from 0 as the one seen: never 0,
    and valid (Phipson, Smyth, 2010). Where all 2**n sign patterns are at most `rounds`, they are counted out instead
    and p is exact. The same seed gives the same p on any number of threads; memory stays bounded.
    """
    n = len(scores)
    whole, _ = fixed_point(scores, spare=1)
    total = whole.sum(axis=0)
    # Sums that are equal on paper may differ by the rounding of their 2n terms; they count as equal.
    enough = np.abs(total[left] - total[right]) - 2 * (n + 1)
    exact = 2**n <= rounds
    rounds = 2**n if exact else rounds
    generator = np.random.Generator(np.random.PCG64(seed))
    width = 8 * math.ceil(n / 64)  # bytes of a round: whole words, so that the size of a block changes nothing
    block = max(1, BLOCK_BYTES // (8 * n))
    reached = np.zeros(len(left), dtype=np.int64)
    for start in range(0, rounds, block):
        size = min(block, rounds - start)
        if exact:
            flips = ((np.arange(start, start + size)[:, None] >> np.arange(n)) & 1).astype(np.float64)
        else:
            drawn = np.frombuffer(generator.bytes(size * width), dtype=np.uint8).reshape(size, width)
            flips = np.unpackbits(drawn, axis=1, count=n).astype(np.float64)
        # The signed sum of a difference is the difference of the signed sums: one product per system, not per pair.
        sums = total - 2 * (flips @ whole)
        reached += (np.abs(sums[:, left] - sums[:, right]) >= enough).sum(axis=0)
    return reached / rounds if exact else (reached + 1) / (rounds + 1)


def p_values(
    scores: np.ndarray, left: Sequence[int], right: Sequence[int], test: str, seed: int, rounds: int
) -> np.ndarray:
    """p for each pair by the named test; `seed` and `rounds` matter to the permutation test alone."""
    if test == "t":
        return paired_t(scores, left, right)
    if test == "permutation":
        return permutation(scores, left, right, seed, rounds)
    raise unknown("test", test, TESTS)


def rounds_for(family: int, alpha: float) -> int:
    """Rounds of a permutation test in a family: the smallest p, corrected, must still come out below alpha."""
    return max(10_000, math.ceil(4 * family / alpha))


def correct(p: np.ndarray, method: str) -> np.ndarray:
    """p corrected for a family of `len(p)` comparisons; compare the result with alpha.

    "holm" (Holm 1979) and "bonferroni" bound the chance of any false positive, "bh" (Benjamini, Hochberg 1995) the
    expected share of false ones among the positives. Equal to statsmodels' multipletests, whose collection of garbage
    at every call costs more than the rest of a table.
    """
    if method not in CORRECTIONS:
        raise unknown("correction", method, CORRECTIONS)
    count, order = len(p), np.argsort(p, kind="stable")
    ascending, ranks = np.asarray(p, dtype=np.float64)[order], np.arange(1, count + 1)
    if method == "holm":
        steps = np.maximum.accumulate(ascending * ranks[::-1])
    elif method == "bonferroni":
        steps = ascending * count
    else:
        steps = np.minimum.accumulate((ascending / (ranks / count))[::-1])[::-1]
    corrected = np.empty(count)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def effect_size(differences: np.ndarray) -> np.ndarray:
    """Cohen's d_z of each column of (queries, pairs): mean over standard deviation of the differences.

    0 for equal systems; inf with the sign of the difference where all queries differ by the same.
    """
    mean = differences.mean(axis=0)
    if len(differences) < 2:
        return np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    deviation = differences.std(axis=0, ddof=1)
    flat = np.ptp(differences, axis=0) <= FLAT
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(flat, np.copysign(np.inf, mean), mean / deviation)
    return np.where(np.abs(differences).max(axis=0) <= FLAT, 0.0, size)

"""Paired tests of systems on the queries of one dataset, and their correction for many comparisons.

`scores` is (queries, systems); pair j is column `left[j]` against column `right[j]`, row by row the same query.
"""

from collections.abc import Sequence

import numpy as np

from harness.errors import unknown
from harness.host.recalled import recalled
from harness.statistics.permutation import permutation
from harness.statistics.ties import EQUAL

TESTS = {"t": "paired t-test", "permutation": "sign-flip permutation test"}
CORRECTIONS = ("holm", "bonferroni", "bh")  # of p values alone; "maxt" needs the scores, see `max_t`


def paired_t(scores: np.ndarray, left: Sequence[int], right: Sequence[int]) -> np.ndarray:
    """Two-sided p of Student's paired t-test for each pair: the numbers of scipy.stats.ttest_rel, which ranx calls.

    Where t is not defined: equal systems have p = 1, and a difference that is the same for all n queries has
    2**(1 - n), the p of the exact sign-flip test, rather than 0.
    """
    from scipy.special import stdtr  # scipy.stats takes longer to import than a table of tests

    differences = scores[:, left] - scores[:, right]
    n = len(differences)
    p = np.ones(len(left))
    equal = np.abs(differences).max(axis=0) <= EQUAL
    flat = equal | (np.ptp(differences, axis=0) <= EQUAL)
    p[flat & ~equal] = 2.0 ** (1 - n)
    if not flat.all():
        tested = differences[:, ~flat]
        p[~flat] = 2 * stdtr(n - 1, -np.abs(tested.mean(axis=0) / np.sqrt(tested.var(axis=0, ddof=1) / n)))
    return p


def p_values(
    scores: np.ndarray, left: Sequence[int], right: Sequence[int], test: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """p for each pair by the named test, and its Monte-Carlo standard error; `seed` is the permutation test's alone."""
    if test == "t":
        return paired_t(scores, left, right), np.zeros(len(left))
    if test == "permutation":
        p, errors = recalled(tuple, permutation, scores, left, right, seed)
        return p, errors
    raise unknown("test", test, TESTS)


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

    0 for equal systems; inf with the sign of the difference where all queries differ by the same; NaN for one query,
    which has no spread.
    """
    mean = differences.mean(axis=0)
    if len(differences) < 2:
        return np.full(len(mean), np.nan)
    deviation = differences.std(axis=0, ddof=1)
    flat = np.ptp(differences, axis=0) <= EQUAL
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(flat, np.copysign(np.inf, mean), mean / deviation)
    return np.where(np.abs(differences).max(axis=0) <= EQUAL, 0.0, size)

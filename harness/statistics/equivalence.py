"""Equal within a margin: two one-sided tests, the claim that "not significant" never makes.

Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987). At level alpha they say the same as a
1 - 2 alpha interval of the difference that lies inside the margin.
"""

import numpy as np

from harness.statistics.ties import EQUAL


def equivalence_p(differences: np.ndarray, margin: float) -> np.ndarray:
    """p (pairs,) of the claim that each column's true mean is inside (-margin, margin); (queries, pairs) are given.

    It is the larger p of two one-sided paired t-tests. Where t is not defined, as all queries differ by the same, it is
    that of the sign-flip test, 2**-n inside the margin and 1 outside; one query shows nothing.
    """
    n, mean = len(differences), differences.mean(axis=0)
    if n < 2:
        return np.ones(differences.shape[1])
    flat = np.ptp(differences, axis=0) <= EQUAL
    error = np.where(flat, 1.0, differences.std(axis=0, ddof=1) / np.sqrt(n))
    exact = np.where(np.abs(mean) < margin - EQUAL, 2.0**-n, 1.0)
    return np.where(flat, exact, within(mean, error, n - 1, margin))


def within(mean: np.ndarray, error: np.ndarray, freedom: np.ndarray | float, margin: float) -> np.ndarray:
    """The larger p of the two one-sided t-tests of `mean`, with its standard error and degrees of freedom."""
    from scipy.special import stdtr

    return np.asarray(stdtr(freedom, -(margin - np.abs(mean)) / error))

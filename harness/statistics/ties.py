"""When two numbers are one: a single tolerance for queries, for datasets and for means."""

import numpy as np

EQUAL = 1e-9  # values that differ by no more are a tie, and differences no further apart are one number


def levels(values: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of `values` (n,), the same for neighbours that differ by at most `EQUAL`."""
    order = np.argsort(values)
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.cumsum(np.diff(values[order], prepend=values[order][:1]) > EQUAL)
    return found

"""Numbers whose sums are exact, so that a sum depends neither on the order of adding nor on the number of threads."""

import hashlib
import math
from collections.abc import Iterable

import numpy as np

MANTISSA = 53  # bits of a float64's significand


def fixed_point(values: np.ndarray, spare: int = 0) -> tuple[np.ndarray, float]:
    """`values` (n, m) as whole numbers kept in float64, and their scale: value = whole / scale, to half a unit.

    The scale depends on n alone while no value is beyond 1, so a column is the same in whatever company.

    Any sum of n of them stays below 2**(53 - spare) in size, where float64 holds every whole number: BLAS may add
    them in any order, on any number of threads, fused or not, and gets the same bits.
    """
    largest = float(np.abs(values).max(initial=1.0))
    scale = math.ldexp(1.0, MANTISSA - spare - 1 - math.frexp(largest * len(values))[1])
    return np.rint(values * scale), scale


def seed(*parts: str | Iterable[str]) -> int:
    """A seed made from content, so that the same scores give the same resamples, whenever and wherever."""
    text = "\n".join(part if isinstance(part, str) else "\t".join(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")

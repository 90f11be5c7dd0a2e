"""Fisher's randomisation test of paired systems: counted out, bounded, or drawn until the answer is sure.

What is done for a pair depends on that pair alone, so its p is the same whatever else stands in the table.
"""

from collections.abc import Sequence

import numpy as np

from harness.statistics.fixed_point import fixed_point
from harness.statistics.ties import EQUAL

DRAWS = 10_000_000  # sign patterns drawn at most: a standard error of 1 % at p = .001, 2 % at .00025
ENOUGH = 40_000  # as many that reach the difference settle p to half a per cent
COUNTED = 32  # queries that differ up to which all sign patterns are counted: two halves of 65,536
BLOCK = 4096  # draws at a time; part of what is drawn, so a constant


def permutation(
    scores: np.ndarray, left: Sequence[int], right: Sequence[int], seed: int, draws: int = DRAWS, enough: int = ENOUGH
) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided p for each pair of columns of `scores` (queries, systems), and the Monte-Carlo standard error of each.

    Under the null hypothesis the two systems' names can be swapped in any query, so the sign of each difference is
    a coin (Fisher 1935; Smucker, Allan, Carterette, CIKM 2007); p is the share of sign patterns whose sum is at least
    as far from 0 as the one seen.

    - Where few queries differ p is exact, and its error 0.
    - Where Hoeffding's bound (1963) 2 exp(-sum² / 2 sum of squares) shows that draws could only say "below 1 / draws",
      p is that bound, from above, and its error 0.
    - Else patterns are drawn until `enough` have reached the sum, p = enough / drawn, or until `draws` are done,
      p = (reached + 1) / (draws + 1) (Besag, Clifford, Biometrika 1991): never 0, and valid.

    The same seed gives the same p on any machine; memory stays bounded.
    """
    whole, scale = fixed_point(scores, spare=1)
    whole = whole.astype(np.int64)
    differences = whole[:, left] - whole[:, right]
    differences[np.abs(differences) <= EQUAL * scale] = 0
    # Sums that are equal on paper may differ by the rounding of their 2n terms; they count as equal.
    least = np.abs(differences.sum(axis=0)) - 2 * (len(scores) + 1) - int(EQUAL * scale)
    p = np.minimum(1.0, _bound(differences / scale))
    error = np.zeros(len(left))
    differing = (differences != 0).sum(axis=0)
    for pair in np.flatnonzero(differing <= COUNTED):
        p[pair] = _counted(differences[differences[:, pair] != 0, pair], least[pair])
    open_ = np.flatnonzero((differing > COUNTED) & (p > 1 / (draws + 1)))
    if len(open_):
        sides = np.asarray(left)[open_], np.asarray(right)[open_]
        reached, drawn = _drawn(whole, *sides, least[open_], seed, draws, enough)
        p[open_] = np.where(drawn > 0, enough / np.maximum(drawn, 1), (reached + 1) / (draws + 1))
        error[open_] = p[open_] * np.sqrt((1 - p[open_]) / np.maximum(reached, 1))
    return p, error


def _bound(differences: np.ndarray) -> np.ndarray:
    squares = 2 * np.square(differences).sum(axis=0)
    return 2 * np.exp(-np.square(differences.sum(axis=0)) / np.where(squares > 0, squares, 1.0))


def _counted(differences: np.ndarray, least: int) -> float:
    """The share of all sign patterns of `differences` (n,) whose sum is at least `least` away from 0."""
    if least <= 0:
        return 1.0
    half = len(differences) // 2
    first, second = (_signed_sums(part) for part in (differences[:half], differences[half:]))
    reached = len(second) - np.searchsorted(np.sort(second), least - first)
    return 2 * int(reached.sum()) / 2.0 ** len(differences)  # below -least lie as many as above least


def _signed_sums(differences: np.ndarray) -> np.ndarray:
    sums = np.zeros(1, dtype=np.int64)
    for one in differences:
        sums = np.concatenate([sums + one, sums - one])
    return sums


def _drawn(
    whole: np.ndarray, left: np.ndarray, right: np.ndarray, least: np.ndarray, seed: int, draws: int, enough: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each pair how many draws reached `least`, and how many were drawn when `enough` had; 0 where they never did.

    The signed sum of a difference is the difference of the signed sums: the work goes by systems, not by pairs.
    """
    from harness.statistics.permutation_kernels import count, signed_sums  # numba takes its time

    generator = np.random.Generator(np.random.PCG64(seed))
    width = 8 * -(-len(whole) // 64)  # bytes of a pattern
    reached, drawn = np.zeros((2, len(left)), dtype=np.int64)
    sums = np.empty((BLOCK, whole.shape[1]), dtype=np.int64)
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start)
        signs = np.frombuffer(generator.bytes(width * size), dtype=np.uint8).reshape(width, size)
        signed_sums(signs, whole, sums[:size])
        count(np.ascontiguousarray(sums[:size].T), left, right, least, start, enough, reached, drawn)
        if drawn.all():
            break
    return reached, drawn

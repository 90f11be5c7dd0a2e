"""Step-down max-T: many comparisons corrected by how they hang together (Westfall, Young, Resampling-based multiple
testing, 1993; Romano, Wolf, JASA 100, 2005).

Holm takes the worst case of dependence. Here each query's sign is flipped for all systems at once, so the pairs keep
their dependence, and a comparison is held against the largest statistic that chance gives among those not yet passed.
The statistic is the sum of the differences over the root of the sum of their squares. A flip leaves the squares alone,
so each statistic has variance 1 under the flips whatever the number of queries; Student's t is a rising function of it.
Dividing by a spread made anew for each flip would let the smallest dataset rule the maximum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from harness.statistics.fixed_point import fixed_point
from harness.statistics.ties import EQUAL

DRAWS = 100_000  # standard error of .0007 at p = .05; p is at least 1 / 100,001
BLOCK = 4096  # draws at a time; part of what is drawn, so a constant


@dataclass(frozen=True)
class Block:
    """Comparisons of the same queries: column `left[j]` of `scores` (queries, columns) against `right[j]`.

    `seed` is made from what the block is about: its draws are the same in any company.
    """

    scores: np.ndarray
    left: Sequence[int]
    right: Sequence[int]
    seed: int


class Flipped(NamedTuple):
    """Two-sided p (pairs,) alone and corrected, and the Monte-Carlo standard errors of both."""

    p: np.ndarray
    p_error: np.ndarray
    corrected: np.ndarray
    corrected_error: np.ndarray


def max_t(blocks: Sequence[Block], draws: int = DRAWS) -> Flipped:
    """Every comparison of all `blocks`, in their order.

    p = (reached + 1) / (draws + 1), never falling from one step to the next: valid, and never 0. Queries of different
    blocks are flipped apart, those of one together. The same blocks give the same p on any machine.
    """
    prepared = [_prepared(block) for block in blocks]
    seen = np.concatenate([np.empty(0), *(one.statistic for one in prepared)])
    order = np.argsort(-seen, kind="stable")
    reached, alone = np.zeros((2, len(seen)), dtype=np.int64)
    generators = [np.random.Generator(np.random.PCG64(block.seed)) for block in blocks]
    for start in range(0, draws if len(seen) else 0, BLOCK):
        size = min(BLOCK, draws - start)
        drawn = np.concatenate([_drawn(one, g, size) for one, g in zip(prepared, generators, strict=True)])
        alone += (drawn >= seen[:, None] - EQUAL).sum(axis=1)
        # From the least to the largest statistic: the largest of those that have not been passed by then.
        largest = drawn[order[::-1]]
        for before, one in pairwise(largest):  # row by row takes a third of the time of `accumulate`
            np.maximum(one, before, out=one)
        reached[order] += (largest[::-1] >= seen[order, None] - EQUAL).sum(axis=1)
    raw = (reached[order] + 1) / (draws + 1)
    p = np.empty(len(seen))
    p[order] = np.maximum.accumulate(raw)
    own = (alone + 1) / (draws + 1)
    return Flipped(own, np.sqrt(own * (1 - own) / draws), p, np.sqrt(p * (1 - p) / draws))


@dataclass(frozen=True)
class _Prepared:
    whole: np.ndarray  # (queries, columns) int64
    left: np.ndarray
    right: np.ndarray
    norm: np.ndarray  # (pairs,) root of the sum of squared differences
    statistic: np.ndarray  # (pairs,) at least 0


def _prepared(block: Block) -> _Prepared:
    left, right = np.asarray(block.left, np.int64), np.asarray(block.right, np.int64)
    exact, scale = fixed_point(block.scores, spare=1)
    whole = exact.astype(np.int64)
    differences = (whole[:, left] - whole[:, right]).astype(np.float64)
    norm = np.sqrt(np.square(differences).sum(axis=0))
    norm[np.abs(differences).max(axis=0, initial=0) <= EQUAL * scale] = np.inf  # equal systems: nothing to find
    return _Prepared(whole, left, right, norm, np.abs(differences.sum(axis=0)) / norm)


def _drawn(one: _Prepared, generator: np.random.Generator, size: int) -> np.ndarray:
    """(pairs, draws) the statistics under `size` random flips; the work goes by systems, not by pairs."""
    from harness.statistics.permutation_kernels import signed_sums  # numba takes its time

    width = 8 * -(-len(one.whole) // 64)  # bytes of a pattern
    signs = np.frombuffer(generator.bytes(width * size), dtype=np.uint8).reshape(width, size)
    sums = np.empty((size, one.whole.shape[1]), dtype=np.int64)
    signed_sums(signs, one.whole, sums)
    apart = (sums[:, one.left] - sums[:, one.right]).T
    return np.abs(apart) / one.norm[:, None]

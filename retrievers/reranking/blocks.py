"""The pairs of a query that are scored in one call, and whether their scores hang on that."""

from collections.abc import Sequence
from itertools import pairwise

FIRST, EVERY = 10, (20, 50)  # where blocks end: behind rank 10, and behind multiples of these
APART = 0.1  # of the spread of a call's scores: in half precision a pair's score moves by a hundredth of it
ROUNDING = 2.0**-20  # of a score, where all of a call are the same


def blocks(ranked: Sequence[str], depth: int) -> list[tuple[str, ...]]:
    """The documents down to `depth` in stretches whose pairs are scored together.

    What a model gives a pair depends in its last digits on the pairs beside it. So blocks end at the same ranks for
    every depth, and the last is whole: then all depths share every pair. Usual depths are where a block ends.
    """
    ends = [end for end in range(FIRST, len(ranked), FIRST) if end == FIRST or any(end % each == 0 for each in EVERY)]
    edges = [0, *ends, len(ranked)]
    return [tuple(ranked[start:end]) for start, end in pairwise(edges) if start < min(depth, len(ranked))]


def compared(alone: float, beside: float, spread: float, pairs: int) -> str:
    """What is wrong where the score of a pair alone is not what it is beside others; `spread` is that of all scores."""
    if abs(alone - beside) <= APART * max(spread, abs(alone) * ROUNDING):
        return ""
    return (
        f"a score depends on the pairs beside it ({beside:.4g} among {pairs}, {alone:.4g} alone), and a query's"
        " documents are scored in several calls: their scores can't be compared"
    )

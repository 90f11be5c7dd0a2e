"""The bars of a critical-difference diagram (Demšar, JMLR 7, 2006): systems that Nemenyi's test can't separate."""

from collections.abc import Sequence


def cliques(mean_ranks: Sequence[float], critical_difference: float) -> list[tuple[int, int]]:
    """(first, last) places of each longest run of at least 2 of the ascending `mean_ranks` that are closer than that.

    >>> cliques([1.0, 1.5, 2.6, 4.9], 1.2)
    [(0, 1), (1, 2)]
    """
    found: list[tuple[int, int]] = []
    for first in range(len(mean_ranks)):
        last = max(place for place in range(first, len(mean_ranks)) if mean_ranks[place] - mean_ranks[first]
                   < critical_difference)  # fmt: skip
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found

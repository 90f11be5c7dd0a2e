"""Compiled loops of the permutation test: signed sums eight queries at a time, and how many of them are far enough.

All numbers are whole, so no order of adding changes a bit. Compiled once, into Python's cache folder beside this file.
"""

import numpy as np
from numba import njit

# mypy: allow-untyped-defs, allow-untyped-calls


@njit(nogil=True, cache=True)
def signed_sums(signs, whole, sums):
    """Fill `sums` (draws, systems): each column of `whole` (queries, systems) added up with a draw's signs.

    Bit b of `signs` (bytes, draws) at [i, draw] is set where query 8 i + b counts as it is; else it is subtracted.
    """
    queries, systems = whole.shape
    part = np.empty((256, systems), np.int64)  # the sum of eight queries under each of their 256 sign patterns
    sums[:] = 0
    for place in range((queries + 7) // 8):
        part[0] = 0
        for bit in range(8):
            query = 8 * place + bit
            for system in range(systems):
                value = whole[query, system] if query < queries else 0
                for pattern in range(1 << bit):
                    part[pattern + (1 << bit), system] = part[pattern, system] + value
                    part[pattern, system] -= value
        for draw in range(signs.shape[1]):
            pattern = signs[place, draw]
            for system in range(systems):
                sums[draw, system] += part[pattern, system]


@njit(nogil=True, cache=True)
def count(sums, left, right, least, start, enough, reached, drawn):
    """Add to `reached` the draws of `sums` (systems, draws) in which a pair's sums are at least `least` apart.

    A pair that has `enough` gets the number of draws until then in `drawn`, counted from `start`, and is left alone.
    """
    for pair in range(len(left)):
        if drawn[pair]:
            continue
        first, second, bound, found = sums[left[pair]], sums[right[pair]], least[pair], 0
        for draw in range(first.size):
            apart = first[draw] - second[draw]
            found += (apart >= bound) | (apart <= -bound)
        if reached[pair] + found < enough:
            reached[pair] += found
            continue
        for draw in range(first.size):
            if abs(first[draw] - second[draw]) >= bound:
                reached[pair] += 1
                if reached[pair] == enough:
                    drawn[pair] = start + draw + 1
                    break

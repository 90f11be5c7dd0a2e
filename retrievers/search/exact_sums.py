"""The exact score of a pair: the fp64 sum, in one fixed order, of the exact products, rounded to fp32 once.

The fixed order costs twice the time of the order that suits a processor best, and hardly ever matters: where every
number that the sum can be rounds to one fp32 number, the fast order has given the score.
"""

import numpy as np
from numba import njit

# mypy: allow-untyped-defs, allow-untyped-calls

LANES = 64  # partial sums of an exact score
REBIAS = 2.0**112  # fp16 biases its exponent by 15, fp32 by 127


@njit(nogil=True, cache=True, fastmath={"contract"})
def dot(query, vector, lanes):
    """The dot product of two fp32 vectors: exact products, summed in fp64 in LANES partial sums, rounded to fp32 once.

    A product of two fp32 numbers is exact in fp64, so a fused multiply-add gives what two instructions give: the
    score of a pair depends on its two vectors alone. `lanes` (LANES,) fp64 is scratch.
    """
    whole = query.size // LANES * LANES
    lanes[:] = 0.0
    for begin in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += np.float64(query[begin + lane]) * np.float64(vector[begin + lane])
    for place in range(whole, query.size):
        lanes[place - whole] += np.float64(query[place]) * np.float64(vector[place])
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    return np.float32(total)


@njit(nogil=True, cache=True, fastmath={"contract"})
def dot_half(query, halves, lanes):
    """`dot` of an fp32 vector and one of fp16, given as its bits in int16: the same sums in the same order."""
    whole = query.size // LANES * LANES
    lanes[:] = 0.0
    for begin in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] += np.float64(query[begin + lane]) * widened(halves[begin + lane])
    for place in range(whole, query.size):
        lanes[place - whole] += np.float64(query[place]) * widened(halves[place])
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    return np.float32(total * REBIAS)


@njit(nogil=True, cache=True)
def widened(half):
    """An fp16 number, given as its bits in int16, divided by REBIAS, exactly: the bits in the places of fp32's."""
    bits = (np.int32(half) << np.int32(13)) & np.int32(-0x70002000)  # the sign, and none of its copies
    return np.float64(np.int32(bits).view(np.float32))


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def near_dot(query, vector):
    """The fp64 sum of `dot` in whatever order is fastest here."""
    total = 0.0
    for place in range(query.size):
        total += np.float64(query[place]) * np.float64(vector[place])
    return total


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def near_dot_half(query, halves):
    """The fp64 sum of `dot_half` in whatever order is fastest here."""
    total = 0.0
    for place in range(query.size):
        total += np.float64(query[place]) * widened(halves[place])
    return total * REBIAS


@njit(nogil=True, cache=True)
def rescore(queries, vectors, first_row, rows, counts, cursors, scores, slack):
    """Exact scores of the candidates within one shard: rows first_row .. first_row + len(vectors) - 1 of the store.

    `queries` (Q, dim) fp32; `vectors` (n, dim) fp32, or the bits of fp16 as int16; `rows` (Q, C) ascending per query,
    `counts` (Q,). `cursors` (Q,) say how far each query has come and move on; `scores` (Q, C) fp32 are filled. A sum in
    any order is within `slack` (Q,) fp64 of that in the fixed order, so where all numbers that near round to one, not
    zero, that one is the score; elsewhere the fixed order decides.
    """
    lanes = np.empty(LANES)
    end = first_row + len(vectors)
    for query in range(len(queries)):
        asked = queries[query]
        place = cursors[query]
        while place < counts[query] and rows[query, place] < end:
            vector = vectors[rows[query, place] - first_row]
            near = near_dot_half(asked, vector) if vectors.itemsize == 2 else near_dot(asked, vector)
            score = np.float32(near - slack[query])
            if score != np.float32(near + slack[query]) or score == 0.0:
                score = dot_half(asked, vector, lanes) if vectors.itemsize == 2 else dot(asked, vector, lanes)
            scores[query, place] = score
            place += 1
        cursors[query] = place

"""Compiled loops of the exact search: keep the scores above a running threshold, and score pairs exactly.

Scores are looked at through their bit patterns as integers, mapped so that integer order is the order of the floats
(the sign bit flips the others): one loop serves fp32, bf16 and fp16, and compares as many numbers per instruction as
the format allows. Every function releases the interpreter lock and is compiled once, into Python's cache folder
beside this file.
"""

import numpy as np
from numba import njit

# mypy: allow-untyped-defs, allow-untyped-calls

CHUNK = 64  # scores looked at together; most chunks hold none above the threshold
LANES = 64  # partial sums of an exact score


@njit(nogil=True, cache=True)
def as_float(key: int, kind: int) -> float:
    """The value of an ordered key of a `kind`: 0 fp32, 1 bf16, 2 fp16."""
    if kind == 0:
        bits = np.int32(key) ^ ((np.int32(key) >> np.int32(31)) & np.int32(0x7FFFFFFF))
        return np.float64(np.int32(bits).view(np.float32))
    bits16 = (key ^ ((key >> 15) & 0x7FFF)) & 0xFFFF
    if kind == 1:
        return np.float64(np.uint32(bits16 << 16).view(np.float32))
    exponent, fraction = (bits16 >> 10) & 31, bits16 & 1023
    size = fraction * 2.0**-24 if exponent == 0 else (1024 + fraction) * 2.0 ** (exponent - 25)
    return -size if bits16 & 0x8000 else size


@njit(nogil=True, cache=True)
def least_key(value: float, kind: int) -> int:
    """The smallest key of a finite float that is at least `value`; the largest key where there is none."""
    high = 0x7F7FFFFF if kind == 0 else 0x7F7F if kind == 1 else 0x7BFF
    low = -high - 1
    while low < high:
        middle = (low + high) >> 1
        if as_float(middle, kind) >= value:
            high = middle
        else:
            low = middle + 1
    return low


@njit(nogil=True, cache=True)
def least_keys(values, kind):
    """`least_key` of each of `values` (n,)."""
    keys = np.empty(values.size, np.int32)
    for place in range(values.size):
        keys[place] = least_key(values[place], kind)
    return keys


@njit(nogil=True, cache=True)
def tighten(rows, keys, count, limit, k, margin, rounding, kind):
    """Raise a query's limit to what its k-th best candidate proves and drop the candidates below, in order.

    `rows` and `keys` (C,) hold `count` candidates. Returns the new count and limit.
    """
    if count < k:
        return count, limit
    kth = as_float(np.partition(keys[:count], count - k)[count - k], kind)
    limit = max(limit, least_key(kth - margin - rounding * (abs(kth) + margin), kind))
    kept = 0
    for place in range(count):
        if keys[place] >= limit:
            keys[kept] = keys[place]
            rows[kept] = rows[place]
            kept += 1
    return kept, limit


@njit(nogil=True, cache=True)
def keep(bits, first_row, query, document, rows, keys, counts, limits, k, margins, rounding, kind):
    """Append to each query those documents of a block whose score reaches the query's limit.

    `bits` (Q, documents of the block) are the scores' bit patterns, int32 or int16, the block's first document is row
    `first_row` of the store; `rows`, `keys` (Q, C) and `counts`, `limits` (Q,) are the candidates so far. Begins at
    `query` and `document`. Returns the (query, document) to go on from where a query's candidates fill more than three
    quarters of C even after tightening, so that the caller has to make room, else (-1, 0).
    """
    room = rows.shape[1]
    documents = bits.shape[1]
    whole = documents // CHUNK * CHUNK
    one = bits.dtype.type(1)
    shift = bits.dtype.type(31 if kind == 0 else 15)
    mask = bits.dtype.type(0x7FFFFFFF if kind == 0 else 0x7FFF)
    while query < len(bits):
        scores = bits[query]
        limit = bits.dtype.type(limits[query])
        for begin in range(document, documents, CHUNK):
            above = one * 0
            if begin < whole:
                for place in range(begin, begin + CHUNK):
                    above |= (scores[place] ^ ((scores[place] >> shift) & mask)) >= limit
            else:
                above |= one
            if above:
                if counts[query] + CHUNK > room:
                    counts[query], limits[query] = tighten(
                        rows[query], keys[query], counts[query], limits[query], k, margins[query], rounding, kind
                    )
                    limit = bits.dtype.type(limits[query])
                    if counts[query] > room // 4 * 3:
                        return query, begin
                count = counts[query]
                for place in range(begin, min(begin + CHUNK, documents)):
                    key = scores[place] ^ ((scores[place] >> shift) & mask)
                    if key >= limit:
                        keys[query, count] = key
                        rows[query, count] = first_row + place
                        count += 1
                counts[query] = count
        document = 0
        query += 1
    return -1, 0


@njit(nogil=True, cache=True, fastmath={"contract"})
def dot(query, vector):
    """The dot product of two fp32 vectors: exact products, summed in float64 in LANES partial sums, rounded to fp32
    once.

    A product of two fp32 numbers is exact in float64, so a fused multiply-add gives what two instructions give: the
    score of a pair depends on its two vectors alone.
    """
    lanes = np.zeros(LANES)
    whole = query.size // LANES * LANES
    for begin in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane] = lanes[lane] + np.float64(query[begin + lane]) * np.float64(vector[begin + lane])
    for place in range(whole, query.size):
        lanes[place - whole] = lanes[place - whole] + np.float64(query[place]) * np.float64(vector[place])
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    return np.float32(total)


@njit(nogil=True, cache=True)
def rescore(queries, vectors, first_row, rows, counts, cursors, scores):
    """Exact scores of the candidates within one shard: rows first_row .. first_row + len(vectors) - 1 of the store.

    `queries` (Q, dim) fp32; `vectors` (n, dim) fp32, or the bit patterns of fp16 as uint16; `rows` (Q, C) ascending per
    query, `counts` (Q,). `cursors` (Q,) say how far each query has come and move on; `scores` (Q, C) fp32 are filled.
    """
    dim = queries.shape[1]
    patterns = np.empty(dim, np.uint32)
    values = patterns.view(np.float32)
    scale = np.float32(2.0**112)  # fp16's exponent is biased by 15, fp32's by 127
    end = first_row + len(vectors)
    for query in range(len(queries)):
        place = cursors[query]
        while place < counts[query] and rows[query, place] < end:
            vector = vectors[rows[query, place] - first_row]
            if vectors.itemsize == 2:
                for d in range(dim):
                    half = np.uint32(vector[d])
                    patterns[d] = ((half & np.uint32(0x8000)) << np.uint32(16)) | (
                        (half & np.uint32(0x7FFF)) << np.uint32(13)
                    )
                for d in range(dim):
                    values[d] *= scale
            else:
                for d in range(dim):
                    values[d] = vector[d]
            scores[query, place] = dot(queries[query], values)
            place += 1
        cursors[query] = place

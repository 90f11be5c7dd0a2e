"""Loops of the joint search: vocabulary vectors in fixed point, the sparse part of many queries, the score of a pair.

A document reads the queries' vocabulary vectors at its k entries. One query at a time this is a gather, a cache miss
for each number; with 32 queries side by side it is a sum of k rows of one cache line each (`row_sums`), from a table
that fits a core's second-level cache.
"""

import numpy as np
import torch
from numba import njit

from retrievers.search.row_sums import CHUNK, LANES, LARGEST, ORDER, instruction_set, row_sums_by

# mypy: allow-untyped-defs, allow-untyped-calls

GROUP = 16  # documents whose sums are turned round together, to be written in whole cache lines
ROUNDED = 0.502  # of a step: the error of rounding to whole numbers, with what fp32 adds
PARTS = 64  # partial sums of an exact score
REBIAS = 2.0**112  # fp16 biases its exponent by 15, fp32 by 127

row_sums = row_sums_by(instruction_set())


def pack(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vocabulary vectors fp32 (Q, V) as tables of `row_sums`, one for each 32 queries.

    Returns the tables int16 (ceil(Q / 32), V, 32), the factors fp32 (Q,) that make values of their numbers, and the
    largest error (Q,) of a value.
    """
    queries, vocabulary = vectors.shape
    largest = np.abs(vectors).max(axis=1, initial=0.0).astype(np.float64)  # (Q,)
    usable = largest > 2.0**-60  # below, a factor may underflow; such a vector counts as error alone
    scale = np.where(usable, LARGEST / np.where(usable, largest, 1.0), 0.0).astype(np.float32)
    shape = -(-queries // LANES), vocabulary, LANES
    tables = torch.zeros(shape, dtype=torch.int16).numpy()  # torch aligns to cache lines
    for number, table in enumerate(tables):
        part = slice(number * LANES, (number + 1) * LANES)
        numbers = np.rint(vectors[part] * scale[part, None]).astype(np.int16)
        table[:, ORDER[: len(numbers)]] = numbers.T
    factors = np.where(usable, largest / LARGEST, 0.0).astype(np.float32)
    return tables, factors, np.where(usable, ROUNDED * largest / LARGEST, largest)


@njit(nogil=True, cache=True)
def moved(half):
    """The bits of an fp16 number in the places where fp32 has them: of that number over REBIAS, exactly."""
    wide = np.uint32(half)
    return ((wide & np.uint32(0x8000)) << np.uint32(16)) | ((wide & np.uint32(0x7FFF)) << np.uint32(13))


@njit(nogil=True, cache=True)
def widen(halves, values, begin, end):
    """Rows begin .. end - 1 of fp16 numbers, given as bits in uint16 (N, n), into fp32 `values` (N, n), exactly."""
    bits = values.view(np.uint32)
    for row in range(begin, end):
        for place in range(halves.shape[1]):
            bits[row, place] = moved(halves[row, place])
        for place in range(halves.shape[1]):
            values[row, place] *= np.float32(REBIAS)


@njit(nogil=True, cache=True)
def pack_weights(halves, numbers, factors, used, begin, end):
    """Rows begin .. end - 1 of fp16 weights, as bits in uint16 (N, k), as whole `numbers` int16 (N, n), n >= k, times
    `factors` (N,). `used` (N,) becomes a multiple of CHUNK behind which all of a row are 0.
    """
    values = np.empty((1, halves.shape[1]), np.float32)
    for row in range(begin, end):
        top = np.uint16(0)  # of the bits without the sign, whose order is that of sizes
        for place in range(halves.shape[1]):
            top = max(top, np.uint16(halves[row, place] & 0x7FFF))
        widen(halves[row : row + 1], values, 0, 1)
        largest = np.float32(0.0)
        for place in range(halves.shape[1]):
            if halves[row, place] & 0x7FFF == top:
                largest = abs(values[0, place])
                break
        factors[row] = largest / np.float32(LARGEST)
        scale = np.float32(LARGEST) / largest if largest > 0 else np.float32(0.0)
        for place in range(halves.shape[1]):
            numbers[row, place] = np.int16(np.rint(values[0, place] * scale))
        numbers[row, halves.shape[1] :] = 0
        last = halves.shape[1]
        while last > 1 and numbers[row, last - 1] == 0:
            last -= 1
        used[row] = (last + CHUNK - 1) // CHUNK * CHUNK


@njit(nogil=True, cache=True)
def add_sparse(tables, query_factors, entries, pairs, used, factors, scores, begin, end):
    """Add the sparse part to the scores (Q, N) of documents begin .. end - 1 of a block.

    tables (R, V, 32) and query_factors (Q,) of `pack`; entries (N, n) unsigned, pairs int32 (N, n / 2), used (N,)
    and factors (N,) of `pack_weights`, n a multiple of CHUNK.
    """
    sums = np.empty((GROUP, LANES), np.float32)
    for number in range(len(tables)):
        first = number * LANES
        for start in range(begin, end, GROUP):
            group = min(GROUP, end - start)
            for doc in range(group):
                n = used[start + doc]
                row_sums(tables[number], entries[start + doc, :n], pairs[start + doc, : n // 2], sums[doc])
                for lane in range(LANES):
                    sums[doc, lane] *= factors[start + doc]
            for query in range(first, min(first + LANES, len(scores))):
                for doc in range(group):
                    scores[query, start + doc] += query_factors[query] * sums[doc, query - first]


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_products(values, halves, scratch, sums):
    """Add values fp32 (n,) times fp16 numbers, given as bits in uint16 (n,), over REBIAS to `sums` fp64 (PARTS,).

    An fp16 number's bits, moved into fp32's places, are the number over REBIAS, and the product of the two is exact in
    fp64, fused with its addition or not. `scratch` fp32 holds at least n numbers.
    """
    bits = scratch.view(np.uint32)
    for place in range(halves.size):
        bits[place] = moved(halves[place])
    whole = values.size // PARTS * PARTS
    for begin in range(0, whole, PARTS):
        for part in range(PARTS):
            sums[part] += np.float64(values[begin + part]) * np.float64(scratch[begin + part])
    for place in range(whole, values.size):
        sums[place - whole] += np.float64(values[place]) * np.float64(scratch[place])


@njit(nogil=True, cache=True)
def rescore(dense, vocabulary, vectors, entries, weights, first_row, rows, counts, cursors, scores):
    """Exact joint scores of candidates within one shard: rows first_row .. first_row + len(entries) - 1 of the store.

    A score is the fp64 sum of Eq. 12's exact products, the dense ones first, in PARTS partial sums, rounded to fp32.
    `dense` (Q, d), `vocabulary` (Q, V) fp32; `vectors` (N, d), `weights` (N, k) bits of fp16, `entries` (N, k);
    `rows`, `counts`, `cursors` and `scores` as in `exact_sums.rescore`.
    """
    sums = np.empty(PARTS)
    read = np.empty(entries.shape[1], np.float32)
    scratch = np.empty(max(dense.shape[1], read.size), np.float32)
    end = first_row + len(entries)
    for query in range(len(dense)):
        values = vocabulary[query]
        place = cursors[query]
        while place < counts[query] and rows[query, place] < end:
            row = rows[query, place] - first_row
            places = entries[row]
            for entry in range(read.size):
                read[entry] = values[places[entry]]
            sums[:] = 0.0
            add_products(dense[query], vectors[row], scratch, sums)
            add_products(read, weights[row], scratch, sums)
            total = 0.0
            for part in range(PARTS):
                total += sums[part]
            scores[query, place] = np.float32(total * REBIAS)
            place += 1
        cursors[query] = place

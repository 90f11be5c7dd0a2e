"""Compiled loops of the exact search: keep the scores above a running threshold, and drop what exact ones exclude.

Scores are looked at through their bit patterns as integers, mapped so that integer order is the order of the floats
(the sign bit flips the others): one loop serves fp32, bf16 and fp16, and compares as many numbers per instruction as
the format allows. Few reach the threshold, and these are found by words of eight marks, a byte each. Every function
releases the interpreter lock and is compiled once, into Python's cache folder beside this file.
"""

import numpy as np
from numba import njit

# mypy: allow-untyped-defs, allow-untyped-calls

SPARE = 32  # places of a query beside those that k needs, so that a limit is not tightened for every document
BINS = 512
ONE, ONES, SUMMED = np.uint64(1), np.uint64(0x0101010101010101), np.uint64(56)


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
def near_kth(keys, k):
    """A key not above the k-th largest of `keys` (n,), k <= n, and close below it: few other keys lie between.

    Counts keys in BINS bins of their range and looks closer at one bin while it holds many; unlike a quickselect it has
    hardly a branch that depends on the data, which is what costs time here.
    """
    low, high = np.int64(keys.min()), np.int64(keys.max())
    counts = np.empty(BINS + 1, np.int64)
    wanted = k
    while low < high:
        shift = 0
        while ((high - low) >> shift) >= BINS:
            shift += 1
        counts[:] = 0
        for key in keys:
            inside = (key >= low) & (key <= high)
            counts[((key - low) >> shift) if inside else BINS] += 1
        at = BINS - 1
        while counts[at] < wanted:
            wanted -= counts[at]
            at -= 1
        low, high = low + (at << shift), min(high, low + ((at + 1) << shift) - 1)
        if counts[at] * 32 < k:
            break
    return low


@njit(nogil=True, cache=True)
def tighten(rows, keys, count, limit, k, margin, rounding, kind):
    """Raise a query's limit to what its k-th best candidate proves and drop the candidates below, in order.

    `rows` and `keys` (C,) hold `count` candidates. Returns the new count and limit.
    """
    if count < k:
        return count, limit
    kth = as_float(near_kth(keys[:count], k), kind)
    limit = max(limit, least_key(kth - margin - rounding * (abs(kth) + margin), kind))
    kept = 0
    for place in range(count):  # without a branch: what is below the limit is overwritten by the next
        key, row = keys[place], rows[place]
        keys[kept] = key
        rows[kept] = row
        kept += key >= limit
    return kept, limit


@njit(nogil=True, cache=True)
def flip(bits, kind):
    """Turn the bit patterns of floats into ordered keys or back, in place: only negative ones change."""
    shift = bits.dtype.type(31 if kind == 0 else 15)
    mask = bits.dtype.type(0x7FFFFFFF if kind == 0 else 0x7FFF)
    for place in range(bits.size):
        bits[place] ^= (bits[place] >> shift) & mask


@njit(nogil=True, cache=True)
def keep(bits, first_row, query, document, rows, keys, counts, limits, full, crowded, k, margins, rounding, kind):
    """Append to each query those documents of a block whose score reaches the query's limit.

    `bits` (Q, documents of the block) are the scores' bit patterns, int32 or int16, the block's first document is row
    `first_row` of the store; `rows`, `keys` (Q, C) and `counts`, `limits` (Q,) are the candidates so far, and `full`
    (Q,) the counts at which limits are tightened next. Begins at `query` and `document`, a multiple of 8. Returns the
    (query, document) to go on from where more than `crowded` candidates of a query remain after tightening, so that the
    caller has to make room, else (-1, 0).
    """
    room, documents = rows.shape[1], bits.shape[1]
    hits = np.zeros((documents + 7) // 8 * 8, np.uint8)
    words = hits.view(np.uint64)
    places = np.empty(len(words) + 1, np.int32)
    while query < len(bits):
        scores, query_rows, query_keys = bits[query], rows[query], keys[query]
        limit = bits.dtype.type(limits[query])
        count = counts[query]
        flipped = limit < 0  # above a limit of zero and more, patterns are keys
        if flipped:
            flip(scores[document:], kind)
        found, at = mark(hits, words, places, scores, document, limit), 0
        while at < found:
            place = np.int64(places[at])
            at += 1
            if count + 8 > full[query]:
                count, limits[query] = tighten(
                    query_rows, query_keys, count, limits[query], k, margins[query], rounding, kind
                )
                full[query] = min(room, max(2 * count, count + 4 * SPARE))
                if count > crowded:
                    counts[query] = count
                    if flipped:
                        flip(scores[place:], kind)
                    return query, place
                limit = bits.dtype.type(limits[query])
                found, at = mark(hits, words, places, scores, place, limit), 0
                continue
            left = words[place >> 3]
            while True:
                below = (left - ONE) & ~left & ONES  # a one in every byte before the next hit
                hit = place + np.int64((below * ONES) >> SUMMED)
                query_keys[count] = scores[hit]
                query_rows[count] = first_row + hit
                count += 1
                left &= left - ONE
                if left == 0:
                    break
        counts[query] = count
        document = 0
        query += 1
    return -1, 0


@njit(nogil=True, cache=True)
def mark(hits, words, places, scores, document, limit):
    """Set `hits` to 1 where a score of `document` and behind reaches the limit, else to 0.

    `words` are `hits` eight by eight; the first of each eight that have a hit goes to `places`. Returns their number.
    """
    some, marks = scores[document:], hits[document : len(scores)]  # so that no place is counted from the end
    for place in range(some.size):
        marks[place] = np.uint8(some[place] >= limit)
    found = 0
    first = document >> 3
    later = words[first:]
    for word in range(later.size):
        places[found] = (first + word) << 3
        found += later[word] != 0
    return found


@njit(nogil=True, cache=True)
def tighten_all(rows, keys, counts, limits, k, margins, rounding, kind):
    """`tighten` every query, after the last block."""
    for query in range(len(rows)):
        counts[query], limits[query] = tighten(
            rows[query], keys[query], counts[query], limits[query], k, margins[query], rounding, kind
        )


@njit(nogil=True, cache=True)
def best_first(rows, keys, counts, firsts, k):
    """Put each query's k best approximations, and the few that `near_kth` lets in, before the others, both in order.

    `firsts` (Q,) becomes how many they are.
    """
    firsts[:] = counts
    behind_rows, behind_keys = np.empty_like(rows[0]), np.empty_like(keys[0])
    for query in range(len(rows)):
        count = counts[query]
        if count <= k:
            continue
        least = near_kth(keys[query, :count], k)
        first = behind = 0
        for place in range(count):
            key, row = keys[query, place], rows[query, place]
            if key >= least:
                keys[query, first], rows[query, first] = key, row
                first += 1
            else:
                behind_keys[behind], behind_rows[behind] = key, row
                behind += 1
        keys[query, first:count], rows[query, first:count] = behind_keys[:behind], behind_rows[:behind]
        firsts[query] = first
    return firsts


@njit(nogil=True, cache=True)
def drop_behind(rows, keys, firsts, counts, scores, margins, rounding, kind):
    """Drop what stands behind `firsts` (Q,) and can't reach the least of their exact scores; `counts` (Q,) follow.

    `firsts` are k or more, so k documents have that score: what is to enter has it too, and an approximation no
    further below it than half of `margins`.
    """
    for query in range(len(rows)):
        first, count = firsts[query], counts[query]
        if first == count:
            continue
        kth, margin = np.float64(scores[query, :first].min()), margins[query]
        limit = least_key(kth - margin / 2 - rounding * (abs(kth) + margin), kind)
        kept = first
        for place in range(first, count):
            key, row = keys[query, place], rows[query, place]
            keys[query, kept], rows[query, kept] = key, row
            kept += key >= limit
        counts[query] = kept

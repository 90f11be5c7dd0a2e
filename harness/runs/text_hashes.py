"""64-bit hashes of millions of strings at once: they find candidates fast, and the strings themselves decide."""

import numpy as np
import pyarrow as pa

WORD = 8  # bytes
KEEP = np.array([(1 << 8 * size) - 1 for size in range(WORD + 1)], np.uint64)  # the first `size` bytes of a word
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: multiplying by it carries low bits to high places
FOLD = np.uint64(32)
BLOCK = 1 << 14  # strings at a time, so that what is in between stays in the processor's cache


def hash_texts(strings: pa.LargeStringArray) -> np.ndarray:
    """Return (N,) uint64, equal for equal strings; two different ones agree with probability of about 2^-64."""
    mixed = np.empty(len(strings), np.uint64)
    for start in range(0, len(strings), BLOCK):
        _, offsets, data = strings.slice(start, BLOCK).buffers()
        size = min(BLOCK, len(strings) - start)
        bounds = np.frombuffer(offsets, np.int64)[strings.offset + start :][: size + 1]
        text = np.frombuffer(data or b"", np.uint8)[bounds[0] : bounds[-1]]
        mixed[start : start + size] = _mix(text, bounds - bounds[0])
    return mixed


def _mix(text: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Hash the strings `text[bounds[i] : bounds[i + 1]]`.

    Each is read as little-endian words of 8 bytes, the last one filled up with zeros; a word is mixed in by a
    multiplication and a fold of the high half onto the low half. The length goes in first.
    """
    # Words start at any byte, so the text is copied with room for the last one.
    padded = np.concatenate([text, np.zeros(WORD, np.uint8)])
    words = np.ndarray((len(text) + 1,), "<u8", padded, strides=(1,))
    at, left = bounds[:-1], np.diff(bounds)
    mixed = _fold(words[at] & KEEP.take(left, mode="clip"), left.astype(np.uint64))
    rows = np.flatnonzero(left > WORD)
    while len(rows):
        at, left = at + WORD, left - WORD
        mixed[rows] = _fold(words[at[rows]] & KEEP.take(left[rows], mode="clip"), mixed[rows])
        rows = rows[left[rows] > WORD]
    return mixed


def _fold(words: np.ndarray, mixed: np.ndarray) -> np.ndarray:
    words ^= mixed
    words *= ODD
    words ^= words >> FOLD
    return words

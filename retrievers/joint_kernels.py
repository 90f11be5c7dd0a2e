"""Compiled loops of the joint search: the sparse part of many queries at once, and the exact score of a pair.

A document reads the queries' vocabulary vectors at its k entries. One query at a time this is a gather, a cache miss
for each number; with the queries side by side it is a sum of k rows, which vector units and caches like. A row of 32
queries is one cache line of 16 words: each word holds two fixed-point numbers of 16 bits, and an integer-to-float
conversion of the word itself or of the word shifted left gives 2^16 times the one or the other (see `pack`).

The inner loop is written in LLVM's vector types, as no compiler keeps the sums of such a loop in registers by itself;
LLVM maps them to what the processor has. On one core with AVX-512 it reaches 15 to 18 G multiply-adds a second where
the plain loop reaches 5.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.base import BaseContext
from numba.extending import intrinsic

from retrievers.exact_kernels import dot

# mypy: allow-untyped-defs, allow-untyped-calls

WORDS = 16  # 32-bit words of a row: one cache line
ROW = 2 * WORDS  # queries of a row
UNROLL = 4  # entries a step; the number of entries must be a multiple of it
GROUP = 16  # documents whose sums are turned round together, to be written in whole cache lines
LARGEST = 32767


def pack(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vocabulary vectors fp32 (Q, V) as rows of fixed-point numbers.

    Returns words int32 (ceil(Q / 32), V, 16), the factors fp32 (Q,) that turn converted words into values, and the
    largest errors (Q,) of such a value. Query j < 16 of a row is in the low half of word j, query 16 + j in the high
    half of it. The word as a whole is rounded to the high half's value, so its low bits cost no precision.
    """
    queries, vocabulary = vectors.shape
    largest = np.abs(vectors).max(axis=1, initial=0.0).astype(np.float64)  # (Q,)
    usable = largest > 2.0**-60  # below, a factor may underflow; such a vector counts as error alone
    steps = np.where(usable, largest / LARGEST, 1.0)
    words = np.empty((-(-queries // ROW), vocabulary, WORDS), np.int32)
    for row, start in enumerate(range(0, queries, ROW)):
        part = slice(start, start + ROW)
        scale = np.where(usable[part], 1 / steps[part], 0.0)
        fixed = np.zeros((ROW, vocabulary))
        fixed[: len(scale)] = vectors[part] * scale[:, None]
        low = np.rint(fixed[:WORDS]).astype(np.int64) & 0xFFFF
        high = np.rint(fixed[WORDS:] - low / 65536).astype(np.int64)
        words[row] = (high * 65536 + low).T.astype(np.int32)
    factors = np.where(usable, steps / 65536, 0.0).astype(np.float32)
    return words, factors, np.where(usable, 0.5001 * steps, largest)


@intrinsic
def _add_rows(_: Any, words: Any, entries: Any, weights: Any, sums: Any) -> Any:
    """sums[:16] = sum of weights[e] * float(words[entries[e]] << 16), sums[16:] the same without the shift.

    words int32 (V, 16), entries (n,) unsigned, weights fp32 (n,), n a multiple of UNROLL and not 0, sums fp32 (32,).
    """
    integer, real, index = ir.IntType(32), ir.FloatType(), ir.IntType(64)
    row_type, sum_type = ir.VectorType(integer, WORDS), ir.VectorType(real, WORDS)
    first_lane = ir.Constant(row_type, [integer(0)] * WORDS)
    half = ir.Constant(row_type, [integer(16)] * WORDS)
    zero = ir.Constant(sum_type, [real(0.0)] * WORDS)

    def lower(context: BaseContext, b: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        arrays = [
            context.make_array(kind)(context, b, value) for kind, value in zip(signature.args, arguments, strict=True)
        ]
        rows, places, factors, out = (array.data for array in arrays)
        count = b.extract_value(arrays[1].shape, 0)
        name = f"llvm.fma.v{WORDS}f32"
        fma = b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(sum_type, [sum_type] * 3), name)

        before, loop, after = b.block, b.append_basic_block("rows"), b.append_basic_block("rows.end")
        b.branch(loop)
        b.position_at_end(loop)
        entry = b.phi(index)
        entry.add_incoming(index(0), before)
        totals = [(b.phi(sum_type), b.phi(sum_type)) for _ in range(UNROLL)]
        added = []
        for step, (low, high) in enumerate(totals):
            at = b.add(entry, index(step))
            place = b.zext(b.load(b.gep(places, [at])), index)
            word = b.load(b.bitcast(b.gep(rows, [b.mul(place, index(WORDS))]), row_type.as_pointer()))
            word.align = 4
            lone = b.insert_element(ir.Constant(sum_type, ir.Undefined), b.load(b.gep(factors, [at])), integer(0))
            weight = b.shuffle_vector(lone, ir.Constant(sum_type, ir.Undefined), first_lane)
            added.append(
                (
                    b.call(fma, [b.sitofp(b.shl(word, half), sum_type), weight, low]),
                    b.call(fma, [b.sitofp(word, sum_type), weight, high]),
                )
            )
        following = b.add(entry, index(UNROLL))
        entry.add_incoming(following, loop)
        for total, new in zip(totals, added, strict=True):
            for phi, value in zip(total, new, strict=True):
                phi.add_incoming(zero, before)
                phi.add_incoming(value, loop)
        b.cbranch(b.icmp_unsigned("<", following, count), loop, after)
        b.position_at_end(after)
        for part in range(2):
            total = added[0][part]
            for new in added[1:]:
                total = b.fadd(total, new[part])
            stored = b.store(total, b.bitcast(b.gep(out, [index(part * WORDS)]), sum_type.as_pointer()))
            stored.align = 4
        return context.get_dummy_value()

    return types.void(words, entries, weights, sums), lower


@njit(nogil=True, cache=True)
def add_sparse(words, factors, entries, weights, scores, begin, end):
    """Add the sparse part to the scores (Q, N) of documents begin .. end - 1 of a block.

    words (R, V, 16) and factors (Q,) of `pack`; entries (N, n) unsigned, weights fp32 (N, n), n a multiple of UNROLL.
    """
    queries = len(scores)
    sums = np.empty((GROUP, ROW), np.float32)
    for row in range(len(words)):
        first = row * ROW
        here = min(ROW, queries - first)
        for start in range(begin, end, GROUP):
            group = min(GROUP, end - start)
            for doc in range(group):
                _add_rows(words[row], entries[start + doc], weights[start + doc], sums[doc])  # type: ignore[call-arg]
            for lane in range(here):
                factor = factors[first + lane]
                for doc in range(group):
                    scores[first + lane, start + doc] += factor * sums[doc, lane]


@njit(nogil=True, cache=True)
def as_fp32(halves, patterns, values):
    """fp16 bit patterns uint16 (n,) as fp32: `patterns` uint32 and `values` fp32 are the same memory (n,)."""
    for place in range(halves.size):
        half = np.uint32(halves[place])
        patterns[place] = ((half & np.uint32(0x8000)) << np.uint32(16)) | ((half & np.uint32(0x7FFF)) << np.uint32(13))
    for place in range(halves.size):
        values[place] *= np.float32(2.0**112)  # fp16's exponent is biased by 15, fp32's by 127


@njit(nogil=True, cache=True)
def rescore(dense, vocabulary, vectors, entries, weights, first_row, rows, counts, cursors, scores):
    """Exact joint scores of candidates within one shard: rows first_row .. first_row + len(entries) - 1 of the store.

    The score is `exact_kernels.dot` of the query's dense vector followed by its vocabulary vector at the document's
    entries, with the document's dense vector followed by its weights.
    `dense` (Q, d), `vocabulary` (Q, V) fp32; `vectors` (N, d), `weights` (N, k) bit patterns of fp16, `entries` (N, k);
    `rows`, `counts`, `cursors` and `scores` as in `exact_kernels.rescore`.
    """
    width = dense.shape[1]
    patterns = np.empty(width + entries.shape[1], np.uint32)
    document = patterns.view(np.float32)
    query = np.empty(patterns.size, np.float32)
    end = first_row + len(entries)
    for number in range(len(dense)):
        query[:width] = dense[number]
        place = cursors[number]
        while place < counts[number] and rows[number, place] < end:
            row = rows[number, place] - first_row
            as_fp32(vectors[row], patterns[:width], document[:width])
            as_fp32(weights[row], patterns[width:], document[width:])
            for entry in range(entries.shape[1]):
                query[width + entry] = vocabulary[number, entries[row, entry]]
            scores[number, place] = dot(query, document)
            place += 1
        cursors[number] = place

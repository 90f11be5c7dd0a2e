"""A weighted sum of rows of a table, in LLVM's vector types: the inner loop of the joint search.

A row is one cache line of 32 numbers of 16 bits, one for each of 32 queries; two rows at a time are interleaved and
multiplied by their two weights with the instruction that x86 has for it (two products of 16 bits and their sum in 32
bits, for 16 lanes at once). All sums are of whole numbers, so every machine gets the same bits. No compiler makes this
of a plain loop: on one core with AVX-512 it does 4 times what numba makes of one.
"""

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.base import BaseContext
from numba.extending import intrinsic

LANES = 32  # queries of a row
CHUNK = 32  # rows summed in 32 bits before the sum moves to fp32
UNROLL = 8  # rows a step
LARGEST = 8191  # of a number and of a weight: CHUNK products of them fit into 32 bits

WHOLE, HALF, REAL, INDEX = ir.IntType(32), ir.IntType(16), ir.FloatType(), ir.IntType(64)
ROW, SUMS, REALS = ir.VectorType(HALF, LANES), ir.VectorType(WHOLE, LANES // 2), ir.VectorType(REAL, LANES // 2)

# x86 interleaves within quarters of a vector: the low half of the sums are those of the lanes 0-3 8-11 16-19 24-27
ORDER = [8 * quarter + 4 * half + lane for half in range(2) for quarter in range(4) for lane in range(4)]


def instruction_set() -> str:
    """Which instructions the sums are made of here: avx512, avx2, or plain for those of any machine."""
    features = binding.get_host_cpu_features() if "x86_64" in binding.get_process_triple() else {}
    return "avx512" if features.get("avx512bw") else "avx2" if features.get("avx2") else "plain"


def _lanes(*numbers: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(WHOLE, len(numbers)), [WHOLE(number) for number in numbers])


def _external(b: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Type) -> Any:
    return b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(result, arguments), name)


def _pair_products(b: ir.IRBuilder, left: Any, right: Any, instructions: str) -> Any:
    """left[2 i] right[2 i] + left[2 i + 1] right[2 i + 1] for i < 16: two vectors of 32 x 16 bits -> 16 x 32 bits."""
    if instructions == "avx512":
        return b.call(_external(b, "llvm.x86.avx512.pmaddw.d.512", SUMS, ROW, ROW), [left, right])
    if instructions == "avx2":
        half, result = ir.VectorType(HALF, LANES // 2), ir.VectorType(WHOLE, LANES // 4)
        multiply = _external(b, "llvm.x86.avx2.pmadd.wd", result, half, half)
        low, high = (_lanes(*range(start, start + LANES // 2)) for start in (0, LANES // 2))
        parts = [
            b.call(multiply, [b.shuffle_vector(left, left, part), b.shuffle_vector(right, right, part)])
            for part in (low, high)
        ]
        return b.shuffle_vector(*parts, _lanes(*range(LANES // 2)))
    products = []
    for parity in range(2):
        lanes = _lanes(*range(parity, LANES, 2))
        wide = [b.sext(b.shuffle_vector(vector, vector, lanes), SUMS) for vector in (left, right)]
        products.append(b.mul(*wide))
    return b.add(*products)


def _zero(kind: ir.VectorType) -> ir.Constant:
    return ir.Constant(kind, [kind.element(0)] * kind.count)


def _lower(b: ir.IRBuilder, table: Any, entries: Any, pairs: Any, sums: Any, count: Any, instructions: str) -> None:
    """Emit two loops: over chunks, whose sums move to fp32, and over the rows of a chunk, UNROLL at a time."""
    before = b.block
    chunks, rows, moved, after = (
        b.append_basic_block(f"row_sums.{name}") for name in ("chunks", "rows", "moved", "end")
    )
    b.branch(chunks)

    b.position_at_end(chunks)
    first = b.phi(INDEX)
    totals = [b.phi(REALS), b.phi(REALS)]
    end = b.add(first, INDEX(CHUNK))
    b.branch(rows)

    b.position_at_end(rows)
    at = b.phi(INDEX)
    kept = [(b.phi(SUMS), b.phi(SUMS)) for _ in range(UNROLL // 2)]
    added = []
    for pair, held in enumerate(kept):
        two = []
        for step in (2 * pair, 2 * pair + 1):
            place = b.zext(b.load(b.gep(entries, [b.add(at, INDEX(step))])), INDEX)
            two.append(b.load(b.bitcast(b.gep(table, [b.mul(place, INDEX(LANES))]), ROW.as_pointer()), align=2))
        weights = b.load(b.gep(pairs, [b.add(b.lshr(at, INDEX(1)), INDEX(pair))]))
        lone = b.insert_element(ir.Constant(SUMS, ir.Undefined), weights, WHOLE(0))
        weights = b.bitcast(b.shuffle_vector(lone, lone, _lanes(*[0] * (LANES // 2))), ROW)
        halves = []
        for half, total in enumerate(held):
            lanes = [lane for low in ORDER[16 * half : 16 * half + 16] for lane in (low, LANES + low)]
            products = _pair_products(b, b.shuffle_vector(*two, _lanes(*lanes)), weights, instructions)
            halves.append(b.add(total, products))
        added.append(halves)
    following = b.add(at, INDEX(UNROLL))
    b.cbranch(b.icmp_unsigned("<", following, end), rows, moved)

    b.position_at_end(moved)
    new = []
    for half in range(2):
        whole = added[0][half]
        for other in added[1:]:
            whole = b.add(whole, other[half])
        new.append(b.fadd(totals[half], b.sitofp(whole, REALS)))
    b.cbranch(b.icmp_unsigned("<", end, count), chunks, after)

    first.add_incoming(INDEX(0), before)
    first.add_incoming(end, moved)
    at.add_incoming(first, chunks)
    at.add_incoming(following, rows)
    for half in range(2):
        totals[half].add_incoming(_zero(REALS), before)
        totals[half].add_incoming(new[half], moved)
        for held, values in zip(kept, added, strict=True):
            held[half].add_incoming(_zero(SUMS), chunks)
            held[half].add_incoming(values[half], rows)

    b.position_at_end(after)
    for half in range(2):
        place = b.gep(sums, [INDEX(half * LANES // 2)])
        b.store(new[half], b.bitcast(place, REALS.as_pointer()), align=4)


def row_sums_by(instructions: str) -> Any:
    """The function `row_sums(table, entries, pairs, sums)` for compiled code, made of these instructions.

    sums fp32 (32,) = sum over n of weight[n] * table[entries[n]], exact within each CHUNK and rounded to fp32 there.
    table int16 (V, 32), its lane ORDER[i] is number i of the sums; entries (n,) unsigned, n a positive multiple of
    CHUNK; pairs int32 (n / 2,) are the weights int16 (n,) two by two. No number or weight is beyond +-LARGEST.
    """

    @intrinsic
    def row_sums(_: Any, table: Any, entries: Any, pairs: Any, sums: Any) -> Any:
        def lower(context: BaseContext, b: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            typed = zip(signature.args, arguments, strict=True)
            arrays = [context.make_array(kind)(context, b, value) for kind, value in typed]
            count = b.extract_value(arrays[1].shape, 0)
            table_at, entries_at, pairs_at, sums_at = (array.data for array in arrays)
            _lower(b, table_at, entries_at, pairs_at, sums_at, count, instructions)
            return context.get_dummy_value()

        return types.void(table, entries, pairs, sums), lower

    return row_sums

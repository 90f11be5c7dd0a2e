"""Weighted sums of rows are exact whole numbers, the same by every set of instructions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import binding
from numba import njit

from retrievers.search.row_sums import CHUNK, LANES, LARGEST, ORDER, instruction_set, row_sums_by

SETS = ["plain"] + ["avx2"] * (instruction_set() != "plain") + ["avx512"] * (instruction_set() == "avx512")


def compiled(instructions: str):
    row_sums = row_sums_by(instructions)

    @njit
    def run(table, entries, pairs, sums):
        row_sums(table, entries, pairs, sums)

    return run


RUNS = {name: compiled(name) for name in SETS}


def sums(instructions: str, table: np.ndarray, entries: np.ndarray, weights: np.ndarray) -> np.ndarray:
    found = np.empty(LANES, np.float32)
    RUNS[instructions](table, entries, weights.view(np.int32), found)
    return found


def expected(table: np.ndarray, entries: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Chunk sums in whole numbers, added up in fp32."""
    products = table[entries][:, ORDER].astype(np.int64) * weights[:, None]  # (n, 32)
    total = np.zeros(LANES, np.float32)
    for chunk in products.reshape(-1, CHUNK, LANES).sum(1):
        assert np.abs(chunk).max() < 1 << 31
        total += chunk.astype(np.float32)
    return total


@pytest.mark.parametrize("instructions", SETS)
@pytest.mark.parametrize("kind", [np.uint16, np.uint32])
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), chunks=st.integers(1, 5), vocabulary=st.sampled_from([1, 2, 70, 500]))
def test_sums_of_whole_numbers(instructions: str, kind: type, seed: int, chunks: int, vocabulary: int) -> None:
    draw = np.random.default_rng(seed)
    table = draw.integers(-LARGEST, LARGEST, (vocabulary, LANES), np.int16, endpoint=True)
    entries = draw.integers(0, vocabulary, chunks * CHUNK).astype(kind)
    weights = draw.integers(-LARGEST, LARGEST, chunks * CHUNK, np.int16, endpoint=True)
    assert (sums(instructions, table, entries, weights) == expected(table, entries, weights)).all()


@pytest.mark.parametrize("instructions", SETS)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_numbers_do_not_overflow(instructions: str, sign: int) -> None:
    table = np.full((3, LANES), sign * LARGEST, np.int16)
    weights = np.full(2 * CHUNK, LARGEST, np.int16)
    found = sums(instructions, table, np.zeros(2 * CHUNK, np.uint16), weights)
    assert (found == np.float32(sign * 2 * CHUNK * LARGEST**2)).all()


def test_the_last_entries_of_16_bits_are_not_negative() -> None:
    table = np.zeros((1 << 16, LANES), np.int16)
    table[65535] = 7
    entries = np.full(CHUNK, 65535, np.uint16)
    assert (sums(instruction_set(), table, entries, np.full(CHUNK, 3, np.int16)) == 21 * CHUNK).all()


def test_other_machines_take_the_plain_sums(monkeypatch) -> None:
    monkeypatch.setattr(binding, "get_process_triple", lambda: "aarch64-unknown-linux-gnu")
    assert instruction_set() == "plain"

"""The exact search equals brute force: ids, order and scores, ties at the cut included."""

import tempfile
from fractions import Fraction
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dense.tiny import store
from retrievers.search import device_candidates, exact_search
from retrievers.search.exact_kernels import near_kth
from retrievers.search.exact_margin import norms, sum_slack
from retrievers.search.exact_search import top_k
from retrievers.search.exact_sums import LANES, dot, dot_half, near_dot, near_dot_half, rescore
from retrievers.search.vector_store import VectorStore

PRECISIONS = ["fp32", "bf16", "fp16"]


def brute_force(queries: np.ndarray, vectors: np.ndarray, ids: list[str], k: int) -> list[list[tuple[str, float]]]:
    """Every pair's score as it is defined: exact products, LANES partial sums in fp64, those summed, rounded once."""
    found = []
    for query in queries.astype(np.float64):
        scores = [by_definition(query * vector) for vector in vectors.astype(np.float64)]
        found.append(sorted(zip(ids, scores, strict=True), key=lambda hit: (hit[1], hit[0]), reverse=True)[:k])
    return found


def by_definition(products: np.ndarray) -> float:
    lanes = np.zeros(LANES)
    for begin in range(0, len(products), LANES):
        lanes[: len(products) - begin] += products[begin : begin + LANES]
    return float(np.float32(reduce(add, lanes.tolist(), 0.0)))


def search(queries: np.ndarray, held: VectorStore, k: int, **how: object) -> list[list[tuple[str, float]]]:
    found = top_k(queries, held, k, device="cpu", **how)  # type: ignore[arg-type]
    return [list(zip(held.doc_ids(rows), scores.tolist(), strict=True)) for rows, scores in found]


def random_case(seed: int, docs: int, dim: int, queries: int, dtype: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((docs, dim)).astype(dtype)
    return draw.standard_normal((queries, dim)).astype(np.float32), vectors, [str(n) for n in range(docs)]


@pytest.mark.parametrize("first", [*PRECISIONS, "auto"])
@pytest.mark.parametrize(
    ("docs", "dim", "k", "dtype", "shard_docs"),
    [
        (1500, 48, 10, "float16", 400),
        (1500, 130, 100, "float32", 1500),
        (70, 3, 1, "float32", 7),
        (40, 64, 1000, "float16", 64),
    ],
)
def test_random_vectors(tmp_path, docs: int, dim: int, k: int, dtype: str, shard_docs: int, first: str) -> None:
    queries, vectors, ids = random_case(0, docs, dim, 9, dtype)
    held = store(tmp_path, vectors, ids, shard_docs)
    assert search(queries, held, k, first=first) == brute_force(queries, vectors, ids, k)


@pytest.mark.parametrize("first", PRECISIONS)
def test_near_ties(tmp_path, first: str) -> None:
    """Documents differ by one unit in the last place of one number, far below what half precision can tell apart."""
    queries, vectors, ids = random_case(1, 3000, 32, 5, "float32")
    vectors[:] = vectors[0]
    draw = np.random.default_rng(2)
    places = draw.integers(0, 32, 3000)
    vectors[np.arange(3000), places] = np.nextafter(vectors[np.arange(3000), places], np.inf, dtype=np.float32)
    held = store(tmp_path, vectors, ids, 512)
    assert search(queries, held, 50, first=first) == brute_force(queries, vectors, ids, 50)


@pytest.mark.parametrize("first", PRECISIONS)
def test_equal_documents_are_ordered_by_id_in_bounded_memory(tmp_path, monkeypatch, first: str) -> None:
    made = []
    monkeypatch.setattr(
        exact_search.Candidates, "_make_room", lambda self, at, full=exact_search.Candidates._make_room: (
            made.append(at), full(self, at))[1],
    )  # fmt: skip
    queries, vectors, ids = random_case(3, 4000, 16, 3, "float16")
    vectors[:] = vectors[0]
    held = store(tmp_path, vectors, ids, 512)
    assert search(queries, held, 20, first=first) == brute_force(queries, vectors, ids, 20)
    assert set(made) == {0, 1, 2}


SMALL = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0**-30, 1 + 2.0**-10, 1 + 2.0**-23, -3.0, 2.0**-140, 1e-8, 1000.0])


@settings(deadline=None, max_examples=40)
@given(st.data(), st.integers(1, 5), st.integers(1, 40), st.integers(1, 45), st.sampled_from(PRECISIONS))
def test_any_vectors(data, dim: int, docs: int, k: int, first: str) -> None:
    number = st.lists(SMALL, min_size=dim, max_size=dim)
    vectors = np.array(data.draw(st.lists(number, min_size=docs, max_size=docs)), np.float32)
    queries = np.array(data.draw(st.lists(number, min_size=1, max_size=3)), np.float32)
    ids = [str(n) for n in range(docs)]
    with tempfile.TemporaryDirectory() as folder:
        held = store(Path(folder), vectors, ids, 16)
        expected = brute_force(queries, vectors, ids, k)
        if held.norm * np.linalg.norm(queries, axis=1).max() < 30_000:
            assert search(queries, held, k, first=first) == expected
        assert search(queries, held, k) == expected


def test_a_score_is_a_function_of_the_pair_alone(tmp_path, monkeypatch) -> None:
    queries, vectors, ids = random_case(4, 900, 100, 12, "float16")
    whole = search(queries, store(tmp_path / "a", vectors, ids, 900), 60)
    monkeypatch.setattr(exact_search, "BLOCK_DOCS", 33)
    monkeypatch.setattr(exact_search, "TILE_QUERIES", 5)
    monkeypatch.setattr(exact_search, "CANDIDATE_BYTES", 4000)
    small = store(tmp_path / "b", vectors, ids, 100)
    assert search(queries, small, 60, threads=3) == whole
    assert [hit for query in queries for hit in search(query[None], small, 60)] == whole


@given(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=150))
@settings(deadline=None, max_examples=60)
def test_the_exact_score_is_the_rounded_sum(pairs: list[tuple[float, float]]) -> None:
    query, vector = np.array(pairs, np.float32).T.copy()
    exact = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(query, vector, strict=True))
    size = sum(abs(Fraction(float(a)) * Fraction(float(b))) for a, b in zip(query, vector, strict=True))
    bound = abs(exact) * Fraction(2) ** -24 + size * Fraction(2) ** -44 + Fraction(2) ** -149
    lanes = np.empty(LANES)
    assert abs(Fraction(float(dot(query, vector, lanes))) - exact) <= bound
    halves = vector.astype(np.float16)
    found = dot_half(query, halves.view(np.int16), lanes)
    assert found == dot(query, halves.astype(np.float32), lanes)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_sum_in_any_order_gives_the_score_of_the_fixed_order(dtype: type) -> None:
    draw = np.random.default_rng(5)
    queries = draw.standard_normal((40, 200)).astype(np.float32)
    vectors = draw.standard_normal((300, 200)).astype(dtype)
    queries[:, 0], vectors[:, 0] = 1.0, 1.0
    queries[::2, 1:], vectors[::2, 1:] = 0.0, 0.0
    queries[::2, 1:3], vectors[::2, 1:3] = 2.0**-12, 2.0**-12  # 1 + 2^-23, and below
    queries[::4, 2] = 0.0  # 1 + 2^-24, halfway between two fp32 numbers
    queries[3], vectors[7] = 0.0, 0.0
    queries[5, :2], vectors[5::4, :2] = (1.0, -1.0), 1.0  # what cancels
    queries[5, 2:] = 0.0
    bits = vectors.view(np.int16) if dtype is np.float16 else vectors
    rows = np.tile(np.arange(300, dtype=np.int32), (40, 1))
    counts, cursors, scores = np.full(40, 300), np.zeros(40, np.int64), np.empty((40, 300), np.float32)
    rescore(queries, bits, 0, rows, counts, cursors, scores, sum_slack(queries, float(norms(vectors).max())))
    lanes = np.empty(LANES)
    fixed = [[(dot_half if dtype is np.float16 else dot)(query, row, lanes) for row in bits] for query in queries]
    assert scores.tobytes() == np.array(fixed, np.float32).tobytes()
    any_order = [
        [(near_dot_half if dtype is np.float16 else near_dot)(query, row) for row in bits] for query in queries
    ]
    assert np.abs(any_order - queries.astype(np.float64) @ vectors.astype(np.float64).T).max() < 1e-12


@given(st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 3), min_size=1, max_size=300), st.data())
@settings(deadline=None)
def test_a_key_close_below_the_kth(numbers: list[int], data) -> None:
    k = data.draw(st.integers(1, len(numbers)))
    low = near_kth(np.array(numbers, np.int32), k)
    between = sum(low <= number for number in numbers) - k
    assert low <= sorted(numbers)[-k]
    assert between <= max(k / 32, sum(number == sorted(numbers)[-k] for number in numbers))


@pytest.mark.parametrize("first", PRECISIONS)
@pytest.mark.parametrize("equal", [False, True])
def test_candidates_by_top_k_with_a_certificate(tmp_path, first: str, equal: bool) -> None:
    queries, vectors, ids = random_case(5, 2000, 24, 6, "float16")
    if equal:
        vectors[100:1900] = vectors[0]
    held = store(tmp_path, vectors, ids, 256)
    rows, counts = device_candidates.collect(queries, held, 30, torch.device("cpu"), first)
    for query, expected in enumerate(brute_force(queries, vectors, ids, 30)):
        assert {doc_id for doc_id, _ in expected} <= set(held.doc_ids(rows[query, : counts[query]]))
        assert (np.diff(rows[query, : counts[query]]) > 0).all()


@pytest.mark.parametrize(("docs", "queries"), [(0, 3), (5, 0), (0, 0)])
def test_nothing_to_find(tmp_path, docs: int, queries: int) -> None:
    _, vectors, ids = random_case(6, docs, 4, 1, "float32")
    assert search(np.zeros((queries, 4), np.float32), store(tmp_path, vectors, ids, 8), 3) in ([[]] * queries, [])


def test_what_cannot_be_searched(tmp_path) -> None:
    queries, vectors, ids = random_case(7, 20, 4, 2, "float32")
    held = store(tmp_path / "a", vectors, ids, 8)
    with pytest.raises(ValueError, match="holds vectors of 4 dimensions, the queries have 5"):
        top_k(np.zeros((1, 5), np.float32), held, 3)
    with pytest.raises(ValueError, match="k is 0"):
        top_k(queries, held, 0)
    long = store(tmp_path / "b", vectors * np.float32(1e20), ids, 8)
    with pytest.raises(ValueError, match="overflow fp32 scores: normalise"):
        search(queries * np.float32(1e20), long, 3)


def test_the_process_settings_are_left_alone(tmp_path) -> None:
    queries, vectors, ids = random_case(8, 50, 4, 2, "float32")
    torch.set_float32_matmul_precision("medium")
    try:
        found = search(queries, store(tmp_path, vectors, ids, 8), 5)
        assert torch.get_float32_matmul_precision() == "medium"
        assert found == brute_force(queries, vectors, ids, 5)
    finally:
        torch.set_float32_matmul_precision("highest")

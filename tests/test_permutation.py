"""The permutation test: counted out where it can be, never less than it should, the same in any company."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness import results
from harness.leaderboard import build
from harness.statistics.permutation import permutation

COMMITTED = Path(__file__).parents[1] / "results"


def pairs(queries: int, count: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    first = np.round(generator.beta(0.6, 0.5, (queries, count)), 4)
    return first, np.clip(np.round(first - shift + generator.normal(0, 0.2, first.shape), 4), 0, 1)


def of(first: np.ndarray, second: np.ndarray, **options: int) -> np.ndarray:
    count = first.shape[1]
    return permutation(np.hstack([first, second]), range(count), range(count, 2 * count), **{"seed": 9, **options})[0]


def enumerated(differences: np.ndarray) -> float:
    """The exact sign-flip p by brute force, sums compared with a tolerance."""
    seen = abs(differences.sum())
    signs = np.array(list(itertools.product([1, -1], repeat=len(differences))))
    return float((np.abs(signs @ differences) >= seen - 1e-9).mean())


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_few_queries_are_counted_out_exactly(tenths: list[int]) -> None:
    # Tenths make many sums equal on paper and unequal in floating point: 0.1 + 0.2 against 0.3.
    differences = np.array(tenths)[:, None] / 10
    assert of(differences, np.zeros_like(differences))[0] == enumerated(differences[:, 0])


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([0.1] * 32, 2.0**-31),
        ([0.1] * 31 + [-0.1], 2 * 33 / 2**32),  # 32 patterns with one minus, and the one without
        ([0.1] * 20 + [0.0] * 400, 2.0**-19),  # queries that do not differ do not count
        ([0.1] * 20 + [1e-11] * 400, 2.0**-19),  # neither does rounding
        ([1e-11] * 40, 1.0),
        ([0.0] * 500, 1.0),
        ([0.3] * 500, 2 * np.exp(-250)),  # Hoeffding's bound; 2**-499 is the truth
    ],
)
def test_p_that_is_known(differences: list[float], expected: float) -> None:
    column = np.array(differences)[:, None]
    p, error = permutation(np.hstack([0.5 + column, np.full_like(column, 0.5)]), [0], [1], seed=1)
    assert p[0] == pytest.approx(expected, rel=1e-9) and error[0] == 0


@pytest.mark.parametrize("queries", [3, 8, 16])
def test_halves_put_together_are_the_whole(queries: int) -> None:
    differences = np.random.default_rng(queries).normal(0.1, 0.2, (queries, 1))
    assert of(differences, np.zeros_like(differences))[0] == enumerated(differences[:, 0])


@pytest.mark.parametrize("enough", [500, 10**9])
def test_it_agrees_with_scipy_within_its_own_error(enough: int) -> None:
    first, second = pairs(80, 3, 0.03)
    scores, draws = np.hstack([first, second]), 20_000
    ours, error = permutation(scores, [0, 1, 2], [3, 4, 5], 5, draws, enough)
    for column in range(3):
        theirs = stats.permutation_test(
            (first[:, column], second[:, column]),
            lambda a, b, axis: np.mean(a - b, axis=axis),
            permutation_type="samples", vectorized=True, n_resamples=draws, rng=np.random.default_rng(3), batch=2000,
        ).pvalue  # fmt: skip
        spread = np.hypot(error[column], np.sqrt(theirs * (1 - theirs) / draws))
        assert 0 < error[column] < 0.05
        assert abs(ours[column] - theirs) < 4 * spread + 2 / draws


def test_a_pair_has_the_same_p_alone_and_among_others_and_turned_round() -> None:
    first, second = pairs(150, 5, 0.02)
    options = {"draws": 30_000, "enough": 2_000}
    together = of(first, second, **options)
    alone = [of(first[:, [i]], second[:, [i]], **options)[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, of(second, first, **options))


def test_drawing_stops_at_the_draw_that_settles_a_pair() -> None:
    first, second = pairs(50, 2, 0.0)
    every, some = (of(first, second, draws=50_000, enough=enough) for enough in (10**9, 400))
    for p in some:
        assert 400 / p == pytest.approx(round(400 / p))  # a whole number of draws, not of blocks
    np.testing.assert_allclose(some, every, rtol=4 * 0.05)


def test_the_same_seed_gives_the_same_bits_on_one_and_two_threads() -> None:
    code = (
        "import numpy as np; from harness.statistics.permutation import permutation;"
        "a = np.random.default_rng(0).beta(.5, .5, (3001, 8));"
        "print(permutation(a, [0] * 7, range(1, 8), 11, 9000)[0].tobytes().hex())"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | dict.fromkeys(names, threads),
            check=True, capture_output=True, text=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1 and len(printed.pop()) > 100


def test_the_committed_table_has_the_verdicts_of_many_draws() -> None:
    board = build(results.read(COMMITTED)[0], "ndcg@10", test="permutation")
    found = {(c.dataset, c.first, c.second): c for c in board.family}
    near = found["cystic-fibrosis", "bm25", "rrf"]
    assert near.p == pytest.approx(0.00048, rel=0.03) and not near.significant  # its step of Holm ends at 0.00044
    assert all(one.error <= 0.021 * one.p for one in board.family if one.p > 0.00025)  # draws are at most ten million


def test_p_depends_on_neither_the_company_nor_alpha() -> None:
    found = results.read(COMMITTED)[0]
    small = build(results.select(found, ["cacm"], ["bm25", "rrf"]), "ndcg@10", test="permutation", alpha=0.001)
    large = build(results.select(found, ["cacm", "cisi"]), "ndcg@10", "bm25", "permutation")
    [one] = small.family
    [same] = [c for c in large.family if (c.dataset, c.first) == ("cacm", "rrf")]
    assert (one.p, one.error) == (same.p, same.error) and one.error > 0


def test_a_few_draws_say_that_they_are_few() -> None:
    first, second = pairs(50, 1, 0.09)
    p, error = permutation(np.hstack([first, second]), [0], [1], seed=1, draws=999)
    assert p[0] >= 1 / 1000 and error[0] > 0.2 * p[0]

"""Paired tests against scipy, corrections against the definitions, and the cases where a textbook formula breaks."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from harness.errors import HarnessError
from harness.statistics import significance
from harness.statistics.fixed_point import fixed_point, seed
from harness.statistics.significance import correct, effect_size, p_values, rounds_for


def pairs(queries: int, count: int, shift: float = 0.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    first = np.round(generator.beta(0.6, 0.5, (queries, count)), 4)
    return first, np.clip(np.round(first - shift + generator.normal(0, 0.2, first.shape), 4), 0, 1)


def paired_t(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    count = first.shape[1]
    return significance.paired_t(np.hstack([first, second]), range(count), range(count, 2 * count))


def permutation(first: np.ndarray, second: np.ndarray, seed: int, rounds: int = 10_000) -> np.ndarray:
    count = first.shape[1]
    return significance.permutation(np.hstack([first, second]), range(count), range(count, 2 * count), seed, rounds)


def test_paired_t_equals_scipy_for_every_pair() -> None:
    first, second = pairs(300, 6, 0.02)
    np.testing.assert_allclose(paired_t(first, second), stats.ttest_rel(first, second).pvalue, rtol=1e-12)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], 1.0),  # two identical runs: scipy and ranx say NaN
        ([0.1, 0.1, 0.1, 0.1], 2 / 16),  # no variance: scipy says 0
        ([0.3 - 0.2, 0.4 - 0.3, 0.5 - 0.4, 0.1], 2 / 16),  # the same, with the noise of floating point
        ([0.4], 1.0),  # one query proves nothing
        ([0.1, 0.1], 0.5),
    ],
)
def test_paired_t_where_t_is_not_defined(differences: list[float], expected: float) -> None:
    first = np.array(differences)[:, None]
    assert paired_t(first, np.zeros_like(first))[0] == expected


def test_the_degenerate_pairs_do_not_disturb_their_neighbours() -> None:
    first, second = pairs(50, 3, 0.1)
    second[:, 1] = first[:, 1]
    p = paired_t(first, second)
    assert p[1] == 1
    np.testing.assert_allclose(p[[0, 2]], stats.ttest_rel(first, second).pvalue[[0, 2]], rtol=1e-12)


def enumerated(differences: np.ndarray) -> float:
    """The exact sign-flip p by brute force, sums compared with a tolerance."""
    seen = abs(differences.sum())
    signs = itertools.product([1, -1], repeat=len(differences))
    return float(np.mean([abs(np.dot(sign, differences)) >= seen - 1e-9 for sign in signs]))


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_few_queries_are_counted_out_exactly(tenths: list[int]) -> None:
    # Tenths make many sums equal on paper and unequal in floating point: 0.1 + 0.2 against 0.3.
    differences = np.array(tenths)[:, None] / 10
    p = permutation(differences, np.zeros_like(differences), seed=1)[0]
    assert p == enumerated(differences[:, 0])


def test_permutation_agrees_with_scipy_within_monte_carlo_error() -> None:
    first, second = pairs(80, 3, 0.03)
    rounds = 20_000
    ours = permutation(first, second, seed=5, rounds=rounds)
    for column in range(3):
        theirs = stats.permutation_test(
            (first[:, column], second[:, column]),
            lambda a, b, axis: np.mean(a - b, axis=axis),
            permutation_type="samples", vectorized=True, n_resamples=rounds, rng=np.random.default_rng(3), batch=2000,
        ).pvalue  # fmt: skip
        spread = np.sqrt(2 * theirs * (1 - theirs) / rounds)
        assert abs(ours[column] - theirs) < 4 * spread + 2 / rounds


def test_permutation_is_never_zero_and_one_for_equal_systems() -> None:
    first = np.ones((500, 2)) * np.linspace(0.5, 1, 500)[:, None]
    second = first.copy()
    second[:, 1] -= 0.3
    np.testing.assert_array_equal(permutation(first, second, seed=1, rounds=999), [1.0, 1 / 1000])


def test_a_pair_has_the_same_p_alone_and_among_others_and_turned_round() -> None:
    first, second = pairs(150, 5, 0.02)
    together = permutation(first, second, seed=9, rounds=3000)
    alone = [permutation(first[:, [i]], second[:, [i]], seed=9, rounds=3000)[0] for i in range(5)]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, permutation(second, first, seed=9, rounds=3000))


def test_blocks_bound_the_memory_and_leave_p_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pairs(101, 2, 0.02)
    whole = permutation(first, second, seed=2, rounds=1000)
    monkeypatch.setattr("harness.statistics.significance.BLOCK_BYTES", 101 * 8 * 7)
    np.testing.assert_array_equal(permutation(first, second, seed=2, rounds=1000), whole)


def test_the_same_seed_gives_the_same_bits_on_one_and_two_threads() -> None:
    code = (
        "import numpy as np; from harness.statistics.significance import p_values;"
        "from harness.statistics.intervals import bootstrap;"
        "a = np.random.default_rng(0).beta(.5, .5, (3001, 8));"
        "print(p_values(a, [0] * 7, range(1, 8), 'permutation', 11, 4000).tobytes().hex(),"
        " bootstrap(a, 11, 200).tobytes().hex())"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | dict.fromkeys(names, threads),
            check=True, capture_output=True, text=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1 and len(printed.pop()) > 300


@given(st.permutations(range(40)))
@settings(max_examples=25, deadline=None)
def test_sums_in_fixed_point_do_not_depend_on_the_order(order: list[int]) -> None:
    values = np.random.default_rng(4).normal(size=(40, 1)) * 1e3
    whole, scale = fixed_point(values)
    assert np.add.reduce(whole[order]) == np.add.reduce(whole)
    assert np.cumsum(whole[order])[-1] == whole.sum()
    np.testing.assert_allclose(whole / scale, values, rtol=0, atol=0.5 / scale)
    assert np.abs(whole).max() * len(values) <= 2**53


def test_a_seed_is_made_from_content() -> None:
    assert seed("ndcg@10", "scifact", ["1", "2"]) == seed("ndcg@10", "scifact", ["1", "2"])
    assert seed("ndcg@10", "scifact", ["1", "2"]) != seed("ndcg@10", "scifact", ["12"])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("bonferroni", [0.04, 0.16, 0.12, 0.02]),
        ("holm", [0.03, 0.06, 0.06, 0.02]),  # .005*4, .01*3, .03*2, .04*1, then never below the one before
        ("bh", [0.02, 0.04, 0.04, 0.02]),  # .04*4/4, .03*4/3, .01*4/2, .005*4/1, then never above the one after
    ],
)
def test_corrections_by_hand(method: str, expected: list[float]) -> None:
    np.testing.assert_allclose(correct(np.array([0.01, 0.04, 0.03, 0.005]), method), expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.sampled_from(["holm", "bonferroni", "bh"]))
def test_corrections_are_those_of_statsmodels(p: list[float], method: str) -> None:
    known = multipletests(p, method={"bh": "fdr_bh"}.get(method, method))[1]
    assert correct(np.array(p), method).tolist() == known.tolist()


def test_no_comparison_needs_no_correction() -> None:
    assert correct(np.array([]), "holm").shape == (0,)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(HarnessError, match="did you mean 'holm'"):
        correct(np.array([0.5]), "holms")
    with pytest.raises(HarnessError, match="did you mean 'permutation'"):
        p_values(np.zeros((2, 2)), [0], [1], "permutations", 0, 1)


@pytest.mark.parametrize(("family", "alpha"), [(1, 0.05), (66, 0.05), (1188, 0.01)])
def test_enough_rounds_for_the_family(family: int, alpha: float) -> None:
    assert family / (rounds_for(family, alpha) + 1) <= alpha / 2


def test_effect_sizes() -> None:
    differences = np.array([[0.1, 0.0, 0.2], [0.3, 0.0, 0.2], [0.2, 0.0, 0.2]])
    np.testing.assert_allclose(effect_size(differences), [2.0, 0.0, np.inf])
    np.testing.assert_array_equal(effect_size(-differences), -effect_size(differences))
    np.testing.assert_array_equal(effect_size(np.array([[-0.1, 0.0]])), [-np.inf, 0.0])

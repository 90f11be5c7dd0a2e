"""The t-test against scipy, corrections against the definitions, and the cases where a textbook formula breaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from harness.errors import HarnessError
from harness.statistics import significance
from harness.statistics.fixed_point import fixed_point, seed
from harness.statistics.significance import correct, effect_size, p_values


def pairs(queries: int, count: int, shift: float = 0.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    first = np.round(generator.beta(0.6, 0.5, (queries, count)), 4)
    return first, np.clip(np.round(first - shift + generator.normal(0, 0.2, first.shape), 4), 0, 1)


def paired_t(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    count = first.shape[1]
    return significance.paired_t(np.hstack([first, second]), range(count), range(count, 2 * count))


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
        ([0.1, 0.1 + 1e-11, 0.1, 0.1], 2 / 16),  # nearly constant: t would say 2e-33
        ([1e-10, 3e-10, 2e-10, 2e-10], 1.0),  # ties by the tolerance of wins and losses
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
        p_values(np.zeros((2, 2)), [0], [1], "permutations", 0)


def test_effect_sizes() -> None:
    differences = np.array([[0.1, 0.0, 0.2], [0.3, 0.0, 0.2], [0.2, 0.0, 0.2]])
    np.testing.assert_allclose(effect_size(differences), [2.0, 0.0, np.inf])
    np.testing.assert_array_equal(effect_size(-differences), -effect_size(differences))
    np.testing.assert_array_equal(effect_size(np.array([[-0.1, 0.0]])), [np.nan, np.nan])  # one query has no spread
    assert effect_size(np.array([[0.1], [0.1 + 1e-11]])) == np.inf
    assert effect_size(np.array([[1e-10], [3e-10]])) == 0

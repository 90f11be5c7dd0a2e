"""Tests over datasets: against scipy, against Demšar's printed example, and with ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.across_datasets import (
    critical_difference,
    friedman,
    mean_ranks,
    over_datasets,
    studentised_range,
    wilcoxon,
    wins_ties_losses,
)

# Demšar (2006), table 6: AUC of C4.5 with four settings on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ]
)  # fmt: skip


def test_demsars_example() -> None:
    np.testing.assert_allclose(mean_ranks(DEMSAR), [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert critical_difference(4, 14, 0.05) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)
    found = stats.friedmanchisquare(*DEMSAR.T)
    assert friedman(DEMSAR) == pytest.approx((found.statistic, found.pvalue))
    # Demšar prints 9.28 without the correction for ties: one row of 4 equal values and three of 2.
    assert friedman(DEMSAR)[0] * (1 - (60 + 3 * 6) / (14 * 60)) == pytest.approx(9.28, abs=0.005)


@pytest.mark.parametrize(
    ("systems", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (8, 3.031), (10, 3.164)]
)
def test_critical_values_are_those_of_demsars_table_5(systems: int, q: float) -> None:
    assert critical_difference(systems, 1, 0.05) / np.sqrt(systems * (systems + 1) / 6) == pytest.approx(q, abs=1e-3)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0.5, 0.4, 0.3], [0.4, 0.4, 0.6], (1, 1, 1)),
        ([0.1 + 0.2], [0.3], (0, 1, 0)),  # noise of floating point is a tie
        ([0.5, 0.5], [0.4, 0.4], (2, 0, 0)),
    ],
)
def test_wins_ties_losses(first: list[float], second: list[float], expected: tuple[int, int, int]) -> None:
    assert wins_ties_losses(np.array(first), np.array(second)) == expected


def test_wilcoxon_equals_scipy_and_knows_its_direction() -> None:
    first, second = DEMSAR[:, 0], DEMSAR[:, 1]
    lead, p = wilcoxon(second, first)
    differences = np.round(second - first, 9)
    assert p == stats.wilcoxon(differences[differences != 0]).pvalue
    assert lead > 0
    assert wilcoxon(first, second) == (-lead, p)


@pytest.mark.parametrize(
    ("differences", "lead", "p"),
    [
        ([0.0, 0.0, 0.0], 0.0, 1.0),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1.0, 2 / 32),  # five datasets can't reach .05
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 1.0, 2 / 64),
        ([0.1, 0.1, 0.1, -0.1], 0.5, 10 / 16),
    ],
)
def test_wilcoxon_by_hand(differences: list[float], lead: float, p: float) -> None:
    assert wilcoxon(np.array(differences) + 0.3, np.full(len(differences), 0.3)) == pytest.approx((lead, p))


def test_equal_systems_have_no_friedman_statistic() -> None:
    assert friedman(np.full((5, 3), 0.5)) == (0.0, 1.0)


def test_over_datasets_corrects_all_pairs_as_one_family() -> None:
    generator = np.random.default_rng(0)
    base = generator.random((18, 1))
    values = base + np.array([0.0, 0.001, 0.1]) + generator.normal(0, 0.01, (18, 3))
    over = over_datasets([f"d{i}" for i in range(18)], ["a", "b", "c"], values, "holm", 0.05)
    assert [(pair.first, pair.second, pair.significant) for pair in over.pairs] == [
        ("a", "b", False), ("a", "c", True), ("b", "c", True),
    ]  # fmt: skip
    assert all(pair.lead < 0 and pair.losses == 18 for pair in over.pairs[1:])
    raw = sorted(pair.p for pair in over.pairs)
    assert min(pair.corrected for pair in over.pairs) == pytest.approx(3 * raw[0])
    assert over.mean_ranks[2] == 1
    assert over.critical_difference == critical_difference(3, 18, 0.05)


def test_two_systems_have_a_wilcoxon_test_and_no_friedman() -> None:
    over = over_datasets(["x", "y"], ["a", "b"], np.array([[0.1, 0.2], [0.3, 0.2]]), "holm", 0.05)
    assert (over.friedman, over.critical_difference) == (None, None)
    assert (over.pairs[0].wins, over.pairs[0].losses) == (1, 1)
    assert over.pairs[0].turned().turned() == over.pairs[0]


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        # Sixteen equal gains and one equal loss: of 2**17 patterns 1 has no minus and 17 have one, on either side.
        ([0.1] * 16 + [-0.1], 2 * 18 / 2**17),
        ([0.1] * 20, 2.0**-19),
        ([0.1 + 1e-12 * n for n in range(15)] + [-0.1], 2 * 17 / 2**16),  # ties but for rounding
        ([0.1] * 16 + [-0.1] + [5e-10, -8e-10], 2 * 18 / 2**17),  # ties of wins and losses are no differences here
    ],
)
def test_wilcoxon_is_exact_with_ties_however_many_datasets(differences: list[float], p: float) -> None:
    assert wilcoxon(np.array(differences), np.zeros(len(differences)))[1] == pytest.approx(p)


@pytest.mark.parametrize("count", [1, 2, 5, 13, 40])
def test_wilcoxon_without_ties_is_scipys_exact_test(count: int) -> None:
    differences = np.random.default_rng(count).normal(0.2, 1, count)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert wilcoxon(differences, np.zeros(count))[1] == pytest.approx(expected, rel=1e-12)


def test_one_tolerance_for_ranks_and_for_wins() -> None:
    close = np.array([[0.4999999995, 0.5000000003, 0.1], [0.2, 0.3, 0.1]])  # 0.8e-9 apart, on two sides of a rounding
    np.testing.assert_allclose(mean_ranks(close), [1.75, 1.25, 3])
    assert wins_ties_losses(close[:, 0], close[:, 1]) == (0, 1, 1)


@pytest.mark.parametrize("count", [3, 4, 8, 30])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_the_studentised_range_is_that_of_scipy(count: int, alpha: float) -> None:
    expected = stats.studentized_range.ppf(1 - alpha, count, np.inf)
    assert studentised_range(1 - alpha, count) == pytest.approx(expected, abs=1e-11)


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=9))
def test_friedman_is_that_of_scipy_with_any_ties(rows: list[list[int]]) -> None:
    values = np.array(rows, dtype=float)
    if any(len(set(row)) > 1 for row in rows):
        expected = stats.friedmanchisquare(*values.T)
        assert friedman(values) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-12, abs=1e-12)

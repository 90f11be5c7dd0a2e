"""Power, equivalence: what statsmodels has is what it gives here; the rest by simulation."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from harness.statistics.equivalence import equivalence_p
from harness.statistics.power import detectable, noncentrality, queries_needed


@pytest.mark.parametrize("n", [2, 3, 10, 52, 300, 6980])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 196])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_the_detectable_difference_is_that_of_statsmodels(n: int, alpha: float, power: float) -> None:
    size = detectable(np.array([1.0]), n, alpha, power)[0]
    # theirs is not a number where the other tail is too small to be told from 0, so that tail is left out of both
    theirs = TTestPower().power(size, n, alpha, alternative="two-sided")
    assert math.isnan(theirs) or theirs == pytest.approx(power, abs=2e-5)
    one_sided = TTestPower().power(size, n, alpha / 2, alternative="larger")
    assert one_sided == pytest.approx(power, abs=1e-3)


@pytest.mark.parametrize("size", [0.02, 0.1, 0.3, 0.8, -0.3])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_queries_needed_are_those_of_statsmodels(size: float, alpha: float) -> None:
    theirs = TTestPower().solve_power(abs(size), alpha=alpha, power=0.8)
    ours = queries_needed(size, alpha)
    assert ours is not None and abs(ours - math.ceil(theirs)) <= max(1, 1e-5 * theirs)


def test_no_difference_needs_no_number_of_queries() -> None:
    assert queries_needed(0.0, 0.05) is None and queries_needed(math.nan, 0.05) is None
    assert queries_needed(1e-9, 0.05) is None
    assert queries_needed(math.inf, 0.05) == 2
    assert np.isnan(detectable(np.array([0.1]), 1, 0.05)).all()


def test_large_samples_meet_the_normal_distribution() -> None:
    assert noncentrality(10_001, 0.05, 0.8) == pytest.approx(noncentrality(9_999, 0.05, 0.8), abs=1e-3)
    assert noncentrality(1e9, 0.05, 0.8) == pytest.approx(2.8016, abs=1e-3)


def test_a_detectable_difference_is_found_four_times_of_five() -> None:
    from scipy import stats

    generator = np.random.default_rng(3)
    shift = detectable(np.array([0.2]), 52, 0.05)[0]
    p = stats.ttest_1samp(generator.normal(shift, 0.2, (4000, 52)), 0, axis=1).pvalue
    assert (p <= 0.05).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("shift", [-0.15, 0.0, 0.003, 0.04])
def test_two_one_sided_tests_are_those_of_statsmodels(margin: float, shift: float) -> None:
    differences = np.random.default_rng(5).normal(shift, 0.1, (80, 3))
    theirs = [ttost_paired(column, np.zeros(80), -margin, margin)[0] for column in differences.T]
    np.testing.assert_allclose(equivalence_p(differences, margin), theirs, rtol=1e-9)


@pytest.mark.parametrize(
    ("difference", "n", "margin", "expected"),
    [
        (0.0, 300, 0.01, 2.0**-300),
        (0.005, 5, 0.01, 2.0**-5),
        (0.01, 300, 0.01, 1.0),  # at the margin is not inside
        (0.5, 300, 0.01, 1.0),
        (0.0, 1, 0.01, 1.0),
    ],
)
def test_differences_without_spread(difference: float, n: int, margin: float, expected: float) -> None:
    assert equivalence_p(np.full((n, 1), difference), margin)[0] == expected


def test_systems_at_the_margin_are_called_equal_no_more_often_than_alpha() -> None:
    draws = np.random.default_rng(6).normal(0.05, 0.1, (60, 5000))
    assert (equivalence_p(draws, 0.05) <= 0.05).mean() == pytest.approx(0.05, abs=0.01)


def test_large_effects_need_what_simulation_says() -> None:
    """statsmodels' solver says 5 here, where the power is .35: it stops at a root that is none."""
    generator = np.random.default_rng(1)
    x = generator.normal(3, 1, (20_000, 7))
    found = np.abs(x.mean(axis=1) / x.std(axis=1, ddof=1) * math.sqrt(7)) > 5.9588  # t, 6 degrees, .001 two-sided
    assert queries_needed(3.0, 0.001) == 7 and found.mean() > 0.8

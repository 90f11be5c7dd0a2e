"""The average over datasets, tested for these datasets: against scipy, by enumeration, by simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.statistics import macro_average
from harness.statistics.max_t import DRAWS, Block, max_t
from harness.statistics.permutation import permutation


def strata(sizes: tuple[int, ...], systems: int = 2, seed: int = 0, shift: float = 0.0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    found = [generator.beta(0.8, 0.6, (n, 1)) + generator.normal(0, 0.1, (n, systems)) for n in sizes]
    for scores in found:
        scores[:, 0] += shift
    return [np.clip(scores, 0, 1) for scores in found]


def averages(scores: list[np.ndarray]) -> np.ndarray:
    return np.mean([one.mean(axis=0) for one in scores], axis=0)


def drawn(scores: list[np.ndarray], weights: list[float], seed: int, draws: int = DRAWS) -> tuple[float, float]:
    """p of the first two systems' averages, and its standard error, as `these_datasets` asks for them."""
    found = max_t([Block(macro_average.stacked(scores, weights), [0], [1], seed)], draws)
    return float(found.p[0]), float(found.p_error[0])


def test_one_dataset_is_the_permutation_test() -> None:
    [scores] = strata((40,), shift=0.02)
    p, error = drawn([scores], [1.0], 7)
    [alone], [of_alone] = permutation(scores, [0], [1], 7)
    assert abs(p - alone) < 4 * np.hypot(error, of_alone)


def test_sums_of_the_stacked_scores_are_the_averages() -> None:
    scores = strata((5, 90, 30), 4)
    sums = macro_average.stacked(scores, [1 / 3] * 3).sum(axis=0)
    np.testing.assert_allclose(sums / sums[0], averages(scores) / averages(scores)[0])
    assert max(one.max() for one in scores) <= 1 >= macro_average.stacked(scores, [1 / 3] * 3).max()


def test_few_queries_have_the_p_of_all_flips_with_the_weights_of_their_datasets() -> None:
    scores, weights = strata((3, 8), seed=3, shift=0.04), [0.5, 0.5]
    differences = np.concatenate([(one[:, 0] - one[:, 1]) / len(one) / 2 for one in scores])
    signs = np.array(list(itertools.product([1, -1], repeat=11)))
    expected = (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12).mean()
    p, error = drawn(scores, weights, 1)
    assert abs(p - expected) < 4 * error


def test_it_agrees_with_scipy() -> None:
    scores, draws = strata((50, 120, 80), seed=1, shift=0.006), 20_000
    weight = np.concatenate([np.full(len(one), 1 / len(one) / 3) for one in scores])
    first, second = np.concatenate(scores).T
    theirs = stats.permutation_test(
        (first, second),
        lambda a, b, axis: ((a - b) * weight).sum(axis=axis),
        permutation_type="samples", vectorized=True, n_resamples=draws, rng=np.random.default_rng(3), batch=2000,
    ).pvalue  # fmt: skip
    p, error = drawn(scores, [1 / 3] * 3, 5)
    assert abs(p - theirs) < 4 * np.hypot(error, np.sqrt(theirs * (1 - theirs) / draws))


def test_one_dataset_has_the_error_and_the_freedom_of_the_paired_t_test() -> None:
    [scores] = strata((40,))
    [error], [freedom] = macro_average.standard_errors([scores], [1.0], [0], [1])
    assert error == pytest.approx(stats.sem(scores[:, 0] - scores[:, 1])) and freedom == pytest.approx(39)


def test_an_average_of_two_has_the_error_and_the_freedom_of_welch() -> None:
    scores = strata((12, 70))
    first, second = (one[:, 0] - one[:, 1] for one in scores)
    theirs = stats.ttest_ind(first, -second, equal_var=False)  # the difference of means is the sum of these
    [error], [freedom] = macro_average.standard_errors(scores, [0.5, 0.5], [0], [1])
    assert (first.mean() + second.mean()) / 2 / error == pytest.approx(theirs.statistic)
    assert freedom == pytest.approx(theirs.df)


def test_the_interval_of_the_bootstrap_is_as_wide_as_the_error_says() -> None:
    scores, weights = strata((20, 150, 60), 3, seed=2), [1 / 3] * 3
    low, high = macro_average.bootstrap_intervals(scores, weights, [0, 1], [1, 2], 0.95, 1).T
    error, _ = macro_average.standard_errors(scores, weights, [0, 1], [1, 2])
    np.testing.assert_allclose((high - low) / 2, 1.96 * error, rtol=0.05)
    middle = averages(scores)[[0, 1]] - averages(scores)[[1, 2]]
    np.testing.assert_allclose((high + low) / 2, middle, atol=0.1 * error.max())


def test_the_interval_is_the_same_again_and_in_other_company() -> None:
    scores, weights = strata((20, 50), 4), [0.5, 0.5]
    together = macro_average.bootstrap_intervals(scores, weights, [0, 2], [1, 3], 0.95, 9)
    alone = macro_average.bootstrap_intervals([one[:, 2:] for one in scores], weights, [0], [1], 0.95, 9)
    np.testing.assert_array_equal(together[1:], alone)


def test_one_query_in_a_dataset_has_no_interval() -> None:
    scores = strata((1, 50))
    assert np.isnan(macro_average.bootstrap_intervals(scores, [0.5, 0.5], [0], [1], 0.95, 1)).all()
    assert np.isnan(macro_average.standard_errors(scores, [0.5, 0.5], [0], [1])[0]).all()


@pytest.mark.slow
def test_p_of_equal_systems_is_uniform_and_intervals_hold_the_truth() -> None:
    trials, sizes, weights = 600, (30, 60, 100, 35), [0.25] * 4
    p, held = [], 0
    for trial in range(trials):
        scores = strata(sizes, seed=trial)
        p.append(drawn(scores, weights, trial, 2000)[0])
        [(low, high)] = macro_average.bootstrap_intervals(scores, weights, [0], [1], 0.95, trial, 1000)
        held += low <= 0 <= high
    for level in (0.05, 0.1, 0.5):
        assert abs((np.array(p) <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / trials)
    assert held / trials > 0.95 - 4 * np.sqrt(0.95 * 0.05 / trials)

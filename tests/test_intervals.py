"""Bootstrap intervals against scipy and by coverage; rank intervals by hand."""

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import bootstrap, percentiles, rank_intervals


def test_bootstrap_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).beta(0.5, 0.7, (200, 2))
    ours = percentiles(bootstrap(values, seed=3, rounds=20_000), 0.95)
    for column in range(2):
        theirs = stats.bootstrap(
            (values[:, column],), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
        ).confidence_interval
        spread = values[:, column].std() / np.sqrt(len(values))
        np.testing.assert_allclose(ours[column], [theirs.low, theirs.high], atol=0.12 * spread)


def test_one_resample_serves_all_columns() -> None:
    values = np.random.default_rng(0).random((50, 1))
    both = bootstrap(np.hstack([values, 1 - values]), seed=1)
    np.testing.assert_allclose(both[:, 1], 1 - both[:, 0], atol=1e-9)


@pytest.mark.parametrize("values", [[0.25, 0.25, 0.25], [0.7], [0.0, 0.0]])
def test_a_constant_has_no_width(values: list[float]) -> None:
    np.testing.assert_allclose(bootstrap(np.array(values)[:, None], 1), values[0], atol=1e-12)


def test_blocks_leave_the_interval_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((30, 2))
    whole = bootstrap(values, seed=1, rounds=500)
    monkeypatch.setattr("harness.statistics.intervals.BLOCK_BYTES", 30 * 8 * 11)
    np.testing.assert_array_equal(bootstrap(values, seed=1, rounds=500), whole)


def test_ninety_percent_cover_ninety_percent_of_the_time() -> None:
    generator = np.random.default_rng(2)
    samples = generator.beta(0.5, 0.5, (100, 600))  # 600 samples of 100 queries, true mean one half
    low, high = percentiles(bootstrap(samples, seed=1, rounds=1000), 0.9).T
    covered = ((low <= 0.5) & (high >= 0.5)).mean()
    assert abs(covered - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 600)


@pytest.mark.parametrize(
    ("wins", "expected"),
    [
        ([], [(1, 4)] * 4),
        ([(0, 1), (0, 2), (0, 3)], [(1, 1), (2, 4), (2, 4), (2, 4)]),
        ([(0, 2), (0, 3), (1, 3)], [(1, 2), (1, 3), (2, 4), (3, 4)]),
        ([(3, 2), (3, 1), (3, 0), (2, 1), (2, 0), (1, 0)], [(4, 4), (3, 3), (2, 2), (1, 1)]),
    ],
)
def test_ranks_that_the_comparisons_leave_open(wins: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    better = np.zeros((4, 4), dtype=bool)
    for winner, loser in wins:
        better[winner, loser] = True
    assert [tuple(interval) for interval in rank_intervals(better).tolist()] == expected

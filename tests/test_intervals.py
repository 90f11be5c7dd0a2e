"""t intervals against scipy and by coverage; rank intervals by hand."""

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import rank_intervals, t_intervals


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999])
@pytest.mark.parametrize("count", [2, 7, 300])
def test_intervals_are_those_of_scipy(confidence: float, count: int) -> None:
    values = np.random.default_rng(0).normal(0, 1, (count, 2))
    for column, found in enumerate(t_intervals(values, confidence, -1e9, 1e9)):
        assert found == pytest.approx(tuple(stats.ttest_1samp(values[:, column], 0).confidence_interval(confidence)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.25, 0.25, 0.25], (0.25, 0.25)),  # a constant has no width
        ([0.0, 0.0], (0.0, 0.0)),
        ([0.7], None),  # one value has no interval
        ([0.0, 1.0], (0.0, 1.0)),  # what no mean can be is cut off
    ],
)
def test_intervals_by_hand(values: list[float], expected: tuple[float, float] | None) -> None:
    [found] = t_intervals(np.array(values)[:, None], 0.95, 0, 1)
    assert found == (expected and pytest.approx(expected))


def scores(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Like nDCG: a quarter zeros, a fifth ones."""
    coin = generator.random(shape)
    return np.where(coin < 0.25, 0, np.where(coin < 0.45, 1, generator.beta(1.2, 1, shape)))


def differences(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Of two systems that agree on two queries in five."""
    return np.where(generator.random(shape) < 0.4, 0, generator.normal(0.03, 0.2, shape))


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
@pytest.mark.parametrize("count", [5, 7, 10, 30, 100])
@pytest.mark.parametrize(("kind", "mean"), [(scores, 0.2 + 0.55 * 1.2 / 2.2), (differences, 0.6 * 0.03)])
def test_intervals_cover_as_often_as_they_say(kind, mean: float, count: int, confidence: float) -> None:
    trials = 4000  # the percentile bootstrap would miss twice as often as it may at 5 to 10 values
    values = kind(np.random.default_rng(count), (count, trials))
    covered = np.mean([low <= mean <= high for low, high in t_intervals(values, confidence, -1, 1)])
    error = np.sqrt(confidence * (1 - confidence) / trials)
    # Five like these may all be 0 or all be 1, which no interval survives.
    assert covered > confidence - 4 * error - (0.02 if count <= 10 else 0.002)


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

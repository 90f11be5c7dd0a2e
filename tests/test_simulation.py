"""Twelve equal systems: the chance that a table claims any difference must stay below alpha, whatever the test."""

import gc
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from harness.statistics.significance import correct, p_values

SYSTEMS, ALPHA = 12, 0.05
LEFT, RIGHT = (list(side) for side in zip(*combinations(range(SYSTEMS), 2), strict=True))


@pytest.fixture(autouse=True)
def cheap_collections() -> Iterator[None]:
    """statsmodels' Holm calls gc.collect(), 40 ms each with all modules to look through; frozen objects are skipped."""
    correct(table(equal_systems(0, 20), "t", 0), "holm")  # imports what there is to import
    gc.freeze()
    yield
    gc.unfreeze()


def equal_systems(trial: int, queries: int) -> np.ndarray:
    """Scores (queries, systems) like nDCG: hard and easy queries, many zeros and ones, no system is better."""
    generator = np.random.default_rng([trial, queries])
    difficulty = generator.normal(0, 1, (queries, 1))
    scores = 0.5 + 0.4 * difficulty + generator.normal(0, 0.25, (queries, SYSTEMS))
    return np.clip(np.round(scores, 3), 0, 1)


def table(scores: np.ndarray, test: str, seed: int) -> np.ndarray:
    return p_values(scores, LEFT, RIGHT, test, seed)[0]


@pytest.mark.slow
@pytest.mark.parametrize(("test", "trials", "queries"), [("t", 1000, 60), ("t", 500, 300), ("permutation", 500, 60)])
def test_family_wise_error_stays_below_alpha(test: str, trials: int, queries: int) -> None:
    false_tables = {"none": 0, "holm": 0, "bonferroni": 0}
    for trial in range(trials):
        p = table(equal_systems(trial, queries), test, trial)
        false_tables["none"] += p.min() <= ALPHA
        false_tables["holm"] += correct(p, "holm").min() <= ALPHA
        false_tables["bonferroni"] += correct(p, "bonferroni").min() <= ALPHA
    print(test, queries, {name: count / trials for name, count in false_tables.items()})
    error = 3 * np.sqrt(ALPHA * (1 - ALPHA) / trials)
    assert false_tables["none"] / trials > 0.3, "without a correction most of such tables lie, or the simulation does"
    assert 0.005 < false_tables["holm"] / trials <= ALPHA + error
    assert 0 < false_tables["bonferroni"] / trials <= ALPHA + error


@pytest.mark.slow
def test_one_better_system_is_found_and_the_equal_ones_are_left_alone() -> None:
    found, false = 0, 0
    for trial in range(100):
        scores = equal_systems(trial, 150)
        scores[:, 0] = np.clip(scores[:, 0] + 0.15, 0, 1)
        significant = correct(table(scores, "t", trial), "holm") <= ALPHA
        with_best = np.array(LEFT) == 0
        found += significant[with_best].all()
        false += significant[~with_best].any()
    assert found > 80
    assert false <= 100 * ALPHA + 3 * np.sqrt(100 * ALPHA * (1 - ALPHA))


@pytest.mark.slow
@pytest.mark.parametrize("test", ["t", "permutation"])
def test_p_of_equal_systems_is_uniform(test: str) -> None:
    trials = (equal_systems(trial, 80) for trial in range(1000))
    p = np.array([p_values(s, [0], [1], test, seed)[0][0] for seed, s in enumerate(trials)])
    for level in (0.01, 0.05, 0.1, 0.5):
        assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / len(p))

"""Step-down max-T: against enumeration, against its definition in a loop, and what dependence buys."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from harness.statistics.max_t import Block, max_t
from harness.statistics.permutation import permutation
from harness.statistics.significance import correct


def noise(queries: int, systems: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.clip(generator.normal(0.5, 0.2, (queries, 1)) + generator.normal(0, 0.1, (queries, systems)), 0, 1)


def every_pair(systems: int) -> tuple[list[int], list[int]]:
    left, right = zip(*itertools.combinations(range(systems), 2), strict=True)
    return list(left), list(right)


def enumerated(scores: np.ndarray, left: list[int], right: list[int]) -> np.ndarray:
    """Westfall and Young's algorithm as it is written, over all sign patterns."""
    differences = scores[:, left] - scores[:, right]
    norm = np.sqrt((differences**2).sum(axis=0))
    signs = np.array(list(itertools.product([1, -1], repeat=len(scores))))
    seen, drawn = np.abs(differences.sum(axis=0)) / norm, np.abs(signs @ differences) / norm
    p = np.zeros(len(left))
    order = np.argsort(-seen)
    for step, pair in enumerate(order):
        p[pair] = (drawn[:, order[step:]].max(axis=1) >= seen[pair] - 1e-9).mean()
        p[pair] = max(p[pair], p[order[step - 1]] if step else 0)
    return p


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_what_enumeration_gives(seed: int) -> None:
    scores = noise(10, 4, seed)
    scores[:, 0] += 0.08
    _, _, p, error = max_t([Block(scores, *every_pair(4), seed)], draws=60_000)
    assert (np.abs(p - enumerated(scores, *every_pair(4))) <= 4 * error + 2 / 60_000).all()


def test_a_single_comparison_is_the_permutation_test() -> None:
    scores = noise(20, 2)
    scores[:, 0] += 0.03
    _, _, p, error = max_t([Block(scores, [0], [1], 4)])
    exact = permutation(scores, [0], [1], 4)[0]
    assert max_t([Block(scores, [0], [1], 4)]).p[0] == p[0]
    assert abs(p[0] - exact[0]) <= 4 * error[0] + 1e-5


def test_comparisons_that_are_one_cost_nothing_and_holm_doubles_them() -> None:
    scores = noise(60, 2)
    scores[:, 0] += 0.04
    twice = np.column_stack([scores, scores[:, 1]])
    [one] = max_t([Block(scores, [0], [1], 4)]).corrected
    both = max_t([Block(twice, [0, 0], [1, 2], 4)]).corrected
    np.testing.assert_array_equal(both, [one, one])
    assert correct(np.array([one, one]), "holm")[0] == 2 * one


def test_datasets_are_flipped_apart_and_make_one_family() -> None:
    first, second = noise(60, 3, 1), noise(90, 3, 2)
    first[:, 0] += 0.05
    blocks = [Block(first, *every_pair(3), 1), Block(second, *every_pair(3), 2)]
    together = max_t(blocks).corrected
    alone = np.concatenate([max_t([block]).corrected for block in blocks])
    assert (together >= alone - 0.01).all() and (together <= 1).all()
    np.testing.assert_allclose(
        max_t(blocks[::-1]).corrected, np.roll(together, 3)
    )  # the order of datasets says nothing


def test_p_follows_the_statistic_and_equal_systems_have_one() -> None:
    scores = noise(80, 3)
    scores[:, 0] += 0.12
    scores = np.column_stack([scores, scores[:, 2]])
    left, right = every_pair(4)
    p = max_t([Block(scores, left, right, 1)]).corrected
    at = dict(zip(zip(left, right, strict=True), p, strict=True))
    assert at[2, 3] == 1.0 and at[0, 1] < 0.01 and at[0, 2] == at[0, 3]
    assert max_t([]) [0].size == 0 and max_t([Block(scores, [], [], 1)])[0].size == 0  # fmt: skip


def test_the_same_seed_gives_the_same_bits_on_one_and_two_threads() -> None:
    code = (
        "import numpy as np; from harness.statistics.max_t import Block, max_t;"
        "a = np.random.default_rng(0).beta(.5, .5, (1001, 8));"
        "print(max_t([Block(a, [0] * 7, range(1, 8), 11)], 9000).corrected.tobytes().hex())"
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


@pytest.mark.slow
def test_family_wise_error_of_equal_systems_stays_below_alpha() -> None:
    trials, left_right = 400, every_pair(12)
    false = sum(
        max_t([Block(noise(60, 12, seed), *left_right, seed)], 2000).corrected.min() <= 0.05 for seed in range(trials)
    )
    assert 0.02 < false / trials <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)

"""What took long is computed once, for the same arguments and the same code only; a damaged cache costs time alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.host import recalled as module
from harness.host.recalled import recalled

calls = []


@dataclass(frozen=True)
class Side:
    scores: np.ndarray
    seed: int


def slow(side: Side, *more: object) -> tuple[np.ndarray, np.ndarray]:
    calls.append(more)
    return side.scores * side.seed, np.arange(3)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path))
    calls.clear()
    return tmp_path / "statistics"


def test_the_same_arguments_are_computed_once(place: Path) -> None:
    first = recalled(tuple, slow, Side(np.array([[0.5, 0.25]]), 2), [1, 2])
    again = recalled(tuple, slow, Side(np.array([[0.5, 0.25]]), 2), [1, 2])
    assert len(calls) == 1 and len(list(place.iterdir())) == 1
    assert [one.tobytes() for one in first] == [one.tobytes() for one in again]


@pytest.mark.parametrize(
    "other",
    [
        (Side(np.array([[0.5, 0.26]]), 2), [1, 2]),
        (Side(np.array([[0.5], [0.25]]), 2), [1, 2]),
        (Side(np.array([[0.5, 0.25]], dtype=np.float32), 2), [1, 2]),
        (Side(np.array([[0.5, 0.25]]), 3), [1, 2]),
        (Side(np.array([[0.5, 0.25]]), 2), [12]),
        (Side(np.array([[0.5, 0.25]]), 2), [[1], 2]),
        (Side(np.array([[0.5, 0.25]]), 2), [1, 2], 0.95),
    ],
)
def test_others_are_computed_anew(other: tuple) -> None:
    recalled(tuple, slow, Side(np.array([[0.5, 0.25]]), 2), [1, 2])
    recalled(tuple, slow, *other)
    assert len(calls) == 2


def test_other_code_is_not_answered_with_what_old_code_made(monkeypatch: pytest.MonkeyPatch) -> None:
    recalled(tuple, slow, Side(np.ones((1, 1)), 1))
    monkeypatch.setattr(module, "_code", lambda module: b"edited")
    recalled(tuple, slow, Side(np.ones((1, 1)), 1))
    assert len(calls) == 2


def test_a_damaged_file_is_made_again(place: Path) -> None:
    for spoil in (lambda data: data[:40], lambda data: b"", lambda data: b"no zip"):
        recalled(tuple, slow, Side(np.ones((1, 1)), 1))
        (path,) = place.iterdir()
        path.write_bytes(spoil(path.read_bytes()))
        calls.clear()
        found = recalled(tuple, slow, Side(np.ones((1, 1)), 1))
        assert len(calls) == 1 and found[1].tolist() == [0, 1, 2]


def test_a_cache_that_cannot_be_written_costs_time_alone(place: Path) -> None:
    place.write_text("a file where a folder should be")
    assert recalled(tuple, slow, Side(np.ones((1, 1)), 1))[1].tolist() == [0, 1, 2]

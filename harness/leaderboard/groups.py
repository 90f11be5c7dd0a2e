"""What the datasets of a group say together: average, ranks and tests over them, as a leaderboard of its own would."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.datasets import dataset_table
from harness.leaderboard import Leaderboard
from harness.leaderboard.columns import Column, average
from harness.statistics.across_datasets import OverDatasets, over_datasets

EVERY = "every dataset"


@dataclass(frozen=True)
class Group:
    """Some columns of a leaderboard; `averages` is over `shared`, those columns that all the group's systems have."""

    name: str
    columns: tuple[Column, ...]
    tags: tuple[str, ...]
    shared: tuple[Column, ...]
    averages: dict[str, float]
    ranks: dict[str, tuple[int, int]]
    over: OverDatasets | None

    @property
    def members(self) -> set[str]:
        """The datasets that the averages rest on."""
        return {matrix.dataset for column in self.shared for matrix in column.matrices}


def groups(board: Leaderboard) -> list[Group]:
    """Every dataset of the board, then each group of the dataset table that has at least two, but not all, of them."""
    found = [_group(board, EVERY, board.columns)]
    for name, members in dataset_table.groups().items():
        inside = tuple(c for c in board.columns if all(matrix.dataset in members for matrix in c.matrices))
        if len(inside) > 1 and inside not in (group.columns for group in found):
            found.append(_group(board, name, inside))
    return found


def _group(board: Leaderboard, name: str, columns: tuple[Column, ...]) -> Group:
    tags = tuple(sorted({tag for column in columns for tag in column.tags}))
    lone = len(columns) == 1 and len(columns[0].matrices) == 1
    shared = tuple(column for column in columns if len(column.tags) == len(tags) and (lone or not column.shallow))
    units: dict[str, list[Column]] = {}
    for column in shared:
        units.setdefault(column.unit, []).append(column)
    averages = {tag: average(shared, [c.mean(tag) for c in shared]) for tag in tags if shared}
    over, ranks = None, {}
    observed = _observed(units, tags)
    if len(observed) > 1 and len(tags) > 1:
        over = over_datasets(list(observed), tags, np.array(list(observed.values())), "holm", board.alpha)
        ranks = over.ranks
    elif len(shared) == 1:
        ranks = {tag: rank for tag in tags if (rank := board.cells[tag, shared[0].name].rank)}
    return Group(name, columns, tags, shared, averages, ranks, over)


def _observed(units: dict[str, list[Column]], tags: Sequence[str]) -> dict[str, list[float]]:
    """What counts as one observation each: the units; where there is only one, the datasets in it."""
    if len(units) == 1:
        matrices = [matrix for column in next(iter(units.values())) for matrix in column.matrices]
        return {matrix.dataset: [matrix.mean(tag) for tag in tags] for matrix in matrices}
    return {unit: [_mean([column.mean(tag) for column in members]) for tag in tags] for unit, members in units.items()}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)

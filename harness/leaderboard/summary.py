"""What several columns say together: average, ranks and tests over datasets. Every table, file and figure asks here."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.datasets import dataset_table
from harness.datasets.dataset_table import Unit
from harness.leaderboard.columns import Column
from harness.statistics import fixed_point
from harness.statistics.across_datasets import OverDatasets, over_datasets
from harness.statistics.macro_average import TheseDatasets, these_datasets

EVERY = "every dataset"
Rank = tuple[int, int]


@dataclass(frozen=True)
class Summary:
    """Systems over some columns; `averages` is over `shared`, and of the systems that have all of these.

    Those are all columns where every system has them. In a table that is half finished, see `most_shared`.
    """

    name: str
    columns: tuple[Column, ...]
    tags: tuple[str, ...]
    shared: tuple[Column, ...]
    averages: dict[str, float]
    ranks: dict[str, Rank]  # for these datasets; what holds for datasets like these is in `over`
    these: TheseDatasets | None
    over: OverDatasets | None

    @property
    def members(self) -> set[str]:
        """The datasets that the averages rest on."""
        return {matrix.dataset for column in self.shared for matrix in column.matrices}

    def average(self, means: Mapping[str, float]) -> float | None:
        """The average of a system that is not among `tags`, from its means by column; None where one is missing."""
        if not self.shared or any(column.name not in means for column in self.shared):
            return None
        return _average(self.shared, [means[column.name] for column in self.shared])


def summary(
    name: str,
    columns: Sequence[Column],
    tags: Sequence[str],
    alpha: float,
    rank_on: Mapping[tuple[str, str], Rank | None],
    correction: str = "holm",
) -> Summary:
    """The summary of `tags` over `columns`; on a single shared column their ranks are those of `rank_on` there.

    Over several datasets the ranks are those of the average: for these datasets, by flipping signs within queries.
    """
    lone = len(columns) == 1 and len(columns[0].matrices) == 1
    shared, whole = most_shared([column for column in columns if lone or not column.shallow], tags)
    averages = {tag: _average(shared, [column.mean(tag) for column in shared]) for tag in whole}
    over, these, ranks = None, None, dict[str, Rank]()
    observed = _observed(shared, whole)
    if len(observed) > 1 and len(whole) > 1:
        over = over_datasets(list(observed), whole, np.array(list(observed.values())), "holm", alpha)
        these = _these(shared, whole, correction, alpha)
        ranks = these.ranks
    elif len(shared) == 1:
        ranks = {tag: rank for tag in whole if (rank := rank_on.get((tag, shared[0].name)))}
    return Summary(name, tuple(columns), tuple(tags), shared, averages, ranks, these, over)


def most_shared(columns: Sequence[Column], tags: Sequence[str]) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns that an average is over, and the systems that have all of them: at least two, if there are two.

    Of all choices the one in which most means count, columns times systems; of equal ones that of more systems, then of
    the columns that come first. One finished system does not take the average from the others, nor does one that has
    hardly begun take the datasets from the average.
    """
    have = {tag: frozenset(at for at, column in enumerate(columns) if tag in column.tags) for tag in tags}
    least = min(2, len(tags))
    choices = {one & other for one in have.values() for other in have.values()}
    choices.add(frozenset.intersection(*have.values()) if have else frozenset())
    rated = []
    for choice in choices:
        whole = tuple(tag for tag in tags if choice <= have[tag])
        if choice and len(whole) >= least:
            rated.append((-len(choice) * len(whole), -len(whole), sorted(choice), whole))
    if not rated:
        return (), ()
    _, _, best, whole = min(rated)
    return tuple(columns[at] for at in best), whole


def summaries(
    every: Summary, alpha: float, rank_on: Mapping[tuple[str, str], Rank | None], correction: str = "holm"
) -> list[Summary]:
    """`every`, then one for each group of the dataset table of which it has at least two datasets, but not all."""
    found = [every]
    for name, members in dataset_table.groups().items():
        inside = tuple(c for c in every.columns if all(matrix.dataset in members for matrix in c.matrices))
        if len(inside) > 1 and inside not in (one.columns for one in found):
            tags = sorted({tag for column in inside for tag in column.tags})
            found.append(summary(name, inside, tags, alpha, rank_on, correction))
    return found


def _these(columns: Sequence[Column], tags: Sequence[str], correction: str, alpha: float) -> TheseDatasets:
    """The tests of the average: a dataset weighs in it as its column and its unit do."""
    units = _by_unit(columns)
    strata, weights, about = [], [], []
    for column in columns:
        for matrix in column.matrices:
            strata.append(matrix.scores[:, [matrix.tags.index(tag) for tag in tags]])
            weights.append(1 / (len(units) * len(units[column.unit]) * len(column.matrices)))
            about += [matrix.dataset, *matrix.query_ids]
    return these_datasets(tags, strata, weights, correction, alpha, fixed_point.seed("average", about))


def _by_unit(columns: Sequence[Column]) -> dict[Unit, list[int]]:
    units: dict[Unit, list[int]] = defaultdict(list)
    for at, column in enumerate(columns):
        units[column.unit].append(at)
    return units


def _average(columns: Sequence[Column], means: Sequence[float]) -> float:
    """What a table calls Average: the mean over units of the mean over each unit's columns; `means` are theirs."""
    return _mean([_mean([means[at] for at in places]) for places in _by_unit(columns).values()])


def _observed(columns: Sequence[Column], tags: Sequence[str]) -> dict[str, list[float]]:
    """What counts as one observation each: the units; where there is only one, the datasets in it."""
    units = _by_unit(columns)
    if len(units) == 1:
        matrices = [matrix for column in columns for matrix in column.matrices]
        return {matrix.dataset: [matrix.mean(tag) for tag in tags] for matrix in matrices}
    return {unit: [_mean([columns[at].mean(tag) for at in places]) for tag in tags] for unit, places in units.items()}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)

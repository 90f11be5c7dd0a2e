"""Joins per-query scores of several systems on query_id, and refuses to join what was not measured alike."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.datasets import dataset_table
from harness.datasets.dataset_table import Unit
from harness.errors import HarnessError, counted
from harness.leaderboard.ceilings import ceilings
from harness.results import Result, stale
from harness.results.alike import unlike
from harness.statistics.matrix import Matrix


@dataclass(frozen=True)
class Column:
    """What stands in one column of a table: a dataset, or a unit of several (the 12 forums of CQADupStack).

    `name` is its key everywhere: the dataset's, or the unit's where there are several; `unit` is what it counts as in
    averages, and no key.
    """

    name: str
    unit: Unit
    matrices: tuple[Matrix, ...]

    @property
    def shallow(self) -> dict[str, int]:
        """The systems that were not measured as deep as others, see `Matrix.shallow`."""
        return {tag: depth for matrix in self.matrices for tag, depth in matrix.shallow.items()}

    @property
    def tags(self) -> tuple[str, ...]:
        """The systems that have every dataset of the column."""
        return tuple(tag for tag in self.matrices[0].tags if all(tag in matrix.tags for matrix in self.matrices))

    def mean(self, tag: str) -> float:
        """Macro mean over the column's datasets."""
        return math.fsum(matrix.mean(tag) for matrix in self.matrices) / len(self.matrices)


def join(results: Sequence[Result], measure: str) -> Matrix:
    """Scores of several systems on one dataset, joined on query_id.

    Raises HarnessError where they were scored on other judgments, queries or documents: means of different things
    have no difference worth testing.
    """
    first = results[0]
    for other in results[1:]:
        if what := unlike(first, other):
            raise _unlike(first, other, what)
    scores = [result.scores(measure) for result in results]
    for other, theirs in zip(results[1:], scores[1:], strict=True):
        if theirs.keys() != scores[0].keys():
            odd = sorted(theirs.keys() ^ scores[0].keys())
            raise _unlike(
                first, other, f"{counted(len(odd), 'query')} that only one of them judged, {odd[0]!r} for one"
            )
    ids = tuple(sorted(scores[0]))
    matrix = np.array([[column[query_id] for column in scores] for query_id in ids], dtype=np.float64)
    if not ids or not np.isfinite(matrix).all():
        raise HarnessError(f"{first.dataset}: {measure} has no queries or a score that is not a number; score it again")
    return Matrix(first.dataset, tuple(result.tag for result in results), ids, matrix, _reach(results, measure))


def _reach(results: Sequence[Result], measure: str) -> tuple[float, ...]:
    """How far the measure sees into each run, at most to the end of the collection; empty where that isn't known."""
    found = [result.reach(measure) for result in results]
    docs = [result.data.docs for result in results]
    end = min((count for count in docs if count), default=math.inf)
    return () if None in found else tuple(min(depth, end) for depth in found if depth is not None)


def _varied(results: Sequence[Result]) -> list[str]:
    """A note for each system whose arguments differ between datasets, among those that all its results record."""
    by_tag: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for result in results:
        arguments = result.fingerprint.get("arguments")
        if isinstance(arguments, Mapping):
            by_tag[result.tag].append(arguments)
    notes = []
    for tag, found in by_tag.items():
        names = sorted(set.intersection(*(set(one) for one in found)))
        if differing := [name for name in names if len({repr(one[name]) for one in found}) > 1]:
            notes.append(f"{tag} has not the same {' and '.join(differing)} on all datasets")
    return notes


def columns(results: Sequence[Result], measure: str) -> tuple[list[Column], list[str]]:
    """The columns of a table in the order of the dataset table, and notes on what could not be shown.

    Datasets of one unit become one column where a system has all of them; else each is a column of its own. A split
    other than a dataset's own is a dataset of its own, and stands behind it.
    """
    rows = dataset_table.rows()
    by_dataset: dict[str, list[Result]] = defaultdict(list)
    notes = []
    for result in results:
        if result.knows(measure):
            by_dataset[result.dataset].append(result)
        else:
            what = f"was not scored with {measure}, nor has it judged.tsv.gz to make it of"
            notes.append(f"{result.tag} on {result.dataset} {what}")
    notes += [*_varied(results), *ceilings(results)]
    order = {name: place for place, name in enumerate(rows)}
    units: dict[Unit, list[Matrix]] = defaultdict(list)
    for name in sorted(by_dataset, key=lambda name: (order.get(name.partition("@")[0], len(order)), name)):
        group = by_dataset[name]
        matrix = join(group, measure)
        units[group[0].unit].append(matrix)
        notes += [*_depths(matrix, measure), *stale(group)]
    found = []
    for unit, matrices in units.items():
        members = {name for name, row in rows.items() if row.unit == unit} | {matrix.dataset for matrix in matrices}
        whole = Column(unit, unit, tuple(matrices))
        if 1 < len(matrices) == len(members) and whole.tags:
            found.append(whole)
            missing = {tag: sum(tag in m.tags for m in matrices) for matrix in matrices for tag in matrix.tags}
            notes += [
                f"{tag} has {count} of the {len(members)} datasets of {unit}, so no value there"
                for tag, count in sorted(missing.items())
                if count < len(members)
            ]
        else:
            found += [Column(matrix.dataset, unit, (matrix,)) for matrix in matrices]
    return found, notes


def _unlike(first: Result, other: Result, what: str) -> HarnessError:
    return HarnessError(
        f"{first.tag} and {other.tag} can't be compared on {first.dataset}: {what}; "
        f"run one of them again, or leave it out with --system or --dataset"
    )


def _depths(matrix: Matrix, measure: str) -> list[str]:
    """A note on runs that end before the measure does, while others go on."""
    if not matrix.shallow:
        return []
    listed = ", ".join(f"{tag} at {depth}" for tag, depth in sorted(matrix.shallow.items()))
    return [f"{matrix.dataset}: not compared with deeper runs, as {measure} looks beyond where these end: {listed}"]

"""Scores of one run: in memory, and as the committed file `scores.tsv.gz`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.errors import BadInput, HarnessError
from harness.files import atomic_gzip
from harness.lines import numbered_text
from harness.measures import parse_measure

if TYPE_CHECKING:
    from harness.measures.judged import Judged


class Table(NamedTuple):
    """A file of scores: Q queries in its order, M measures, and `values` (Q, M) float64."""

    query_ids: tuple[str, ...]
    measures: tuple[str, ...]
    values: np.ndarray

    def per_query(self, measure: str) -> dict[str, float]:
        """query_id -> value of one measure."""
        return dict(zip(self.query_ids, self.values[:, self.measures.index(measure)].tolist(), strict=True))


@dataclass(frozen=True)
class Scores:
    """The values of M measures for the Q judged queries of a collection, whether the run answered them or not."""

    query_ids: tuple[str, ...]  # Q, in the order of the qrels
    measures: tuple[str, ...]  # M ranx strings
    values: np.ndarray  # (Q, M) float64
    answered: int  # how many of the Q queries have results
    tie_rate: float = 0.0  # share of the run's documents that share their score with another of the same query
    tie_band: dict[str, tuple[float, float]] = field(default_factory=dict)  # mean in the worst and best tie order
    notes: tuple[str, ...] = ()  # what a reader of the figures has to know, one sentence each
    seen: "Judged | None" = None  # what they were made of, in the same order of queries

    @property
    def judged(self) -> int:
        """The denominator of every mean: Q."""
        return len(self.query_ids)

    def means(self) -> dict[str, float]:
        """The mean of each measure over the judged queries."""
        return {measure: mean(self.values[:, column]) for column, measure in enumerate(self.measures)}

    def per_query(self, measure: str) -> dict[str, float]:
        """query_id -> value of one measure."""
        column = self.values[:, self.measures.index(measure)].tolist()
        return dict(zip(self.query_ids, column, strict=True))


ROUNDING = 1e-9  # of a score's own computation


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean, summed exactly, so that no order of the queries can change it."""
    numbers = [float(value) for value in values]
    return math.fsum(numbers) / len(numbers)


def write_scores(scores: Scores, path: Path) -> None:
    """Write one line a query: query_id, then each measure in as many digits as bring the float64 back. Atomic.

    The first line names the columns. The same scores give the same bytes.
    """
    with atomic_gzip(path, level=9) as stream:
        stream.write("\t".join(("query_id", *scores.measures)).encode() + b"\n")
        for query_id, values in zip(scores.query_ids, scores.values.tolist(), strict=True):
            stream.write("\t".join((query_id, *map(repr, values))).encode() + b"\n")


def read_scores(path: Path) -> Table:
    """Read what `write_scores` wrote.

    Raises BadInput with file and line for a table that is not whole: other columns, a query twice, what is
    no number from 0 to 1 (but for rounding), as the scores of all measures are.
    """
    lines = numbered_text(path)
    _, first = next(lines, (1, ""))
    header = first.split("\t")
    if header[:1] != ["query_id"]:
        raise BadInput(path, 1, "not a table of scores: its first column is not query_id")
    try:
        measures = [str(parse_measure(name)) for name in header[1:]]
    except HarnessError as error:
        raise BadInput(path, 1, str(error)) from error
    if len(set(measures)) < len(measures):
        raise BadInput(path, 1, "a measure has two columns; score the run again")
    rows: dict[str, list[float]] = {}
    for number, line in lines:
        query_id, *fields = line.split("\t")
        values = [_number(field, path, number) for field in fields]
        if len(values) != len(measures):
            raise BadInput(path, number, f"{len(values)} values for {len(measures)} measures")
        if query_id in rows:
            raise BadInput(path, number, f"query {query_id!r} is there a second time")
        rows[query_id] = values
    return Table(tuple(rows), tuple(measures), np.array(list(rows.values())).reshape(len(rows), len(measures)))


def _number(text: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(path, line, f"the score {text!r} is no finite number")
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise BadInput(path, line, f"the score {text!r} is not between 0 and 1")
    return value

"""One table: systems by datasets under one measure, with every claim tested. A pure function of the scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import unknown
from harness.leaderboard import signature
from harness.leaderboard.columns import Column, average, columns
from harness.measures import parse
from harness.results import Result
from harness.statistics.across_datasets import OverDatasets, over_datasets
from harness.statistics.intervals import ranks_by_tag, t_intervals
from harness.statistics.pairwise import Comparison, against, all_pairs, beaten, judge
from harness.statistics.ties import EQUAL

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cell:
    """One system in one column. What rests on queries is None in a column of several datasets: it has no such test."""

    mean: float
    best: bool
    interval: tuple[float, float] | None = None  # of the mean; None for one query
    rank: tuple[int, int] | None = None  # what the corrected comparisons leave open
    level: bool | None = None  # not separable from the best of the column
    depth: int | None = None  # where its run ends, if the measure looks further into those of others


@dataclass(frozen=True)
class Leaderboard:
    """`tags` from best to worst average; `averages` is over `shared`, the columns that all the systems have."""

    measure: str
    test: str
    correction: str
    alpha: float
    baseline: str | None
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[str, str], Cell]
    family: tuple[Comparison, ...]  # the comparisons behind the marks
    pairs: tuple[Comparison, ...]  # those behind ranks and levels: all pairs on all datasets, Holm
    shared: tuple[str, ...]
    averages: dict[str, float]
    ranks: dict[str, tuple[int, int]]
    over: OverDatasets | None
    signature: str
    notes: tuple[str, ...]

    def against(self, baseline: str) -> list[Comparison]:
        """Every system with `baseline` on every dataset, corrected as one family: what `build(…, baseline)` marks."""
        return judge(against(self.pairs, baseline), self.correction, self.alpha)

    def frame(self) -> "pd.DataFrame":
        """Means as a DataFrame, one row per system and NaN where there is none; then average and rank interval."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for tag in self.tags:
            means = {c.name: c.mean(tag) if tag in c.tags else None for c in self.columns}
            low, high = self.ranks.get(tag, (None, None))
            rows.append({"system": tag, **means, "average": self.averages.get(tag), "rank_low": low, "rank_high": high})
        frame = pd.DataFrame(rows).set_index("system")
        ranks = ["rank_low", "rank_high"]
        return frame.astype(dict.fromkeys(frame.columns, "float64") | dict.fromkeys(ranks, "Int64"))


def build(
    results: Sequence[Result],
    measure: str,
    baseline: str | None = None,
    test: str = "t",
    correction: str = "holm",
    alpha: float = 0.05,
    notes: Sequence[str] = (),
) -> Leaderboard:
    """The leaderboard of `results` under one measure.

    The family that is corrected is every comparison whose outcome the table marks: each system with the baseline on
    each dataset, or, without a baseline, each pair on each dataset. Ranks and "level with the best" always rest on all
    pairs on all datasets under Holm, because the best is picked by looking. A column that is the mean of several
    datasets takes no part in either.

    Raises HarnessError for an unknown baseline or measure, and where systems were not measured alike.
    """
    measure = str(parse(measure))
    if not any(result.knows(measure) for result in results):
        results[0].scores(measure)  # raises, saying what there is
    if baseline is not None and baseline not in {result.tag for result in results}:
        raise unknown("baseline", baseline, {result.tag for result in results})
    found, column_notes = columns(results, measure)
    present = sorted({tag for column in found for tag in column.tags})
    tested = [column.matrices[0] for column in found if len(column.matrices) == 1]
    raw = all_pairs(tested, test, alpha, measure)
    everything = judge(raw, "holm", alpha)
    family = judge(raw if baseline is None else against(raw, baseline), correction, alpha)

    cells: dict[tuple[str, str], Cell] = {}
    for column in found:
        cells |= _cells(column, [c for c in everything if c.dataset == column.name], alpha)
    lone = len(found) == 1 and len(tested) == 1
    shared = [column for column in found if len(column.tags) == len(present) and (lone or not column.shallow)]
    observed = _observations(shared, present)
    averages = {tag: average(shared, [c.mean(tag) for c in shared]) for tag in present if shared}
    over, ranks = None, {}
    if len(observed) > 1 and len(present) > 1:
        over = over_datasets(list(observed), present, np.array(list(observed.values())), "holm", alpha)
        ranks = over.ranks
    elif len(shared) == 1:
        ranks = {tag: rank for tag in present if (rank := cells[tag, shared[0].name].rank)}
    tags = tuple(sorted(present, key=lambda tag: (-averages.get(tag, 0.0), tag)))
    return Leaderboard(
        measure, test, correction, alpha, baseline, tags, tuple(found), cells, tuple(family), tuple(everything),
        tuple(column.name for column in shared), averages, ranks, over,
        signature.of(results, found, measure, test, correction, alpha, len(family)),
        (*notes, *column_notes),
    )  # fmt: skip


def _cells(column: Column, comparisons: Sequence[Comparison], alpha: float) -> dict[tuple[str, str], Cell]:
    """The cells of one column; `comparisons` are all pairs of its systems, corrected."""
    means = {tag: column.mean(tag) for tag in column.tags}
    top = max(means.values())
    best = {tag for tag, mean in means.items() if top - mean <= EQUAL}
    if len(column.matrices) > 1:
        return {
            (tag, column.name): Cell(mean, tag in best, depth=column.shallow.get(tag)) for tag, mean in means.items()
        }
    matrix = column.matrices[0]
    intervals = t_intervals(matrix.scores, 1 - alpha, 0, 1)
    better = beaten(comparisons, matrix.tags)
    ranks = ranks_by_tag(matrix.tags, better)
    first = [tag in best for tag in matrix.tags]
    top_at = first.index(True)
    return {
        (tag, column.name): Cell(
            means[tag],
            tag in best,
            interval,
            ranks[tag],
            matrix.alike(top_at, at) and not better[first, at].any(),
            matrix.shallow.get(tag),
        )
        for at, (tag, interval) in enumerate(zip(matrix.tags, intervals, strict=True))
    }


def _by_unit(shared: Sequence[Column]) -> dict[str, list[Column]]:
    units: dict[str, list[Column]] = {}
    for column in shared:
        units.setdefault(column.unit, []).append(column)
    return units


def _observations(shared: Sequence[Column], tags: Sequence[str]) -> dict[str, list[float]]:
    """What counts as one observation each over datasets: the units; where there is only one, the datasets in it."""
    units = _by_unit(shared)
    if len(units) == 1:
        matrices = [matrix for column in shared for matrix in column.matrices]
        return {matrix.dataset: [matrix.mean(tag) for tag in tags] for matrix in matrices}
    return {
        unit: [math.fsum(column.mean(tag) for column in members) / len(members) for tag in tags]
        for unit, members in units.items()
    }

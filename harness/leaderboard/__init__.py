"""One table: systems by datasets under one measure, with every claim tested. A pure function of the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import unknown
from harness.leaderboard import signature
from harness.leaderboard.columns import Column, columns
from harness.leaderboard.summary import EVERY, Rank, Summary, summaries, summary
from harness.measures import display, parse
from harness.results import Result
from harness.statistics.across_datasets import OverDatasets
from harness.statistics.intervals import ranks_by_tag, t_intervals
from harness.statistics.macro_average import TheseDatasets
from harness.statistics.matrix import Matrix
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
    equal: bool = False  # shown to be within the margin of the best of the column


@dataclass(frozen=True)
class Hole:
    """A cell of which less than nine in ten of the first ten documents are judged, see `holes`."""

    judged: float  # the mean share of the first ten that is
    mean: float  # as printed: what is not judged is not relevant
    if_relevant: float | None  # if all that is not judged were; None for an older result, which can't say


@dataclass(frozen=True)
class Leaderboard:
    """`tags` from best to worst average; what they are over all columns together is in `summary`."""

    measure: str
    test: str
    correction: str
    alpha: float
    baseline: str | None
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[str, str], Cell]
    family: tuple[Comparison, ...]  # the comparisons behind the marks
    pairs: tuple[Comparison, ...]  # those behind ranks and levels: all pairs on all datasets
    summary: Summary
    signature: str
    notes: tuple[str, ...]
    margin: float | None = None  # within which a difference counts as none, where equality is claimed
    holes: Mapping[tuple[str, str], Hole] = field(default_factory=dict)  # cells of which much is not judged

    @property
    def shared(self) -> tuple[str, ...]:
        """The names of the columns that the averages are over."""
        return tuple(column.name for column in self.summary.shared)

    @property
    def averages(self) -> dict[str, float]:
        """System -> average."""
        return self.summary.averages

    @property
    def ranks(self) -> dict[str, Rank]:
        """System -> the ranks that the tests leave open."""
        return self.summary.ranks

    @property
    def over(self) -> OverDatasets | None:
        """The tests over datasets, for datasets like these; None where there are none."""
        return self.summary.over

    @property
    def these(self) -> TheseDatasets | None:
        """The tests of the average, for these very datasets; None where there are not several."""
        return self.summary.these

    @property
    def matrices(self) -> list[Matrix]:
        """The scores behind all comparisons on single datasets."""
        return [column.matrices[0] for column in self.columns if len(column.matrices) == 1]

    def smallest_alpha(self) -> float:
        """The level of the first step of a family's correction, where nothing has been found yet."""
        return self.alpha / max(1, len(self.family))

    def groups(self) -> list[Summary]:
        """Every dataset, then each group of datasets, as a leaderboard of its own would have them."""
        return summaries(self.summary, self.alpha, _ranks(self.cells), self.correction)

    def against(self, baseline: str) -> list[Comparison]:
        """Every system with `baseline` on every dataset, corrected as one family: what `build(…, baseline)` marks."""
        return judge(against(self.pairs, baseline), self.correction, self.alpha, self.matrices, self.measure)

    def rows(self) -> list[dict[str, Any]]:
        """For each system its name, its mean or None by column, average and rank interval."""
        rows = []
        for tag in self.tags:
            means = {c.name: c.mean(tag) if tag in c.tags else None for c in self.columns}
            low, high = self.ranks.get(tag, (None, None))
            rows.append({"system": tag, **means, "average": self.averages.get(tag), "rank_low": low, "rank_high": high})
        return rows

    def frame(self) -> "pd.DataFrame":
        """Means as a DataFrame, one row per system and NaN where there is none; then average and rank interval."""
        import pandas as pd

        frame = pd.DataFrame(self.rows()).set_index("system")
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
    margin: float | None = None,
) -> Leaderboard:
    """The leaderboard of `results` under one measure.

    The family that is corrected is every comparison whose outcome the table marks: each system with the baseline on
    each dataset, or, without a baseline, each pair on each dataset. Ranks and "level with the best" always rest on all
    pairs on all datasets under Holm, or max-T where that is chosen, because the best is picked by looking. A column
    that is the mean of several datasets takes no part in either. With `margin`, differences that are shown to be within
    it are marked as equal.

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
    raw = all_pairs(tested, test, alpha, measure, margin)
    everything = judge(raw, strong(correction), alpha, tested, measure)
    chosen = raw if baseline is None else against(raw, baseline)
    family = judge(chosen, correction, alpha, tested, measure)

    cells: dict[tuple[str, str], Cell] = {}
    for column in found:
        cells |= _cells(column, [c for c in everything if c.dataset == column.name], alpha)
    together = summary(EVERY, found, present, alpha, _ranks(cells), correction)
    tags = tuple(sorted(present, key=lambda tag: (-together.averages.get(tag, -1.0), tag)))
    return Leaderboard(
        measure, test, correction, alpha, baseline, tags, tuple(found), cells, tuple(family), tuple(everything),
        together,
        signature.of(results, found, measure, test, correction, alpha, len(family)),
        (*notes, *column_notes, *_nothing(found, measure)), margin,
    )  # fmt: skip


def strong(correction: str) -> str:
    """The correction behind ranks: the one chosen where it can claim every pair at once and is no plain bound."""
    return "maxt" if correction == "maxt" else "holm"


def _nothing(found: Sequence[Column], measure: str) -> list[str]:
    """A note on each dataset on which all systems have 0."""
    empty = [column.name for column in found if max(column.mean(tag) for tag in column.tags) <= 0]
    said = f"Every system has 0 by {display(measure)}; does a judgment reach the grade that it asks for?"
    return [f"{', '.join(empty)}: {said}"] if empty else []


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
    equal = {tag for c in comparisons if c.equivalent and best & {c.first, c.second} for tag in (c.first, c.second)}
    return {
        (tag, column.name): Cell(
            means[tag],
            tag in best,
            interval,
            ranks[tag],
            matrix.alike(top_at, at) and not better[first, at].any(),
            matrix.shallow.get(tag),
            tag in equal,
        )
        for at, (tag, interval) in enumerate(zip(matrix.tags, intervals, strict=True))
    }


def _ranks(cells: dict[tuple[str, str], Cell]) -> dict[tuple[str, str], Rank | None]:
    return {place: cell.rank for place, cell in cells.items()}

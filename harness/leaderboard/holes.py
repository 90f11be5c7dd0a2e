"""Where a measure rests on documents that nobody judged: how many there are, and what they could change.

Runs that took no part in the pooling find documents without a judgment, which count as not relevant (Zobel, SIGIR 1998;
Buckley et al., Information Retrieval 10, 2007). Two means show how much hangs on it: as printed, and as if every
unjudged document above its cutoff (of a measure without one, among the first ten) had the highest grade there is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.leaderboard import Hole, Leaderboard
from harness.leaderboard.columns import Column
from harness.measures import parse
from harness.results import Result

ENOUGH = 0.9  # of the first DEPTH documents judged: from here on nothing is said
DEPTH = 10


def with_holes(board: Leaderboard, results: Iterable[Result]) -> Leaderboard:
    """`board`, which was built of `results`, knowing the cells that rest on few judgments."""
    return replace(board, holes=holes(results, board.measure, board.columns, board.cells))


def holes(
    results: Iterable[Result], measure: str, columns: Iterable[Column], cells: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], Hole]:
    """(system, column) -> its hole, for the columns of a single dataset and results that say what was judged."""
    here = {(result.tag, result.dataset): result for result in results}
    single = {column.name: column.matrices[0].dataset for column in columns if len(column.matrices) == 1}
    found = {}
    for tag, column in cells:
        result = here.get((tag, single.get(column, "")))
        if result is None or parse(measure).name == "judged":
            continue
        if not result.knows(f"judged@{DEPTH}"):
            continue
        judged = result.mean(f"judged@{DEPTH}")
        if judged < ENOUGH:
            at_most = result.mean_if_relevant(measure) if result.has_judged else None
            found[tag, column] = Hole(judged, result.mean(measure), at_most)
    return found

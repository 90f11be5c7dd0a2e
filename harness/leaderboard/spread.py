"""How far apart the seeds of a system lie, beside the table of their means."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from harness.leaderboard import Leaderboard
from harness.results import Result
from harness.results.seeds import SeedMean


def with_spread(board: Leaderboard, results: Sequence[Result]) -> Leaderboard:
    """`board` of merged `results`, noting how many seeds each system has and how far apart their Averages are."""
    of: dict[str, dict[str, SeedMean]] = defaultdict(dict)
    for result in results:
        if isinstance(result, SeedMean) and result.tag in board.tags:
            of[result.tag][result.dataset] = result
    shared = board.summary.shared
    parts = []
    for system, means in of.items():
        count = len(next(iter(means.values())).members)
        members = [
            {c.name: _macro([means[m.dataset].members[at] for m in c.matrices], board.measure) for c in shared}
            for at in range(count)
        ]
        averages = [average for one in members if (average := board.summary.average(one)) is not None]
        parts.append(f"{system} {f'{_deviation(averages):.4f}' if len(averages) > 1 else '–'} ({count})")
    if not parts:
        return board
    what = "Average" if len(board.columns) > 1 else "mean"
    note = f"Each score is a mean over seeds; standard deviation of the seeds' {what} (seeds): {', '.join(parts)}"
    return replace(board, notes=(note, *board.notes))


def _macro(results: Sequence[Result], measure: str) -> float:
    means = [math.fsum(scores.values()) / len(scores) for scores in (one.scores(measure) for one in results)]
    return math.fsum(means) / len(means)


def _deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation, of at least two values."""
    middle = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))

"""The matrix of all pairs, and the queries of one pair."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import HarnessError, counted
from harness.leaderboard import Leaderboard
from harness.leaderboard.comparison import Measured
from harness.measures import display
from harness.results import Result
from harness.statistics.matrix import Matrix
from harness.statistics.significance import TESTS
from harness.statistics.ties import EQUAL
from harness.views.plots.style import BETTER, NEUTRAL, WORSE, styled
from harness.views.tables.wording import CORRECTION_NAMES, p_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = 14  # systems up to which there is room for the numbers


def check(results: Sequence[Result]) -> None:
    """Raise HarnessError for results of several datasets or of one system, which have no matrix of pairs."""
    if len({result.dataset for result in results}) != 1 or len(results) < 2:
        raise HarnessError("the matrix of pairs is of one dataset and at least two systems; name one with --dataset")


def pairs(board: Leaderboard) -> "Figure":
    """Row minus column in points on one dataset; a star is significant after correction.

    Raises HarnessError for a board without a pair to compare.
    """
    if not board.family:
        raise HarnessError(f"no two systems here can be compared by {display(board.measure)}")
    tags = [tag for tag in board.tags if tag in board.columns[0].tags]
    at = {tag: place for place, tag in enumerate(tags)}
    points, sure = np.full((len(tags), len(tags)), np.nan), np.zeros((len(tags), len(tags)), dtype=bool)
    for found in board.family:
        for side in (found, found.turned()):
            points[at[side.first], at[side.second]] = 100 * side.difference
            sure[at[side.first], at[side.second]] = side.significant
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("orange-blue", [WORSE, "#FFFFFF", BETTER])
    most = float(np.nanmax(np.abs(points))) or 1.0
    size = min(9.0, 2.2 + 0.42 * len(tags))
    with styled(size, size + 0.8) as (figure, axes):
        image = axes.imshow(points, cmap=colors, vmin=-most, vmax=most)
        axes.grid(visible=False)
        axes.set_xticks(range(len(tags)), tags, rotation=60, ha="right")
        axes.set_yticks(range(len(tags)), tags)
        for row, column in zip(*np.where(~np.isnan(points)), strict=True):
            text = f"{points[row, column] + 0.0:+.1f}".replace("-", "−") if len(tags) <= WORDS else ""
            dark = abs(points[row, column]) > 0.6 * most
            axes.text(column, row, text + "*" * bool(sure[row, column]), ha="center", va="center", fontsize=7,
                      color="white" if dark else "black")  # fmt: skip
        figure.colorbar(image, ax=axes, shrink=0.6, label="points, row minus column")
        said = f"p ≤ {board.alpha:g} ({CORRECTION_NAMES[board.correction]}, {counted(len(board.family), 'comparison')})"
        axes.set_title(f"{display(board.measure)} on {board.columns[0].name}; * {said}")
        return figure


def queries(matrix: Matrix, measured: Measured, test: str) -> "Figure":
    """The difference on every query of one dataset, largest gain first: a few large ones or many small ones?

    `test` is the one that `measured` was made with.
    """
    gaps = np.sort(matrix.scores[:, 0] - matrix.scores[:, 1])[::-1]
    colors = np.where(gaps > EQUAL, BETTER, np.where(gaps < -EQUAL, WORSE, NEUTRAL))
    one = measured.comparison
    with styled(2.8) as (figure, axes):
        axes.bar(np.arange(len(gaps)), gaps, width=1.0, color=colors.tolist(), linewidth=0)
        axes.axhline(one.difference, color=NEUTRAL, lw=0.9, ls=(0, (4, 3)))
        axes.set_xlim(-0.5, len(gaps) - 0.5)
        axes.set_xlabel(
            f"{counted(one.queries, 'query')} of {one.dataset}: {one.wins} better, {one.ties} level, {one.losses} worse"
        )
        axes.set_ylabel(f"difference of {display(measured.measure)}")
        said = f"dashed: the mean, {one.difference + 0.0:+.4f}, p = {p_text(one.p)} ({TESTS[test]})"
        axes.set_title(f"{one.first} minus {one.second}; {said}")
        return figure

"""Figures that are lists of systems or datasets with a dot and an interval each."""

from typing import TYPE_CHECKING

from harness.errors import HarnessError, counted, unknown
from harness.leaderboard import Leaderboard
from harness.measures import display
from harness.statistics.pairwise import Comparison
from harness.views.plots.style import BETTER, INK, NEUTRAL, ROW, WORSE, listed, styled
from harness.views.tables.captions import percent, tested, title
from harness.views.tables.wording import rank_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def leaderboard(board: Leaderboard) -> "Figure":
    """Systems from best to worst: one dataset with intervals, or the average with a small dot for each dataset.

    A filled dot is the best or not separable from it, as bold and ° in the table; the rank that the tests leave open
    stands on the right.
    """
    single = board.columns[0] if len(board.columns) == 1 else None
    level = _level(board)
    with styled(0.9 + ROW * len(board.tags)) as (figure, axes):
        for at, tag in enumerate(board.tags):
            rank = board.ranks.get(tag)
            filled = tag in level
            if single is not None:
                cell = board.cells[tag, single.name]
                if cell.interval:
                    axes.plot(cell.interval, (at, at), color=BETTER if filled else NEUTRAL, lw=1.2)
                mean: float | None = cell.mean
            else:
                values = [board.cells[tag, name].mean for name in board.shared if (tag, name) in board.cells]
                axes.plot(values, [at] * len(values), "|", color=NEUTRAL, ms=6, mew=0.7)
                mean = board.averages.get(tag)
            if mean is not None:
                axes.plot(mean, at, "o", ms=5, color=BETTER, mfc=BETTER if filled else "white")
            axes.text(
                1.01, at, rank_text(rank), transform=axes.get_yaxis_transform(), va="center", color=NEUTRAL
            )  # fmt: skip
        listed(axes, list(board.tags))
        axes.text(1.01, -0.9, "rank", transform=axes.get_yaxis_transform(), va="bottom", color=NEUTRAL)
        axes.set_title(title(board))
        axes.set_xlabel(f"{display(board.measure)}{_what(board)}\nfilled: the best and what is not separable from it")
        return figure


def _what(board: Leaderboard) -> str:
    """What dots, lines and ticks are, and over how many queries."""
    queries = counted(sum(len(matrix.query_ids) for matrix in board.matrices), "query")
    if len(board.columns) == 1:
        return f" over {queries}; line: {percent(board)} interval" if board.matrices else ""
    dots = f"; dot: average over {counted(len(board.shared), 'dataset')}" if board.averages else ""
    return f"{dots}, {queries}; tick: one of its datasets"


def _level(board: Leaderboard) -> set[str]:
    """The best, and what the tests behind the ranks, on queries of all these datasets, do not put below it."""
    if board.these is None:
        name = board.shared[0] if len(board.shared) == 1 else None
        cells = {tag: board.cells[tag, name] for tag in board.averages if name is not None}
        return {tag for tag, cell in cells.items() if cell.best or cell.level}
    best = board.tags[0]
    sides = [pair.turned() if pair.second == best else pair for pair in board.these.pairs]
    return set(board.these.tags) - {
        pair.second for pair in sides if pair.first == best and pair.significant and pair.difference > 0
    }


def differences(board: Leaderboard, baseline: str, system: str | None = None) -> "Figure":
    """A system minus the baseline on every dataset; or, on a single dataset, every system minus the baseline.

    All comparisons of `board` with the baseline are one family, as in a table with that baseline.
    Lines are t intervals, filled dots significant after correction. Raises HarnessError where there is no
    common dataset, and where `system` is needed and missing.
    """
    for name in (baseline, system):
        if name is not None and name not in board.tags:
            raise unknown("system", name, board.tags)
    found = board.against(baseline)
    if system is not None:
        rows = [(f"{one.dataset}  n {one.queries}", one) for one in found if one.first == system]
        heading = f"{system} minus {baseline}"
    elif len({one.dataset for one in found}) > 1:
        raise HarnessError("which system minus the baseline? Name it with --system, or a single --dataset")
    else:
        rows = [(one.first, one) for one in found]
        heading = f"every system minus {baseline} on {found[0].dataset}, n {found[0].queries}" if found else ""
    if not rows:
        depth = f"as deep as {display(board.measure)} looks"
        raise HarnessError(f"nothing to compare with {baseline}: no dataset that both systems have, {depth}")
    rows.sort(key=lambda row: (-row[1].difference, row[0]))
    with styled(0.9 + ROW * len(rows)) as (figure, axes):
        axes.axvline(0, color=INK, lw=0.8, ls=(0, (4, 3)))
        for at, (_, one) in enumerate(rows):
            color = _color(one)
            if one.interval:
                axes.plot(one.interval, (at, at), color=color, lw=1.2)
            axes.plot(one.difference, at, "o", ms=5, color=color, mfc=color if one.significant else "white")
        listed(axes, [label for label, _ in rows])
        axes.locator_params(axis="x", nbins=6)  # labels with a sign and three digits, side by side
        axes.set_title(heading)
        family = f"{tested(board.test, board.correction)}, {counted(len(found), 'comparison')} with {baseline}"
        axes.set_xlabel(
            f"difference of {display(board.measure)}; dashed: none; line: {percent(board)} interval of this one alone\n"
            f"filled: p ≤ {board.alpha:g} ({family}); n: queries"
        )
        return figure


def _color(one: Comparison) -> str:
    if not one.significant:
        return NEUTRAL
    return BETTER if one.difference > 0 else WORSE

"""Quality against cost with the Pareto front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import HarnessError, unknown
from harness.leaderboard import Leaderboard
from harness.leaderboard.costs import AXES, Axis, points
from harness.measures import display
from harness.results import Result
from harness.views.plots.style import BETTER, NEUTRAL, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def axis(name: str) -> Axis:
    """The cost of this name. Raises HarnessError for an unknown one."""
    known = {one.name: one for one in AXES}
    if name not in known:
        raise unknown("cost", name, known)
    return known[name]


def pareto(board: Leaderboard, results: Sequence[Result], cost: str) -> "Figure":
    """Each system's average (on one dataset, its mean) over what it costs there; left and up is better.

    Raises HarnessError where no manifest says that cost.
    """
    chosen = axis(cost)
    single = board.columns[0] if len(board.columns) == 1 else None
    quality = {tag: single.mean(tag) for tag in single.tags} if single else board.averages
    shared = [c for c in board.columns if c.name in board.shared] if single is None else [single]
    found = points(results, quality, {matrix.dataset for c in shared for matrix in c.matrices}, chosen)
    if not found:
        raise HarnessError(f"no result here says its {chosen.label.lower()}; only runs made by `run` do")
    from matplotlib.ticker import EngFormatter

    front = [point for point in found if point.front]
    with styled(3.9) as (figure, axes):
        axes.set_xscale("log")
        for form in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            form(EngFormatter(sep=""))
        axes.step([p.cost for p in front], [p.quality for p in front], where="post", color=BETTER, lw=1.2)
        for point in found:
            color = BETTER if point.front else NEUTRAL
            axes.plot(point.cost, point.quality, "o", ms=5, color=color, mfc=color if point.front else "white")
            axes.annotate(
                point.tag, (point.cost, point.quality), xytext=(5, 4), textcoords="offset points", fontsize=7.5
            )
        axes.margins(x=0.15, y=0.12)
        axes.set_xlabel(f"{chosen.label} ({chosen.unit})")
        where = single.name if single else f"average over {len(shared)} datasets"
        axes.set_ylabel(f"{display(board.measure)}, {where}")
        return figure

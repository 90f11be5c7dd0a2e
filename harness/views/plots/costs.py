"""Quality against cost with the Pareto front."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.errors import HarnessError, unknown
from harness.leaderboard import Leaderboard
from harness.leaderboard.costs import AXES, Axis, Point, points
from harness.measures import display
from harness.results import Result
from harness.views.plots.style import BETTER, NEUTRAL, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICKS = 9  # that an axis of cost has room for
PLACES = [(5, 4, "left"), (-5, 4, "right"), (5, -9, "left"), (-5, -9, "right"), (0, 8, "center"), (0, -14, "center")]


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
    from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

    front = [point for point in found if point.front]
    with styled(3.9) as (figure, axes):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(FixedLocator(_ticks([p.cost for p in found])))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.step([p.cost for p in front], [p.quality for p in front], where="post", color=BETTER, lw=1.2)
        for point in found:
            color = BETTER if point.front else NEUTRAL
            axes.plot(point.cost, point.quality, "o", ms=5, color=color, mfc=color if point.front else "white")
        axes.margins(x=0.15, y=0.12)
        axes.set_xlabel(f"{chosen.label} ({chosen.unit})")
        where = single.name if single else f"average over {len(shared)} datasets"
        axes.set_ylabel(f"{display(board.measure)}, {where}")
        axes.set_title("line and filled: the Pareto front; heights are not tested")
        _name(figure, axes, found)
        return figure


def _ticks(costs: Sequence[float]) -> list[float]:
    """Round numbers around the costs, as many as can be read side by side on a logarithmic axis."""
    low, high = min(costs) / 2, max(costs) * 2
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**power for power in powers for step in steps]
        if sum(low <= one <= high for one in found) <= TICKS:
            break
    return found


def _name(figure: "Figure", axes: "Axes", found: Sequence[Point]) -> None:
    """The names of the points, those of the front first; each where it lies on no other name or point, if it can."""
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()  # so that places in pixels are known
    spot = axes.transData.transform
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in spot([(p.cost, p.quality) for p in found])]
    front = [point for point in found if point.front]
    for before, after in pairwise(front):
        (left, low), (right, high) = spot([(before.cost, before.quality), (after.cost, after.quality)])
        taken += [Bbox.from_extents(left, low - 1, right, low + 1), Bbox.from_extents(right - 1, low, right + 1, high)]
    inside = axes.get_window_extent()
    for point in sorted(found, key=lambda one: (not one.front, -one.quality)):
        tried: list[tuple[int, int, Bbox, Annotation]] = []
        for x, y, side in PLACES:
            words = axes.annotate(
                point.tag, (point.cost, point.quality), xytext=(x, y), textcoords="offset points", fontsize=7.5, ha=side
            )
            words.set_in_layout(False)
            box = words.get_window_extent()
            faults = sum(bool(Bbox.intersection(box, other)) for other in taken)
            faults += 10 * (box.x0 < inside.x0 or box.x1 > inside.x1)
            tried.append((faults, len(tried), box, words))
        chosen = min(tried, key=lambda one: one[:2])
        taken.append(chosen[2])
        for one in tried:
            if one is not chosen:
                one[3].remove()

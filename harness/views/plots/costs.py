"""Quality against cost with the Pareto front."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, unknown
from harness.leaderboard import Leaderboard
from harness.leaderboard.costs import AXES, Axis, Point, points
from harness.measures import display
from harness.results import Result
from harness.views.plots.style import BETTER, NEUTRAL, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

TICKS = 9  # that an axis of cost has room for
LINE = {"arrowstyle": "-", "lw": 0.5, "color": NEUTRAL, "shrinkB": 3}
NEARER = 2.0  # pixels by which a name is nearer to its point than to any other
SAME = 3.0  # pixels between points that have their names in common
FAR = [(x, y, side) for y in (16, -21, 27, -32, 38, -43) for x, side in ((9, "left"), (-9, "right"))]  # with a line
PLACES = [(5, 2, "left"), (-5, 2, "right"), (5, -2, "left"), (-5, -2, "right"), (0, 5, "center"), (0, -5, "center")]


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
    from matplotlib.text import Annotation, Text
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()  # so that places in pixels are known
    spot = axes.transData.transform
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in spot([(p.cost, p.quality) for p in found])]
    front = [point for point in found if point.front]
    for before, after in pairwise(front):
        (left, low), (right, high) = spot([(before.cost, before.quality), (after.cost, after.quality)])
        taken += [Bbox.from_extents(left, low - 1, right, low + 1), Bbox.from_extents(right - 1, low, right + 1, high)]
    inside = axes.get_window_extent()
    groups = _together(spot, sorted(found, key=lambda one: (not one.front, -one.quality)))
    for at, (places, names) in enumerate(groups):
        tried: list[tuple[int, int, list[Bbox], Annotation]] = []
        for number, (x, y, side) in enumerate((*PLACES, *FAR)):
            if tried and number == len(PLACES) and not min(tried, key=lambda one: one[:2])[0]:
                break  # a place beside the point is free
            words = axes.annotate(
                "\n".join(names), places, xytext=(x, y), textcoords="offset points", fontsize=7.5, ha=side,
                va="bottom" if y > 0 else "top", linespacing=1.0,
                arrowprops=LINE if number >= len(PLACES) else None,
            )  # fmt: skip
            words.set_in_layout(False)
            words.get_window_extent()  # puts the words where they belong; what it returns has their line in it, too
            box = Text.get_window_extent(words)
            faults = sum(bool(Bbox.intersection(box, other)) for other in taken)
            faults += 10 * (box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1)
            if number < len(PLACES):  # without a line to its point it must not be taken for another's
                distances = [_distance(box, spot(one)) for one, _ in groups]
                faults += sum(one < distances[at] + NEARER for one in distances) - 1
                line = []
            else:
                line = _line(spot(places), box)
                faults += sum(any(Bbox.intersection(one, other) for one in line) for other in taken)
            tried.append((faults, len(tried), [box, *line], words))
        chosen = min(tried, key=lambda one: one[:2])
        taken += chosen[2]
        for one in tried:
            if one is not chosen:
                one[3].remove()


def _line(at: Any, box: "Bbox") -> "list[Bbox]":
    """The line from a point to the middle of a box, but for its ends, as small boxes."""
    from matplotlib.transforms import Bbox

    far = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    steps = [(at[0] + (far[0] - at[0]) * part / 12, at[1] + (far[1] - at[1]) * part / 12) for part in range(3, 12)]
    return [Bbox.from_bounds(x - 1, y - 1, 2, 2) for x, y in steps if not box.contains(x, y)]


def _distance(box: "Bbox", at: Any) -> float:
    """Pixels from a point to the nearest of a box."""
    return math.hypot(max(box.x0 - at[0], 0, at[0] - box.x1), max(box.y0 - at[1], 0, at[1] - box.y1))


def _together(
    spot: "Callable[[tuple[float, float]], Any]", found: Sequence[Point]
) -> list[tuple[tuple[float, float], list[str]]]:
    """Points, each with its name, or with those of all that lie where it does."""
    groups: list[tuple[tuple[float, float], list[str]]] = []
    for point in found:
        at = spot((point.cost, point.quality))
        near = [one for one in groups if max(abs(at - spot(one[0]))) < SAME]
        if near:
            near[0][1].append(point.tag)
        else:
            groups.append(((point.cost, point.quality), [point.tag]))
    return groups

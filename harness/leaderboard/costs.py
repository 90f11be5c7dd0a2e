"""What quality costs: latency, size of the index, time to make it, as the manifests have them, and the Pareto front."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.results import Result


@dataclass(frozen=True)
class Axis:
    """One kind of cost by its name in `Result.cost`, and how that of several datasets adds up."""

    name: str
    label: str
    unit: str
    combine: Callable[[Sequence[float]], float]


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of ratios: no dataset outweighs another because its queries take longer."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


AXES = (
    Axis("latency", "Latency of a query, median", "ms", geometric_mean),
    Axis("index_bytes", "Size of the index", "bytes", sum),
    Axis("search_bytes", "Size of what is searched", "bytes", sum),
    Axis("index_s", "Time to encode and index", "s", sum),
)


@dataclass(frozen=True)
class Point:
    """One system: its quality, its cost, and whether no other is both at least as good and at most as expensive."""

    tag: str
    quality: float
    cost: float
    front: bool = False


def points(results: Iterable[Result], quality: Mapping[str, float], datasets: Iterable[str], axis: Axis) -> list[Point]:
    """A point for each system of `quality` whose cost is known on all of `datasets`, cheapest first.

    What a system is made of counts: a fusion costs what its parts cost, and fusing.
    """
    by_pair = {(result.tag, result.dataset): result for result in results}
    wanted = sorted(datasets)
    found = []
    for tag, value in quality.items():
        here = [by_pair.get((tag, dataset)) for dataset in wanted]
        costs = [cost for one in here if one and (cost := one.cost(axis.name)) is not None and cost > 0]
        if costs and len(costs) == len(wanted):
            found.append(Point(tag, value, float(axis.combine(costs))))
    return front(found)


def front(found: Iterable[Point]) -> list[Point]:
    """The points, cheapest first and of equally cheap ones the best first, those of the Pareto front marked."""
    best, last, marked = -math.inf, math.nan, []
    for point in sorted(found, key=lambda point: (point.cost, -point.quality, point.tag)):
        ahead = point.quality > best or (point.quality == best and point.cost == last)
        if point.quality > best:
            best, last = point.quality, point.cost
        marked.append(Point(point.tag, point.quality, point.cost, ahead))
    return marked


def machines(results: Iterable[Result]) -> list[str]:
    """The processors that the costs were measured on, so that nobody compares across them unawares."""
    return sorted({result.measured_on for result in results} - {""})

"""What a result cost, by name, as a manifest's `costs` and its `facts` have it; None where nothing was measured."""

from collections.abc import Callable, Mapping
from typing import Any

Costs = Mapping[str, Any]


def _of(costs: Costs, *path: str) -> Any:
    for name in path[:-1]:
        costs = costs.get(name) or {}
    return costs.get(path[-1])


def _seconds_per_query(costs: Costs) -> float | None:
    rate = _of(costs, "search", "queries_per_s")
    return 1 / rate if rate else None


def _searched(costs: Costs) -> Any:
    """Bytes of what is searched: of an approximation in memory, else of the index."""
    return _of(costs, "facts", "approximate", "bytes") or _of(costs, "index", "index_bytes")


COSTS: dict[str, Callable[[Costs], Any]] = {
    "latency": lambda costs: _of(costs, "search", "latency", "p50_ms"),  # of a query, median, in ms
    "index_bytes": lambda costs: _of(costs, "index", "index_bytes"),
    "index_s": lambda costs: _of(costs, "index", "wall_s"),
    "search_bytes": _searched,
    "query_s": _seconds_per_query,
}

"""What fusion learns from the judgments of a training split: tables for the supervised methods, grids for the others.

The estimates are those of ranx 0.3.21. A query that a system did not answer counts as one where it found nothing.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from harness.records import Qrel
from harness.runs import Run
from retrievers.fusing.fusion_methods import SEGMENTS

BAYES_CUTS = (0, 5, 10, 15, 20, 30, 100, 200, 500, 1000)
SEGMENT_COUNTS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 75, 100)  # ProbFuse tries these
WINDOWS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100)  # SlideFuse these
TWENTIETHS = [step / 20 for step in range(1, 20)]
GRIDS: dict[str, list[dict[str, Any]]] = {
    "rrf": [{"k": k} for k in (60, 10, 20, 30, 40, 50, 70, 80, 90, 100)],
    "rbc": [{"phi": phi} for phi in (*TWENTIETHS, 0.98, 0.99)],
    "gmnz": [{"gamma": gamma} for gamma in (*TWENTIETHS, 1.0)],
    "logn_isr": [{"sigma": sigma} for sigma in (0.01, *TWENTIETHS, 1.0)],
}
WEIGHTED = ("wsum", "wmnz", "mixed", "w_bordafuse", "w_condorcet")
MOST_TRIALS = 500
Hits = list[np.ndarray]  # one (n,) array a judged query: 1.0 where the document at that rank is relevant


def candidates(
    method: str, runs: Sequence[Run], qrels: Iterable[Qrel], relevance_level: int
) -> Iterator[dict[str, Any]]:
    """Values of `params` worth trying; those that favour no system first. Raises ValueError where there are none."""
    if method in WEIGHTED:
        yield from ({"weights": weights} for weights in weight_grid(len(runs)))
    elif method in GRIDS:
        yield from GRIDS[method]
    elif method in TRAINED:
        judged: dict[str, set[str]] = {}
        for query_id, doc_id, relevance in qrels:
            relevant = judged.setdefault(query_id, set())
            if relevance >= relevance_level:
                relevant.add(doc_id)
        hits = [_hits(run, judged) for run in runs]
        yield from TRAINED[method](hits, [len(relevant) for relevant in judged.values()])
    else:
        raise ValueError(f"method {method} has no parameters, so there is nothing to tune; run it as it is")


def weight_grid(systems: int) -> list[list[float]]:
    """Weights that sum to 1, in steps of 0.1, or of 0.2 and more where these would be too many; equal ones first."""
    steps = next(n for n in (10, 5, 4, 2, 1) if math.comb(n + systems - 1, systems - 1) <= MOST_TRIALS or n == 1)
    bars = combinations(range(steps + systems - 1), systems - 1)
    parts = [
        [end - start - 1 for start, end in zip((-1, *places), (*places, steps + systems - 1), strict=True)]
        for places in bars
    ]
    return [[part / steps for part in row] for row in sorted(parts, key=lambda row: sum(part**2 for part in row))]


def _hits(run: Run, judged: dict[str, set[str]]) -> Hits:
    return [
        np.array([doc_id in relevant for doc_id in run[query_id][0]], np.float64)
        for query_id, relevant in judged.items()
    ]


def _short(values: Iterable[float]) -> list[float]:
    """Six digits are more than any training split can tell."""
    return [float(f"{value:.6g}") for value in values]


def _mapfuse(systems: list[Hits], relevant: list[int]) -> Iterator[dict[str, Any]]:
    def average_precision(hits: np.ndarray, count: int) -> float:
        return float((hits * np.cumsum(hits) / np.arange(1, len(hits) + 1)).sum() / max(1, count))

    means = [math.fsum(map(average_precision, hits, relevant)) / len(relevant) for hits in systems]
    yield {"map_scores": _short(means)}


def _by_position(hits: Hits) -> list[float]:
    """The share of relevant documents at each rank, of the queries that reach it."""
    depth = max(map(len, hits), default=0)
    reached, found = np.zeros(depth), np.zeros(depth)
    for row in hits:
        reached[: len(row)] += 1
        found[: len(row)] += row
    return _short(found / np.maximum(reached, 1)) or [0.0]


def _posfuse(systems: list[Hits], relevant: list[int]) -> Iterator[dict[str, Any]]:
    yield {"probs": [_by_position(hits) for hits in systems]}


def _slidefuse(systems: list[Hits], relevant: list[int]) -> Iterator[dict[str, Any]]:
    probs = [_by_position(hits) for hits in systems]
    yield from ({"probs": probs, "w": window} for window in WINDOWS)


def _segment_means(hits: Hits, segments: int) -> list[float]:
    """The mean over queries of each segment's share of relevant documents; segments are equal parts of a ranking."""
    total = np.zeros(segments)
    for row in hits:
        size = math.ceil(len(row) / segments)
        for number in range(math.ceil(len(row) / size) if size else 0):
            total[number] += row[number * size : (number + 1) * size].mean()
    return _short(total / len(hits))


def _probfuse(systems: list[Hits], relevant: list[int]) -> Iterator[dict[str, Any]]:
    for segments in SEGMENT_COUNTS:
        yield {"probs": [_segment_means(hits, segments) for hits in systems]}


def _share(hits: Hits, start: int, end: int) -> float:
    """Relevant documents at ranks from `start` up to `end`, out of all that could be there."""
    return math.fsum(row[start:end].sum() for row in hits) / (end - start) / len(hits)


def _segfuse(systems: list[Hits], relevant: list[int]) -> Iterator[dict[str, Any]]:
    bounds = list(zip((0, *SEGMENTS[:-1]), SEGMENTS, strict=True))
    yield {"probs": [_short(_share(hits, *bound) for bound in bounds) for hits in systems]}


def _bayesfuse(systems: list[Hits], relevant: list[int]) -> Iterator[dict[str, Any]]:
    def odds(share: float) -> float:
        return math.log((share or 0.001) / ((1 - (share or 0.001)) or 0.001))

    bounds = list(pairwise(BAYES_CUTS))
    yield {
        "log_odds": [
            _short(value for start, end in bounds for value in [odds(_share(hits, start, end))] * (end - start))
            for hits in systems
        ]
    }


TRAINED: dict[str, Callable[[list[Hits], list[int]], Iterator[dict[str, Any]]]] = {
    "mapfuse": _mapfuse,
    "posfuse": _posfuse,
    "slidefuse": _slidefuse,
    "probfuse": _probfuse,
    "segfuse": _segfuse,
    "bayesfuse": _bayesfuse,
}

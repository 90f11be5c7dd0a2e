"""What a measure could be at most about documents that nobody judged: as if they all had the highest grade there is."""

from dataclasses import replace

import numpy as np

from harness.measures import Measure
from harness.measures.judged import Judged
from harness.measures.matches import Matches
from harness.measures.plain import plain
from harness.measures.values import values_at

FIRST = 10  # documents, where a measure has no cutoff


def if_relevant(judged: Judged, measure: Measure, level: int) -> np.ndarray:
    """(Q,) the measure if every unjudged document above its cutoff had the highest grade of the collection.

    Of a measure without a cutoff those among the first ten: at a thousand everything would be possible.

    Not quite a bound for nDCG and MAP, whose ideal grows with the relevant documents: a query whose value would fall
    keeps the one it has.
    """
    filled = _filled(judged, measure.cutoff or FIRST)
    return np.maximum(*(_values(measure, matches, judged.deepest, level) for matches in (judged.matches, filled)))


def _values(measure: Measure, matches: Matches, depth: int, level: int) -> np.ndarray:
    found = plain(measure, matches, level)
    return values_at([measure], matches, matches.ranks, depth, level)[:, 0] if found is None else found


def _filled(judged: Judged, depth: int) -> Matches:
    """The matches with the unjudged documents among the first `depth` judged, numbered first for their grade."""
    old = judged.matches
    queries, highest = len(old.sizes), int(old.grades.max(initial=1))
    places = np.arange(depth) < np.minimum(old.retrieved, depth)[:, None]  # (Q, depth): what was retrieved
    inside = old.ranks < depth
    places[old.rows[inside], old.ranks[inside]] = False
    rows, ranks = np.nonzero(places)
    added = places.sum(axis=1)
    most = int(added.max(initial=0))
    grades = np.zeros((queries, old.grades.shape[1] + most), np.int32)
    columns = np.arange(grades.shape[1])
    new = columns < added[:, None]
    grades[new] = highest
    kept = (columns >= added[:, None]) & (columns < (added + old.sizes)[:, None])
    grades[kept] = old.grades[np.arange(old.grades.shape[1]) < old.sizes[:, None]]
    first = np.concatenate([[0], np.cumsum(added)[:-1]])
    numbers = np.arange(len(rows)) - first[rows]
    return replace(
        old,
        grades=grades,
        sizes=old.sizes + added,
        rows=np.concatenate([old.rows, rows]),
        ranks=np.concatenate([old.ranks, ranks]),
        numbers=np.concatenate([old.numbers + added[old.rows], numbers]).astype(np.int32),
        flat=np.empty(0, np.int64),
    )

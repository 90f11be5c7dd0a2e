"""What equal scores do to a result: how many there are, and where judged documents stand in other orders of ties."""

import numpy as np

from harness.measures.matches import Matches
from harness.runs.rankings import Run


def tie_rate(run: Run) -> float:
    """The share of the run's documents whose float32 score another document of the same query has too."""
    if not run.size:
        return 0.0
    equal = _equal_to_the_one_before(run)
    tied = equal.copy()
    tied[:-1] |= equal[1:]
    return float(np.count_nonzero(tied) / run.size)


def tie_spans(run: Run, matches: Matches) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last rank (H,), from 0, of the documents whose score each judged document shares."""
    starts = np.flatnonzero(~_equal_to_the_one_before(run))
    group = np.searchsorted(starts, matches.flat, side="right") - 1
    ends = np.append(starts, run.size)[group + 1] - 1 if len(group) else group
    shift = matches.ranks - matches.flat
    return starts[group] + shift, ends + shift


def extreme_ranks(run: Run, matches: Matches) -> tuple[np.ndarray, np.ndarray]:
    """The ranks (H,) of the judged documents in the best and in the worst order of tied documents.

    Within a tie the best order has the higher grades first and all judged documents before the others, the worst the
    reverse. No other order within ties raises, or lowers, any of the measures further.
    """
    equal = np.append(_equal_to_the_one_before(run), False)
    best, worst = matches.ranks.copy(), matches.ranks.copy()
    tied = np.flatnonzero(equal[matches.flat] | equal[matches.flat + 1])
    first_of: dict[tuple[int, float], list[int]] = {}
    for hit in tied.tolist():
        key = int(matches.rows[hit]), float(run.scores[matches.flat[hit]])
        first_of.setdefault(key, []).append(hit)
    for hits in first_of.values():
        # Numbers follow descending grades, so the smallest number has the most to give.
        hits.sort(key=lambda hit: int(matches.numbers[hit]))
        start, stop = _tie(run, int(matches.flat[hits[0]]))
        shift = int(matches.ranks[hits[0]]) - int(matches.flat[hits[0]])
        best[hits] = start + shift + np.arange(len(hits))
        worst[hits] = stop + shift - 1 - np.arange(len(hits))
    return best, worst


def _tie(run: Run, row: int) -> tuple[int, int]:
    """The rows, from and up to, of the documents that share query and score with `row`."""
    query = int(np.searchsorted(run.starts, row, side="right")) - 1
    first, last = int(run.starts[query]), int(run.starts[query + 1])
    falling = -run.scores[first:last]
    score = -run.scores[row]
    return first + int(np.searchsorted(falling, score, "left")), first + int(np.searchsorted(falling, score, "right"))


def _equal_to_the_one_before(run: Run) -> np.ndarray:
    """(N,) bool: the document before is of the same query and has the same score."""
    equal = np.zeros(run.size, bool)
    np.equal(run.scores[1:], run.scores[:-1], out=equal[1:])
    equal[run.starts[:-1]] = False
    return equal

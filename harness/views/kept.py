"""What a result shows of its queries without run, judgments and collection: a clone of a results folder has no more.

The first ten ids and scores are in `top.trec.gz`, ranks and grades of the judged documents in `judged.tsv.gz`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import HarnessError
from harness.results import Result, manifest
from harness.views.query_browser import DEPTH, MISSED, Judgments, Missed, Ranked, View, read_run, view


@dataclass(frozen=True)
class Kept:
    """A query as one result knows it: the view, and how many documents are judged and relevant."""

    view: View
    judged: int
    relevant: int


def views_of(result: Result, judged: Judgments | None, query_ids: Sequence[str]) -> dict[str, Kept]:
    """Each query from the run and the judgments where both are at hand, else from what the result has kept.

    Raises HarnessError where neither is here.
    """
    if judged is None or not (result.folder / manifest.RUN).is_file():
        return kept(result, query_ids)
    run = read_run(result)
    return {
        query_id: Kept(
            view(run, judged, query_id), len(judged.by_query.get(query_id, ())), len(judged.relevant(query_id))
        )
        for query_id in query_ids
    }


def kept(result: Result, query_ids: Iterable[str]) -> dict[str, Kept]:
    """query_id -> what `result` has kept of it; a document that the first ten lack has no id, only grade and rank.

    Raises HarnessError for a result of an earlier version, which has kept nothing.
    """
    if not (result.has_top and result.has_judged):
        raise HarnessError(f"{result.tag} on {result.dataset} has kept no documents; run or score it again")
    seen, run = result.seen, result.top
    places = {query_id: row for row, query_id in enumerate(seen.query_ids)}
    found: dict[int, dict[int, int]] = {}  # query -> rank from 1 -> grade
    matches = seen.matches
    hits = np.stack([matches.rows, matches.ranks + 1, matches.grades[matches.rows, matches.numbers]], axis=1)
    for row, rank, grade in hits.tolist():
        found.setdefault(row, {})[rank] = grade
    shown = {}
    for query_id in query_ids:
        row = places[query_id]
        grades, ranks = matches.grades[row, : matches.sizes[row]].tolist(), found.get(row, {})
        doc_ids, scores = run[query_id]
        listed = enumerate(zip(doc_ids[:DEPTH], scores[:DEPTH].tolist(), strict=True), 1)
        top = tuple(Ranked(doc_id, rank, score, ranks.get(rank)) for rank, (doc_id, score) in listed)
        level, retrieved = result.relevance_level, int(matches.retrieved[row])
        below = [Missed("", grade, rank) for rank, grade in ranks.items() if rank > DEPTH and grade >= level]
        gone = Counter(grades) - Counter(ranks.values())
        below += [Missed("", grade, None) for grade, count in gone.items() if grade >= level for _ in range(count)]
        below.sort(key=lambda one: (-one.grade, one.rank or retrieved + 1))
        view = View(top, tuple(below[:MISSED]), len(below), retrieved)
        shown[query_id] = Kept(view, len(grades), sum(grade >= level for grade in grades))
    return shown

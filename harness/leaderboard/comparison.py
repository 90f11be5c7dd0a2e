"""Two systems on one dataset: who wins, by how much, how surely, and on which queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import HarnessError, unknown
from harness.leaderboard.columns import join
from harness.measures import display
from harness.results import Result
from harness.statistics import fixed_point
from harness.statistics.max_t import Block, max_t
from harness.statistics.pairwise import Comparison, all_pairs, judge


@dataclass(frozen=True)
class QueryDifference:
    """One query and what the two systems score on it; `text` is None where the dataset is not at hand."""

    query_id: str
    first: float
    second: float
    text: str | None = None


@dataclass(frozen=True)
class Measured:
    """Two systems under one measure; `queries` are those that differ most, the largest difference first."""

    measure: str
    first_mean: float
    second_mean: float
    comparison: Comparison
    queries: tuple[QueryDifference, ...]


def pick(results: Sequence[Result], tag: str, dataset: str) -> Result:
    """The result of a system on a dataset. Raises HarnessError where there is none, naming what there is."""
    tags = {result.tag for result in results}
    if tag not in tags:
        raise unknown("system", tag, tags)
    here = {result.dataset: result for result in results if result.tag == tag}
    if found := here.get(dataset) or next((result for result in here.values() if result.is_on(dataset)), None):
        return found
    if members := sorted(result.dataset for result in here.values() if result.unit == dataset):
        raise HarnessError(f"{dataset} stands for several datasets; compare on one of them: {', '.join(members)}")
    raise unknown(f"dataset of {tag}", dataset, here)


def compare(
    first: Result,
    second: Result,
    measures: Sequence[str],
    test: str = "t",
    correction: str = "holm",
    alpha: float = 0.05,
    top: int = 10,
    texts: Mapping[str, str] | None = None,
    margin: float | None = None,
) -> list[Measured]:
    """Compare two results of one dataset under each measure; p is corrected over the measures.

    `texts` maps query_id to text. Raises HarnessError where the two are one, or were not measured alike.
    """
    if first.tag == second.tag:
        raise HarnessError(f"{first.tag} can't be compared with itself; name two systems")
    matrices = [join([first, second], measure) for measure in measures]
    for measure, matrix in zip(measures, matrices, strict=True):
        if not matrix.alike(0, 1):
            ((tag, depth),) = matrix.shallow.items()
            what = f"the run of {tag} ends at {depth} documents, and {display(measure)} looks further into the other"
            raise HarnessError(f"{what}; compare by a measure with a cutoff of at most {depth}")
    raw = [
        found
        for measure, matrix in zip(measures, matrices, strict=True)
        for found in all_pairs([matrix], test, alpha, measure, margin)
    ]
    judged = judge(raw, "holm" if correction == "maxt" else correction, alpha)
    if correction == "maxt":  # the measures are of the same queries, so their signs are flipped together
        scores = np.hstack([matrix.scores for matrix in matrices])
        left, right = range(0, 2 * len(measures), 2), range(1, 2 * len(measures), 2)
        found = max_t([Block(scores, left, right, fixed_point.seed("maxt", first.dataset, matrices[0].query_ids))])
        judged = [
            replace(one, corrected=float(p), significant=bool(p <= alpha), corrected_error=float(error))
            for one, p, error in zip(judged, found.corrected, found.corrected_error, strict=True)
        ]
    measured = []
    for measure, matrix, comparison in zip(measures, matrices, judged, strict=True):
        size = np.abs(matrix.scores[:, 0] - matrix.scores[:, 1])
        largest = [place for place in np.argsort(-size, kind="stable")[:top] if size[place] > 0]
        queries = [
            QueryDifference(
                query_id := matrix.query_ids[place],
                float(matrix.scores[place, 0]),
                float(matrix.scores[place, 1]),
                (texts or {}).get(query_id),
            )
            for place in largest
        ]
        measured.append(Measured(measure, matrix.mean(first.tag), matrix.mean(second.tag), comparison, tuple(queries)))
    return measured

"""What to judge next: unjudged documents by how much of the systems' scores hangs on them."""

from collections.abc import Sequence
from typing import NamedTuple

from harness.datasets import Dataset
from harness.results import Result
from harness.views.query_browser import judgments, read_run

PERSISTENCE = 0.8


class Unjudged(NamedTuple):
    """A document that nobody judged for a query, and how many systems have it among their first."""

    query_id: str
    doc_id: str
    weight: float
    systems: int


def unjudged(dataset: Dataset, results: Sequence[Result], depth: int) -> list[Unjudged]:
    """The unjudged documents among the first `depth` of each judged query, the most important first.

    The weight is what a document adds at most to rank-biased precision, summed over systems: Σ (1 - p) p^(rank - 1),
    p = 0.8 (Moffat, Webber, Zobel, SIGIR 2007). Raises HarnessError where a run is not at hand.
    """
    judged = judgments(dataset).by_query
    weights: dict[tuple[str, str], list[float]] = {}
    for result in results:
        run = read_run(result)
        for query_id in judged:
            if query_id not in run:
                continue
            for rank, doc_id in enumerate(run[query_id][0][:depth]):
                if doc_id not in judged[query_id]:
                    weights.setdefault((query_id, doc_id), []).append((1 - PERSISTENCE) * PERSISTENCE**rank)
    found = [Unjudged(*place, sum(sorted(each)), len(each)) for place, each in weights.items()]
    return sorted(found, key=lambda one: (-one.weight, one.query_id, one.doc_id))

"""The second opinion on every scored run: pytrec_eval, which sees ids as strings and orders them by itself."""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.errors import HarnessError
from harness.measures import Measure
from harness.runs.rankings import Run

TOLERANCE = 1e-6
SAMPLE = 1_000_000  # documents; of a larger run, queries spread evenly through it are checked

Judged = Mapping[str, Mapping[str, int]]


def check(
    run: Run,
    judged: Judged,
    measures: Sequence[Measure],
    values: np.ndarray,
    relevance_level: int,
    sample: int = SAMPLE,
) -> int:
    """Compare `values` (Q, M) for the queries of `judged` with pytrec_eval's; return how many queries were compared.

    Raises HarnessError that names the query, the measure and both values where they are more than 1e-6 apart.
    """
    import pytrec_eval

    names = list(judged)
    rows = np.unique(np.linspace(0, len(names) - 1, _count(len(names), run.size, sample)).round().astype(int)).tolist()
    asked = {names[row]: judged[names[row]] for row in rows}
    ranked = {query_id: run[query_id] for query_id in asked if query_id in run}
    evaluator = pytrec_eval.RelevanceEvaluator(
        asked, {_trec_eval_name(measure) for measure in measures if measure.name != "judged"}, relevance_level
    )
    found = evaluator.evaluate(
        {query_id: dict(zip(ids, scores.tolist(), strict=True)) for query_id, (ids, scores) in ranked.items()}
    )
    for row in rows:
        for measure, value in zip(measures, values[row].tolist(), strict=True):
            query_id = names[row]
            if query_id not in ranked:
                expected = 0.0
            elif measure.name == "judged":
                first = ranked[query_id][0][: measure.cutoff]
                expected = sum(doc_id in judged[query_id] for doc_id in first) / len(first)
            else:
                relevant = sum(grade >= relevance_level for grade in judged[query_id].values())
                expected = _as_ours(measure, found[query_id][_trec_eval_name(measure)], relevant)
            if not abs(value - expected) <= TOLERANCE:
                raise HarnessError(
                    f"{measure} of query {query_id!r} is {value!r} by ranx and {expected!r} by pytrec_eval; "
                    "no figure of this run can be trusted, please report it with the run file"
                )
    return len(rows)


def _count(queries: int, documents: int, sample: int) -> int:
    return queries if documents <= sample else max(1, queries * sample // documents)


def _trec_eval_name(measure: Measure) -> str:
    """What trec_eval calls the measure, or the one that `_as_ours` makes it from."""
    name, cutoff = measure
    if name == "mrr":
        return "recip_rank"
    if not cutoff:
        return name
    return {"ndcg": "ndcg_cut", "map": "map_cut", "precision": "P"}.get(name, "recall") + f"_{cutoff}"


def _as_ours(measure: Measure, value: float, relevant: int) -> float:
    """trec_eval's reciprocal rank knows no cutoff, and its recall no cap."""
    if measure.name == "mrr" and measure.cutoff:
        return value if value * measure.cutoff > 1 - TOLERANCE else 0.0
    if measure.name == "recall_cap":
        return value * relevant / min(relevant, measure.cutoff)
    return value

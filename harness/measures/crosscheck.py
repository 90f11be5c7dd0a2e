"""The second opinion on every scored run: pytrec_eval, which sees ids as strings and orders them by itself."""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.errors import HarnessError
from harness.measures import Measure
from harness.measures.from_ir_measures import rebuilt
from harness.measures.judged import Judged as StoredJudged
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
    names = list(judged)
    rows = _spread(len(names), _count(len(names), run.size, sample))
    asked = {names[row]: judged[names[row]] for row in rows}
    ranked = {query_id: run[query_id] for query_id in asked if query_id in run}
    retrieved = {name: dict(zip(ids, scores.tolist(), strict=True)) for name, (ids, scores) in ranked.items()}
    firsts = {query_id: ids for query_id, (ids, _) in ranked.items()}
    _compare(asked, retrieved, firsts, measures, values[rows], relevance_level)
    return len(rows)


def check_judged(judged: StoredJudged, measures: Sequence[Measure], values: np.ndarray, relevance_level: int) -> None:
    """The same for `values` made from stored judgments, on ten queries spread evenly."""
    rows = _spread(len(judged.query_ids), min(10, len(judged.query_ids)))
    asked, retrieved = rebuilt(judged.matches, judged.matches.ranks, rows)
    firsts = {name: list(docs) for name, docs in retrieved.items()}
    _compare(asked, retrieved, firsts, measures, values[rows], relevance_level)


def _compare(
    asked: Judged,
    retrieved: dict[str, dict[str, float]],
    firsts: Mapping[str, Sequence[str]],
    measures: Sequence[Measure],
    values: np.ndarray,
    level: int,
) -> None:
    """Raise HarnessError where a value is another; `values` is (queries of `asked`, measures)."""
    found: dict[Measure, dict[str, float]] = {}
    groups: dict[tuple[int, bool], list[Measure]] = {}
    for measure in measures:
        if _trec_eval_name(measure):
            params = dict(measure.params)
            groups.setdefault((params.get("rel", level), params.get("judged_only", False)), []).append(measure)
    for (rel, judged_only), members in groups.items():
        found |= _by_pytrec_eval(asked, retrieved, members, rel, judged_only)
    for row, query_id in enumerate(asked):
        for measure, value in zip(measures, values[row].tolist(), strict=True):
            if measure.name == "judged":
                first = firsts.get(query_id, ())[: measure.cutoff]
                expected = sum(doc_id in asked[query_id] for doc_id in first) / max(1, len(first))
            elif measure in found:
                expected = found[measure][query_id]
            else:
                continue  # no second engine has it
            if not abs(value - expected) <= TOLERANCE:
                raise HarnessError(
                    f"{measure} of query {query_id!r} is {value!r} by ranx and {expected!r} by pytrec_eval; "
                    "no figure of this run can be trusted, please report it with the run file"
                )


def _by_pytrec_eval(
    asked: Judged, retrieved: dict[str, dict[str, float]], measures: Sequence[Measure], level: int, judged_only: bool
) -> dict[Measure, dict[str, float]]:
    import pytrec_eval

    names = {_trec_eval_name(measure) for measure in measures}
    found = pytrec_eval.RelevanceEvaluator(asked, names, level, judged_docs_only_flag=judged_only).evaluate(retrieved)
    relevant = {query_id: sum(grade >= level for grade in grades.values()) for query_id, grades in asked.items()}
    return {
        measure: {
            query_id: _as_ours(measure, found[query_id][_trec_eval_name(measure)], relevant[query_id])
            if query_id in found
            else 0.0
            for query_id in asked
        }
        for measure in measures
    }


def _spread(queries: int, count: int) -> list[int]:
    return np.unique(np.linspace(0, queries - 1, count).round().astype(int)).tolist()


def _count(queries: int, documents: int, sample: int) -> int:
    return queries if documents <= sample else max(1, queries * sample // documents)


PLAIN = {"mrr": "recip_rank", "bpref": "bpref", "infap": "infAP", "rprec": "Rprec", "setr": "set_recall",
         "setap": "set_map", "ndcg": "ndcg", "map": "map"}  # fmt: skip
CUT = {"ndcg": "ndcg_cut", "map": "map_cut", "precision": "P", "recall": "recall", "recall_cap": "recall",
       "success": "success"}  # fmt: skip


def _trec_eval_name(measure: Measure) -> str:
    """What trec_eval calls the measure, or the one that `_as_ours` makes it from; empty where it has none."""
    name, cutoff, params = measure
    if "dcg" in dict(params):
        return ""
    if name == "setp":
        return "set_relative_P" if "relative" in dict(params) else "set_P"
    return f"{CUT[name]}_{cutoff}" if cutoff and name in CUT else PLAIN.get(name, "")


def _as_ours(measure: Measure, value: float, relevant: int) -> float:
    """trec_eval's reciprocal rank knows no cutoff, and its recall no cap."""
    if measure.name == "mrr" and measure.cutoff:
        return value if value * measure.cutoff > 1 - TOLERANCE else 0.0
    if measure.name == "recall_cap":
        return value * relevant / min(relevant, measure.cutoff) if relevant else 0.0
    return value

"""A run and its judgments become per-query scores: by ranx, over one denominator, and checked by pytrec_eval.

Every mean is over the judged queries: those with a document of at least `relevance_level`. A query of them that the run
does not answer scores 0. The order of documents is the run's own total order, never a library's.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from harness import errors
from harness.errors import HarnessError
from harness.measures import DEFAULT_MEASURES, LARGEST_GRADE, Measure, crosscheck, display, parse, parse_measure
from harness.measures.judged import Judged
from harness.measures.matches import Matches
from harness.measures.matching import match
from harness.measures.scores import Scores, mean, read_scores, write_scores
from harness.measures.ties import extreme_ranks, tie_rate, tie_spans
from harness.measures.values import values_at
from harness.records import Qrel
from harness.runs.rankings import Run, mismatch

__all__ = ["DEFAULT_MEASURES", "Scores", "display", "mean", "parse_measure", "read_scores", "score", "write_scores"]

WIDE_BAND = 1e-4  # a tie band up to this width changes no printed digit
HIGH_TIE_RATE = 0.2  # half-precision scores tie 0.6 of the first 1000, float32 ones next to nothing


def score(
    run: Run, qrels: Iterable[Qrel], measures: Sequence[str] = DEFAULT_MEASURES, relevance_level: int = 1
) -> Scores:
    """Score `run` with each of `measures` (see there for their names) against `qrels`.

    Binary measures count a document as relevant from grade `relevance_level` on; nDCG uses the grades. Judged queries
    without any such document are in no mean and are named in the notes, as are queries of the run without judgments.
    Raises HarnessError for an unknown measure, qrels without a positive or with a pair twice, a run of other queries,
    and where pytrec_eval comes to another value (more than 1e-6 apart).
    """
    wanted = list(dict.fromkeys(parse(text) for text in measures))
    judged = by_query(qrels)
    counted = {
        query_id: grades for query_id, grades in judged.items() if max(grades.values(), default=0) >= relevance_level
    }
    if not counted:
        raise HarnessError(f"none of the {len(judged)} judged queries has a document of relevance >= {relevance_level}")
    if what := mismatch(run, judged.keys()):
        raise HarnessError(what)
    seen = judge(run, counted)
    matches = seen.matches
    values = values_at(wanted, matches, matches.ranks, run.deepest, relevance_level)
    checked = crosscheck.check(run, counted, wanted, values, relevance_level)
    rate, band = tie_rate(run), _tie_band(run, matches, wanted, values, relevance_level)
    notes = [
        *_named(judged.keys() - counted.keys(), f"have no document of relevance >= {relevance_level}: in no mean"),
        *_named(set(run.query_ids) - judged.keys(), "of the run have no judgments: left out"),
        *([f"{rate:.0%} of the scores are tied with another of their query"] if rate > HIGH_TIE_RATE else []),
        *([f"cross-checked on {checked} of {len(counted)} queries"] if checked < len(counted) else []),
    ]
    return Scores(
        query_ids=tuple(counted),
        measures=tuple(map(str, wanted)),
        values=values,
        answered=int(np.count_nonzero(matches.retrieved)),
        tie_rate=rate,
        tie_band=band,
        notes=tuple(notes),
        seen=seen,
    )


def judge(run: Run, counted: Mapping[str, Mapping[str, int]]) -> Judged:
    """What a measure has to see of `run`: where the judged documents of each query stand."""
    matches = match(run, counted)
    return Judged(tuple(counted), matches, *tie_spans(run, matches))


def by_query(qrels: Iterable[Qrel]) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for query_id, doc_id, relevance in qrels:
        grades = judged.setdefault(query_id, {})
        if doc_id in grades:
            raise HarnessError(f"document {doc_id!r} is judged twice for query {query_id!r}")
        if abs(relevance) > LARGEST_GRADE:
            raise HarnessError(
                f"the grade {relevance} of document {doc_id!r} for query {query_id!r} is beyond {LARGEST_GRADE:,}"
            )
        grades[doc_id] = relevance
    return judged


def _tie_band(
    run: Run, matches: Matches, measures: Sequence[Measure], values: np.ndarray, level: int
) -> dict[str, tuple[float, float]]:
    """The mean of each measure in the worst and the best order of tied documents, where they are not the same."""
    best, worst = extreme_ranks(run, matches)
    if np.array_equal(best, worst):
        return {}
    low = values_at(measures, matches, worst, run.deepest, level)
    high = values_at(measures, matches, best, run.deepest, level)
    bands = {str(m): (mean(low[:, i]), mean(high[:, i])) for i, m in enumerate(measures)}
    return {measure: band for measure, band in bands.items() if band[1] - band[0] > WIDE_BAND}


def _named(query_ids: set[str], what: str) -> list[str]:
    """One sentence that counts the queries and names the first ten; none where there are none."""
    names = sorted(query_ids)
    what = what.replace("have", "has", 1) if len(names) == 1 else what
    listed = f"{', '.join(names[:10])}{', …' * (len(names) > 10)}"
    return [f"{errors.counted(len(names), 'query')} {what} ({listed})"] if names else []

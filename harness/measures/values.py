"""Each measure of each query, from ranks and grades alone: by a kernel of our own, by ranx, or by ir_measures.

The first of them that has the measure is asked. RBP and ERR are our own: ir_measures hands RBP to a package that wants
a grade for it and ERR to a script in Perl that takes no ids but numbers.
"""

from collections.abc import Sequence

import numpy as np

from harness.errors import HarnessError
from harness.measures import Measure
from harness.measures.matches import Matches
from harness.measures.ranx_kernels import RANX_NAMES, compute

BEYOND = 1 << 40  # a rank that no measure looks at
GRADED = {"ndcg", "err"}  # these use grades; all others ask whether a document is relevant


def values_at(measures: Sequence[Measure], matches: Matches, ranks: np.ndarray, depth: int, level: int) -> np.ndarray:
    """(Q, M) float64: each measure of each query, with the retrieved judged documents at `ranks`, from 0.

    `depth` is how many documents any query has; `level` the grade from which a document is relevant, where the measure
    has no `rel` of its own. Raises HarnessError for a measure that these grades don't suit.
    """
    columns = [_column(measure, matches, ranks, max(1, depth), level) for measure in measures]
    return np.stack(columns, axis=1) if columns else np.empty((len(matches.sizes), 0))


def _column(measure: Measure, matches: Matches, ranks: np.ndarray, depth: int, level: int) -> np.ndarray:
    params = dict(measure.params)
    level = params.get("rel", level)
    if params.get("judged_only"):
        ranks = _among_judged(matches, ranks)
    if measure.name in OWN:
        return OWN[measure.name](measure, matches, ranks, level)
    if measure.name not in RANX_NAMES:
        from harness.measures.from_ir_measures import compute as others

        return others(measure, matches, ranks, level)
    run, qrels = matches.ranking(ranks, depth), matches.qrels()
    if measure.name == "judged":
        hits = compute(measure, matches.all_judged(), run, 1)
        return hits / np.clip(matches.retrieved, 1, measure.cutoff)
    if measure.name == "recall_cap":
        relevant = np.count_nonzero(matches.grades >= level, axis=1)
        hits = compute(measure, qrels, run, level)
        return over(hits, np.minimum(relevant, measure.cutoff))
    return compute(measure, qrels, run, 1 if measure.name in GRADED else level)


def _among_judged(matches: Matches, ranks: np.ndarray) -> np.ndarray:
    """The ranks that are left when unjudged documents are passed over; a grade below 0 is none (trec_eval)."""
    kept = np.flatnonzero(matches.grades[matches.rows, matches.numbers] >= 0)
    order = kept[np.lexsort((ranks[kept], matches.rows[kept]))]
    found = np.full(len(ranks), BEYOND)
    found[order] = np.arange(len(order)) - np.searchsorted(matches.rows[order], matches.rows[order])
    return found


def _rbp(measure: Measure, matches: Matches, ranks: np.ndarray, level: int) -> np.ndarray:
    """(1 - p) Σ p^(rank - 1) over the relevant documents (Moffat, Zobel, TOIS 27, 2008); what is unjudged has none."""
    p = measure.param("p")
    hit = matches.grades[matches.rows, matches.numbers] >= level
    if measure.cutoff:
        hit &= ranks < measure.cutoff
    return (1 - p) * _sums(matches, matches.rows[hit], p ** ranks[hit].astype(np.float64))


def _err(measure: Measure, matches: Matches, ranks: np.ndarray, level: int) -> np.ndarray:
    """Σ over ranks r of 1 / r · R_r Π_{i < r} (1 - R_i), R = (2^grade - 1) / 2^max_rel (Chapelle et al., CIKM 2009)."""
    most = measure.param("max_rel")
    if (highest := int(matches.grades.max(initial=0))) > most:
        cure = measure._replace(params=(("max_rel", highest),)).display
        raise HarnessError(
            f"{measure.display} takes grades up to {most}, and there is a {highest} here; ask for {cure}"
        )
    grades = matches.grades[matches.rows, matches.numbers]
    stop = (np.exp2(np.maximum(grades, 0)) - 1) / np.exp2(most)
    if measure.cutoff:
        stop = np.where(ranks < measure.cutoff, stop, 0.0)
    values = np.zeros(len(matches.sizes))
    going = np.ones(len(matches.sizes))  # the chance that a reader has not stopped yet
    for hit in np.lexsort((ranks, matches.rows)).tolist():
        row = matches.rows[hit]
        values[row] += going[row] * stop[hit] / (ranks[hit] + 1)
        going[row] *= 1 - stop[hit]
    return values


def _sums(matches: Matches, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(rows, weights=values, minlength=len(matches.sizes)).astype(np.float64)


def over(hits: np.ndarray, most: np.ndarray) -> np.ndarray:
    """`hits` out of `most`; 0 where there is nothing to find, as it can be by a `rel` of one's own."""
    return np.divide(hits, most, out=np.zeros(len(hits)), where=most > 0)


OWN = {"rbp": _rbp, "err": _err}

"""What neither we nor ranx have, by ir_measures: runs and judgments are rebuilt from ranks and grades, ids made up."""

import numpy as np

from harness.errors import HarnessError
from harness.measures import Measure
from harness.measures.matches import Matches

NAMES = {
    "ndcg": "nDCG", "mrr": "RR", "map": "AP", "recall": "R", "precision": "P", "judged": "Judged", "success": "Success",
    "rprec": "Rprec", "rbp": "RBP", "err": "ERR", "bpref": "Bpref", "infap": "infAP", "setp": "SetP", "setr": "SetR",
    "setap": "SetAP", "setf": "SetF", "iprec": "IPrec", "compat": "Compat",
}  # fmt: skip
ASK_REL = {"mrr", "map", "recall", "precision", "success", "rprec", "bpref", "infap", "setp", "setr", "setap", "setf",
           "iprec", "rbp"}  # fmt: skip
SEES_JUDGED_ALONE = {"bpref"}  # documents without a judgment make no difference, so none is rebuilt


def name_of(measure: Measure, level: int = 1) -> str | None:
    """The name that `ir_measures.parse_measure` reads; None for one that it lacks. `level` is the dataset's own."""
    if measure.name not in NAMES:
        return None
    params = dict(measure.params)
    at = params.pop("recall", measure.cutoff or None)
    rel = params.get("rel", level)
    if measure.name in ASK_REL and rel > 1:
        params["rel"] = rel
    if params.pop("max_rel", 4) != 4:
        return None  # its ERR knows no other scale
    inside = ",".join(f"{key}={value!r}" for key, value in params.items())
    return NAMES[measure.name] + (f"({inside})" if inside else "") + ("" if at is None else f"@{at}")


def compute(measure: Measure, matches: Matches, ranks: np.ndarray, level: int) -> np.ndarray:
    """(Q,) the measure by ir_measures, 0 where a query has no results. Raises HarnessError where it fails."""
    import ir_measures

    name = name_of(measure._replace(params=_plain(measure)), level)
    if name is None:
        raise HarnessError(f"{measure.display}: nothing here has this measure")
    wanted = ir_measures.parse_measure(name)
    fill = measure.name not in SEES_JUDGED_ALONE and "judged_only" not in dict(measure.params)
    qrels, run = rebuilt(matches, ranks, range(len(matches.sizes)), fill)
    values = np.zeros(len(matches.sizes))
    try:
        for one in ir_measures.iter_calc([wanted], qrels, run):
            values[int(one.query_id)] = one.value
    except (RuntimeError, ValueError) as error:
        raise HarnessError(f"{measure.display}: ir_measures fails ({error})") from error
    if not np.isfinite(values).all():
        raise HarnessError(f"{measure.display}: ir_measures gives a value that is no finite number")
    return values


def _plain(measure: Measure) -> tuple[tuple[str, object], ...]:
    """Without `judged_only`, which has been seen to: ranks are already among judged documents."""
    return tuple((key, value) for key, value in measure.params if key != "judged_only")


def rebuilt(
    matches: Matches, ranks: np.ndarray, rows: "range | list[int]", fill: bool = True
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Judgments and run of these rows as dictionaries, by the row's number; a document is its number, or its rank.

    Scores fall from rank to rank, so no library sees a tie. Without `fill` what is unjudged is left out of the run.
    """
    qrels, run = {}, {}
    order = np.lexsort((ranks, matches.rows))
    starts = np.searchsorted(matches.rows[order], np.arange(len(matches.sizes) + 1))
    for row in rows:
        grades = matches.grades[row, : matches.sizes[row]].tolist()
        qrels[str(row)] = {f"d{number}": grade for number, grade in enumerate(grades)}
        hits = order[starts[row] : starts[row + 1]]
        size = int(matches.retrieved[row])
        at = dict(zip(ranks[hits].tolist(), matches.numbers[hits].tolist(), strict=True))
        places = range(size) if fill else sorted(rank for rank in at if rank < size)
        listed = [f"d{at[rank]}" if rank in at else f"u{rank}" for rank in places]
        if listed:
            run[str(row)] = {doc: float(len(listed) - place) for place, doc in enumerate(listed)}
    return qrels, run

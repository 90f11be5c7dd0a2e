"""A measure of a run that is not there any more: made of its stored judgments, and checked by another engine."""

import numpy as np

from harness.host.recalled import recalled
from harness.measures import Measure
from harness.measures.judged import Judged


def made(judged: Judged, measure: Measure, level: int) -> np.ndarray:
    """(Q,) the measure, by `values`, of which ten are checked; computed once for a cache. Raises as `values_at`."""
    (values,) = recalled(tuple, _made, judged, measure, level)
    return values


def _made(judged: Judged, measure: Measure, level: int) -> np.ndarray:
    from harness.measures import crosscheck  # these import ranx
    from harness.measures.values import values_at

    values = values_at([measure], judged.matches, judged.matches.ranks, judged.deepest, level)
    crosscheck.check_judged(judged, [measure], values, level)
    return values[:, 0]

"""ranx's measures on arrays that hold small numbers for document ids.

They are called directly, as `ranx.evaluate` sets the number of threads and fails on one measure of arrays with
`return_mean=False` (KeyError in 0.3.21).
"""

import numpy as np

from harness.host.ranx_door import ranx_metrics
from harness.measures import Measure

RANX_NAMES = {
    "ndcg": "ndcg",
    "success": "hit_rate",
    "rprec": "r_precision",
    "mrr": "reciprocal_rank",
    "map": "average_precision",
    "recall": "recall",
    "recall_cap": "hits",
    "precision": "precision",
    "judged": "hits",
}


def compute(measure: Measure, qrels: np.ndarray, run: np.ndarray, relevance_level: int) -> np.ndarray:
    """ranx's value of `measure` for each of Q queries; the number of hits where ranx has no such measure.

    qrels: (Q, J, 2) int32, pairs of document number and grade, grades descending; run: (Q, K, 2) int32, pairs of
    document number and a strictly decreasing score, best first. Returns (Q,) float64.
    """
    with ranx_metrics() as metrics:
        exponential = measure.name == "ndcg" and measure.param("dcg") == "exp-log2"
        kernel = getattr(metrics, "ndcg_burges" if exponential else RANX_NAMES[measure.name])
        values: np.ndarray = kernel(qrels, run, measure.cutoff, relevance_level)
    return values

"""Documents of a run that its collection does not have: ids that lost their zeros, or the run of another collection."""

import numpy as np
import pyarrow as pa

from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.runs import Run

MOST = 0.9  # of a run's documents; beyond it the ids are of something else
ENOUGH = 100  # documents of which, without a collection, one at least has to be judged


def notes(run: Run, dataset: Dataset) -> list[str]:
    """A note that counts the run's documents that are not known, with an example; none where all are.

    Without the collection only what is judged is known, and most of a run is not: there is a note only where none of
    its documents is judged for any query. Raises HarnessError where nearly all are strange: their scores say nothing.
    """
    hashes, first = np.unique(run.hashes, return_index=True)
    known = dataset.knows(hashes)
    strange = int(np.count_nonzero(~known))
    if not strange:
        return []
    example = min(run.doc_ids.take(pa.array(first[~known])).slice(0, 10_000).to_pylist())
    if dataset.corpus_file is None:
        if known.any():
            return []
        what = f"none of the run's {len(hashes)} documents is judged for any query, {example!r} for one"
        refused = len(hashes) >= ENOUGH
    else:
        what = f"{strange} of the run's {len(hashes)} documents are not in the collection, {example!r} for one"
        refused = strange > MOST * len(hashes)
    like = next((qrel.doc_id for qrel in dataset.qrels() if qrel.relevance > 0), "")
    if refused:
        raise HarnessError(f"{what}; its ids are like {like!r}: did they lose zeros, or is it of another collection?")
    return [f"{what}; they count as not relevant"]

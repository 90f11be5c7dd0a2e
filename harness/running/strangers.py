"""Documents of a run that its collection does not have: ids that lost their zeros, or the run of another collection."""

import numpy as np
import pyarrow as pa

from harness.datasets import Dataset
from harness.errors import HarnessError, counted, printable
from harness.runs import Run

MOST = 0.9  # of a run's documents; beyond it the ids are of something else
ENOUGH = 100  # documents of which, without a collection, one at least has to be judged


def notes(run: Run, dataset: Dataset) -> list[str]:
    """A note that counts the run's documents that are not known, with an example; none where all are.

    Without the collection only what is judged is known, and most of a run is not: then the note tells how many
    documents are, and in how many queries none is, which lost ids look like. Raises HarnessError where nearly all are
    strange, or none of many is judged: their scores say nothing.
    """
    hashes, first, back = np.unique(run.hashes, return_index=True, return_inverse=True)
    known = dataset.knows(hashes)
    strange = int(np.count_nonzero(~known))
    if not strange:
        return []
    example = printable(min(run.doc_ids.take(pa.array(first[~known])).slice(0, 10_000).to_pylist()))
    total = counted(len(hashes), "document")
    if dataset.corpus_file is None:
        judged = len(hashes) - strange
        what = f"{judged} of the run's {total} {'is' if judged == 1 else 'are'} judged for some query"
        lost = int(np.count_nonzero(~np.logical_or.reduceat(known[back], run.starts[:-1])))
        what += f", and in {lost} of its {len(run)} queries none is" * bool(lost)
        said = f"the collection is not at hand, so ids can't be checked, such as {example!r}: {what}"
        refused = strange == len(hashes) >= ENOUGH
    else:
        are, they = ("is", "it counts") if strange == 1 else ("are", "they count")
        what = f"{strange} of the run's {total} {are} not in the collection, {example!r} for one"
        said = f"{what}; {they} as not relevant"
        refused = strange > MOST * len(hashes)
    if refused:
        like = next((qrel.doc_id for qrel in dataset.qrels() if qrel.relevance > 0), "")
        ours = f"its ids are like {example!r}, and those of the judgments like {like!r}"
        raise HarnessError(f"{what}; {ours}: did they lose zeros, or is it of another collection?")
    return [said]

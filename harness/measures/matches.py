"""A run and its judgments as small integer arrays, which is all that a measure needs to see."""

from dataclasses import dataclass

import numpy as np

UNJUDGED = -1


@dataclass(frozen=True)
class Matches:
    """The judgments of Q queries, and the H judged documents that the run retrieved for them.

    A query's judged documents are numbered by descending grade. Ranks count from 0 here.
    """

    grades: np.ndarray  # (Q, J) int32: grade of each query's judged documents, descending; filled up with 0
    sizes: np.ndarray  # (Q,) judged documents of each query
    retrieved: np.ndarray  # (Q,) documents that the run has for each query
    rows: np.ndarray  # (H,) which query
    ranks: np.ndarray  # (H,) its rank in the run
    numbers: np.ndarray  # (H,) its number among the query's judged documents
    flat: np.ndarray  # (H,) its row in the run's flat arrays

    def qrels(self) -> np.ndarray:
        """(Q, J, 2) int32, pairs of document number and grade, by descending grades as ranx silently expects them."""
        return np.stack(np.broadcast_arrays(np.arange(self.grades.shape[1], dtype=np.int32), self.grades), axis=-1)

    def all_judged(self) -> np.ndarray:
        """(Q, J, 2) int32: as `qrels`, with grade 1 for whatever has a judgment."""
        judged = np.arange(self.grades.shape[1]) < self.sizes[:, None]
        return np.stack(np.broadcast_arrays(np.arange(self.grades.shape[1]), judged), axis=-1).astype(np.int32)

    def ranking(self, ranks: np.ndarray, depth: int) -> np.ndarray:
        """(Q, depth, 2) int32 for ranx: at each rank the document's number or UNJUDGED, and a strictly falling score.

        `ranks` (H,) says where the retrieved judged documents stand: `self.ranks`, or what a tie band makes of it.
        """
        run = np.empty((len(self.sizes), depth, 2), np.int32)
        run[:, :, 0] = UNJUDGED
        run[:, :, 1] = np.arange(depth, 0, -1)
        inside = ranks < depth
        run[self.rows[inside], ranks[inside], 0] = self.numbers[inside]
        return run

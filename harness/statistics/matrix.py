"""Per-query scores of several systems on one dataset, as an array that the tests take."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """The systems that have one dataset: `scores` is (queries, systems), queries in ascending order of their id.

    `reach` is how far into each run the measure sees, its cutoff or the end of the run. Systems of different reach were
    not measured alike: their scores stand side by side, and no difference between them is tested. Empty: all are alike.
    """

    dataset: str
    tags: tuple[str, ...]
    query_ids: tuple[str, ...]
    scores: np.ndarray
    reach: tuple[float, ...] = ()

    def alike(self, first: int, second: int) -> bool:
        """Whether the systems of these numbers may be compared."""
        return not self.reach or self.reach[first] == self.reach[second]

    @property
    def shallow(self) -> dict[str, int]:
        """The systems whose runs end before the measure does and before another's, with the depth at which they end."""
        deepest = max(self.reach, default=0)
        return {tag: int(depth) for tag, depth in zip(self.tags, self.reach, strict=False) if depth < deepest}

    def mean(self, tag: str) -> float:
        """Mean over the judged queries, correctly rounded (so the same on every machine)."""
        return math.fsum(self.scores[:, self.tags.index(tag)]) / len(self.query_ids)

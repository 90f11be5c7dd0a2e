"""Queries of the joint search, and the bounds that both of its paths, CPU and accelerator, count with."""

from typing import NamedTuple

import numpy as np

from retrievers.search.exact_margin import UNIT

LARGEST_SCORE = 1e38


class JointQueries(NamedTuple):
    """Encoded queries: dense parts fp32 (Q, d'), vocabulary vectors fp32 (Q, V). With d' = 0 the sparse part counts
    alone."""

    dense: np.ndarray
    vocabulary: np.ndarray

    def part(self, which: slice) -> "JointQueries":
        """Some of the queries."""
        return JointQueries(self.dense[which], self.vocabulary[which])


def gamma(terms: int) -> float:
    """The relative error bound of an fp32 sum of so many products."""
    return terms * UNIT / (1 - terms * UNIT)

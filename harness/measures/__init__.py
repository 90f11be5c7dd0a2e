"""The names of the measures, and what each one needs. Imports nothing heavy, so that listing and checking them is free.

All are ranx strings, `name` or `name@cutoff`, except three that ranx lacks or names otherwise:

| name          | printed | value for one query                                                                       |
|---------------|---------|-------------------------------------------------------------------------------------------|
| `ndcg@k`      | nDCG@k  | linear gain (the grade), discount log2(rank + 1), over the ideal order (Järvelin 2002)    |
| `mrr@k`       | MRR@k   | 1 / rank of the first relevant document among the first k, else 0 (MS MARCO's official)   |
| `map`         | MAP     | mean over the relevant documents of the precision at their ranks, 0 where not retrieved   |
| `recall@k`    | R@k     | share of the relevant documents that are among the first k                                |
| `recall_cap@k`| R_cap@k | the same, out of the k that can be found at most: hits / min(k, relevant) (BEIR's paper)  |
| `precision@k` | P@k     | share of k places that hold a relevant document                                           |
| `judged@k`    | J@k     | share of the first k retrieved documents that have a judgment, whatever its grade         |

"Relevant" is a grade of at least the collection's `relevance_level`; nDCG alone uses the grades themselves, and those
below 1 have no gain. A query without results scores 0 in all of them.
"""

import re
from typing import NamedTuple

from harness.errors import HarnessError, unknown

PRINTED = {
    "ndcg": "nDCG",
    "mrr": "MRR",
    "map": "MAP",
    "recall": "R",
    "recall_cap": "R_cap",
    "precision": "P",
    "judged": "J",
}
LARGEST_GRADE = 1_000  # graded judgments go to 4 or so; trec_eval takes time and memory that grow with the largest
WITHOUT_CUTOFF = {"ndcg", "mrr", "map"}  # these may run over the whole ranking

DEFAULT_MEASURES = (
    "ndcg@10",
    "mrr@10",
    "map",
    "recall@100",
    "recall@1000",
    "recall_cap@100",
    "precision@10",
    "judged@10",
)


class Measure(NamedTuple):
    """One measure; `cutoff` 0 is the whole ranking."""

    name: str
    cutoff: int

    def __str__(self) -> str:
        return f"{self.name}@{self.cutoff}" if self.cutoff else self.name


def parse_measure(text: str) -> Measure:
    """`ndcg@10` -> Measure("ndcg", 10). Raises HarnessError that names the nearest measure, or what is wrong."""
    name, at, cutoff = text.partition("@")
    if name not in PRINTED:
        raise unknown("measure", name, PRINTED)
    if at and not re.fullmatch(r"[1-9][0-9]{0,8}", cutoff):
        raise HarnessError(f"measure {text!r}: the cutoff after '@' is a whole number from 1")
    if not at and name not in WITHOUT_CUTOFF:
        raise HarnessError(f"measure {text!r} needs a cutoff, as in '{name}@10'")
    return Measure(name, int(cutoff) if at else 0)


def display(text: str) -> str:
    """How a measure is printed: `ndcg@10` -> `nDCG@10`."""
    measure = parse_measure(text)
    return f"{PRINTED[measure.name]}@{measure.cutoff}" if measure.cutoff else PRINTED[measure.name]

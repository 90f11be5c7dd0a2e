"""The in-memory form of a run, and the one total order every run is in. Knows no file, no judgment and no measure.

The total order is trec_eval's: score descending, compared as float32, then doc_id descending. trec_eval compares ids
with `strcmp` on their UTF-8 bytes; UTF-8 keeps the order of code points, so that is Python's comparison of `str`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import HarnessError
from harness.runs.text_hashes import hash_texts

TEXT = pa.large_string()  # 64-bit offsets: the ids of a large run may exceed 2 GB
Excluded = Mapping[str, Set[str]]  # query_id -> documents that are never a result of it


@dataclass(frozen=True, eq=False)
class Run:
    """What one system retrieved: Q answered queries with N documents in all, each query's documents in the total order.

    A query without documents is not in the run, because a run file cannot tell it from one that was never asked.
    The documents of query number i are the rows `starts[i]` to `starts[i + 1] - 1` of the flat arrays.
    """

    query_ids: tuple[str, ...]  # Q, in the order of the queries asked, or of the file
    starts: np.ndarray  # (Q + 1,) int64
    doc_ids: pa.LargeStringArray  # (N,) never twice within a query
    scores: np.ndarray  # (N,) float32, finite
    dropped_self: int = 0  # own documents of queries that were taken out by `order`
    notes: tuple[str, ...] = ()  # what is odd about the file it was read from
    header: Mapping[str, Any] = field(default_factory=dict)  # what the comments of that file say

    def __len__(self) -> int:
        return len(self.query_ids)

    def __iter__(self) -> Iterator[tuple[str, list[str], np.ndarray]]:
        """Yield query_id, doc_ids (best first) and scores (float32), query by query."""
        for number, query_id in enumerate(self.query_ids):
            start, stop = int(self.starts[number]), int(self.starts[number + 1])
            yield query_id, self.doc_ids.slice(start, stop - start).to_pylist(), self.scores[start:stop]

    def __getitem__(self, query_id: str) -> tuple[list[str], np.ndarray]:
        """The doc_ids (best first) and scores (float32) of a query; both empty for a query that has no results."""
        number = self.positions.get(query_id)
        if number is None:
            return [], np.empty(0, np.float32)
        start, stop = int(self.starts[number]), int(self.starts[number + 1])
        return self.doc_ids.slice(start, stop - start).to_pylist(), self.scores[start:stop]

    def __contains__(self, query_id: str) -> bool:
        return query_id in self.positions

    def __eq__(self, other: object) -> bool:
        """Same queries in the same order, with the same documents and bit-identical scores."""
        return (
            isinstance(other, Run)
            and self.query_ids == other.query_ids
            and np.array_equal(self.starts, other.starts)
            and self.doc_ids.equals(other.doc_ids)
            and np.array_equal(self.scores, other.scores)
        )

    @cached_property
    def positions(self) -> dict[str, int]:
        """The number of each query by its id."""
        return {query_id: number for number, query_id in enumerate(self.query_ids)}

    @cached_property
    def hashes(self) -> np.ndarray:
        """(N,) uint64: equal for equal doc_ids, and very likely different for different ones."""
        return hash_texts(self.doc_ids)

    @property
    def size(self) -> int:
        """Documents in all, which are the lines of the run file: N."""
        return len(self.scores)

    @property
    def deepest(self) -> int:
        """The number of documents of the query that has most."""
        return int(np.diff(self.starts).max(initial=0))


def total_order(doc_ids: Sequence[str], scores: np.ndarray) -> np.ndarray:
    """The permutation that puts one query into the total order, given distinct ids and finite float32 scores."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    sizes = np.diff(starts, append=len(ranked))
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        tied = order[start : start + size].tolist()
        order[start : start + size] = sorted(tied, key=doc_ids.__getitem__, reverse=True)
    return order


def best_first(doc_ids: Sequence[str], scores: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """One query's documents and scores in the total order."""
    order = total_order(doc_ids, scores)
    return pa.array([doc_ids[i] for i in order.tolist()], TEXT), scores[order]


def is_ordered(run: Run) -> bool:
    """Whether each query's documents are in the total order; far faster than putting them in it."""
    inside = np.ones(run.size, bool)
    inside[run.starts[:-1]] = False  # a query's first row has none before it
    rises = run.scores[1:] > run.scores[:-1]
    if (rises & inside[1:]).any():
        return False
    tied = np.flatnonzero((run.scores[1:] == run.scores[:-1]) & inside[1:])
    above, below = run.doc_ids.take(pa.array(tied)), run.doc_ids.take(pa.array(tied + 1))
    return bool(pc.all(pc.greater(above, below), min_count=0).as_py())


def may_repeat(run: Run) -> bool:
    """False only if no query has a document twice; True for one in 2^64 pairs of different documents as well."""
    for start, stop in pairwise(run.starts.tolist()):
        ranked = np.sort(run.hashes[start:stop])
        if (ranked[1:] == ranked[:-1]).any():
            return True
    return False


def as_float32(scores: np.ndarray) -> np.ndarray:
    """float64 rounded once, as trec_eval does with what it reads; negative zero becomes zero, which it is equal to."""
    with np.errstate(over="ignore"):
        return scores.astype(np.float32) + np.float32(0)


def fit(ids: pa.LargeStringArray) -> bool:
    """Whether a run file can carry every id: none is empty, has white space (of ASCII) or a control character."""
    if not len(ids):
        return True
    _, offsets, data = ids.buffers()
    bounds = np.frombuffer(offsets, np.int64)[ids.offset : ids.offset + len(ids) + 1]
    text = np.frombuffer(data or b"", np.uint8)[bounds[0] : bounds[-1]]
    return bool((bounds[1:] > bounds[:-1]).all() and text.min() > ord(" "))


def assemble(ranked: Mapping[str, tuple[pa.Array, np.ndarray]], dropped_self: int = 0) -> Run:
    """A Run from each query's ids and scores that are in the total order; queries without documents are left out."""
    answered = {query_id: pair for query_id, pair in ranked.items() if len(pair[1])}
    return Run(
        tuple(answered),
        np.cumsum([0, *(len(scores) for _, scores in answered.values())], dtype=np.int64),
        pa.concat_arrays([ids for ids, _ in answered.values()]) if answered else pa.array([], TEXT),
        np.concatenate([scores for _, scores in answered.values()]) if answered else np.empty(0, np.float32),
        dropped_self,
    )


def out_of(query_id: str, exclude_self: bool, excluded: Excluded | None) -> Set[str]:
    """The documents that are never a result of a query."""
    listed = excluded.get(query_id, frozenset()) if excluded else frozenset[str]()
    return listed | {query_id} if exclude_self else listed


def cut(run: Run, k: int, exclude_self: bool, excluded: Excluded | None = None) -> Run:
    """The first k documents of each query, after those that are never a result of it are dropped if so asked."""
    if k < 1:
        raise HarnessError(f"a depth of {k}: keep at least 1 document a query")
    if run.deepest <= k and not exclude_self and not excluded:
        return run
    dropped = 0
    kept: dict[str, tuple[pa.Array, np.ndarray]] = {}
    for query_id, doc_ids, scores in run:
        never = out_of(query_id, exclude_self, excluded)
        others = [row for row, doc_id in enumerate(doc_ids) if doc_id not in never]
        dropped += len(doc_ids) - len(others)
        kept[query_id] = pa.array([doc_ids[row] for row in others[:k]], TEXT), scores[others[:k]]
    return replace(assemble(kept, run.dropped_self + dropped), notes=run.notes, header=run.header)


def top(run: Run, query_ids: Iterable[str], k: int) -> Run:
    """The first k documents of these queries."""
    firsts = ((query_id, *run[query_id]) for query_id in query_ids)
    return assemble({query_id: (pa.array(ids[:k], TEXT), scores[:k]) for query_id, ids, scores in firsts})


def mismatch(run: Run, query_ids: Collection[str]) -> str | None:
    """What speaks against `run` being of the queries `query_ids`; None if nothing does.

    Queries that nobody judged are normal in a run (TREC DL20 has 200 topics and 54 judged ones), and so are queries
    without results; many of both together mean that the ids are wrong or mixed.
    """
    answered = sum(query_id in run for query_id in query_ids)
    strange = [query_id for query_id in run.query_ids if query_id not in query_ids]
    if not strange or answered * 2 > len(query_ids):
        return None
    return (
        f"wrong or mixed query ids: the run answers {answered} of the {len(query_ids)} judged queries, and "
        f"{len(strange)} of its {len(run)} queries are unknown, such as {strange[0]!r}; is it of another dataset?"
    )

"""Runs: what a retriever yields becomes one here, in the total order; `read` and `write` are TREC run files.

Knows no judgment and no measure, so that a run can be scored later, or by somebody else.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa

from harness.errors import BadInput, HarnessError, printable
from harness.records import Query, ScoredDoc
from harness.runs.rankings import TEXT, Excluded, Run, as_float32, assemble, best_first, cut, fit, mismatch, out_of
from harness.runs.run_files import read_run, write

__all__ = ["Run", "order", "read", "stream", "write"]
WANTED = "it has to yield ScoredDoc(query_id, doc_id, score)"


def order(
    scored: Iterable[ScoredDoc],
    queries: Sequence[Query],
    k: int,
    exclude_self: bool = False,
    excluded: Excluded | None = None,
) -> Run:
    """Take what a retriever's `search` yields into a Run: at most k documents per query, in the total order.

    With `exclude_self` a query's own document (doc_id equal to query_id) is dropped before the cut at k, with
    `excluded` others too, and counted in `Run.dropped_self`; ask the retriever for so many more, and k remain.
    Scores are compared as float32.

    Raises HarnessError for what is no ScoredDoc, and naming query and document for a query that was not asked or comes
    in two pieces, a document twice, an id that is no `str` or has white space, a score that is no finite float32.
    """
    if k < 1:
        raise HarnessError(f"a depth of {k}: keep at least 1 document a query")
    asked = {query.query_id for query in queries}
    ranked: dict[str, tuple[pa.Array, np.ndarray]] = {}
    documents: Sequence[str]
    given: Sequence[float]
    dropped = 0
    for query_id, rows in groupby(stream(scored), key=itemgetter(0)):
        hits = list(rows)
        if odd := next((hit for hit in hits if len(hit) != len(ScoredDoc._fields) or isinstance(hit, str)), None):
            raise HarnessError(f"search gave {printable(repr(odd))}; {WANTED}")
        if query_id not in asked:
            raise HarnessError(f"the retriever returned query {query_id!r}, which is none of the {len(asked)} asked")
        if query_id in ranked:
            raise HarnessError(
                f"the retriever returned query {query_id!r} in two pieces; all its documents must follow each other"
            )
        _, documents, given = zip(*hits, strict=True)
        never = out_of(query_id, exclude_self, excluded)
        if never and not never.isdisjoint(documents):
            others = [at for at, doc_id in enumerate(documents) if doc_id not in never]
            dropped += len(documents) - len(others)
            documents, given = [documents[at] for at in others], [given[at] for at in others]
        doc_ids, scores = best_first(*_checked(query_id, documents, given))
        ranked[query_id] = doc_ids[:k], scores[:k]
    return assemble({query.query_id: ranked[query.query_id] for query in queries if query.query_id in ranked}, dropped)


def stream(given: Iterable[ScoredDoc]) -> Iterable[ScoredDoc]:
    """What `search` gave, if one can go through it; a search without `yield` or `return` gives None."""
    if not isinstance(given, Iterable):
        raise HarnessError(f"search gave {given!r}; {WANTED}")
    return given


def read(
    path: Path,
    queries: Sequence[Query] | None = None,
    k: int | None = None,
    exclude_self: bool = False,
    excluded: Excluded | None = None,
) -> Run:
    """Read a TREC run file; see `run_files.read_run` for what it may look like and the errors.

    With `queries`, the judged ones of a dataset, a file of other queries is an error too; queries of the file that are
    not among them stay in the run, and scoring leaves them out with a note. With `k`, `exclude_self` or
    `excluded` the dataset's rules are applied to a run from elsewhere: what is never a result is dropped from each
    query, then the depth cut at k.
    """
    run = read_run(path)
    if queries is not None and (what := mismatch(run, {query.query_id for query in queries})):
        raise BadInput(path, None, what)
    return cut(run, max(1, run.deepest) if k is None else k, exclude_self, excluded)


def _checked(query_id: str, doc_ids: Sequence[str], given: Sequence[float]) -> tuple[list[str], np.ndarray]:
    """The ids and the float32 scores of one query's documents, or the error that names the first bad one."""
    if not _carried(doc_ids):
        bad = next(doc_id for doc_id in doc_ids if not _carried([doc_id]))
        raise HarnessError(
            f"the retriever returned document {bad!r} for query {query_id!r}; an id is a non-empty str "
            "without white space or control characters, which is all that a run file can carry"
        )
    if len(set(doc_ids)) < len(doc_ids):
        twice = next(doc_id for number, doc_id in enumerate(doc_ids) if doc_id in doc_ids[:number])
        raise HarnessError(f"the retriever returned document {twice!r} twice for query {query_id!r}")
    scores = _float32(given)
    if not np.isfinite(scores).all():
        pairs = zip(doc_ids, given, strict=True)
        doc_id, score = next(pair for pair in pairs if not np.isfinite(_float32([pair[1]])).all())
        raise HarnessError(f"the score {score!r} of document {doc_id!r} for query {query_id!r} is no finite float32")
    return list(doc_ids), scores


def _carried(doc_ids: Sequence[str]) -> bool:
    """Whether all are `str` that a run file can carry."""
    try:
        return all(issubclass(kind, str) for kind in set(map(type, doc_ids))) and fit(pa.array(doc_ids, TEXT))
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _float32(scores: Sequence[float]) -> np.ndarray:
    """As float32; NaN throughout if one of them is no number."""
    try:
        given = np.array(scores)
        if given.dtype.kind in "cSU":  # numpy would drop the imaginary part, or read the text
            raise TypeError(given.dtype.name)
        return as_float32(given.astype(np.float64).reshape(len(scores)))
    except (TypeError, ValueError, OverflowError):
        return np.full(len(scores), np.nan, np.float32)

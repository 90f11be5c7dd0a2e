"""What the checks are made of: a broken law, a run in memory, and when two runs are the same."""

import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from unittest import SkipTest

from harness.conformance import inputs
from harness.records import Doc, Query, ScoredDoc
from harness.retriever import Retriever

Make = Callable[[], Retriever]
Law = Callable[[Make, Path], None]
Run = dict[str, dict[str, float]]  # query_id -> doc_id -> score, queries in the order they came

# Scores may differ by the rounding of another summation order, as matrix products of other shapes have.
TOLERANCE = 1e-4


class Broken(AssertionError):
    """A law that does not hold: what happened, and what to change."""

    def __init__(self, message: str, cure: str = "") -> None:
        self.message, self.cure = message, cure
        super().__init__(f"{message}. {cure}" if cure else message)


def law(cure: str) -> Callable[[Law], Law]:
    """Mark a function as a check; whatever the retriever raises in it becomes `Broken`, and `cure` goes with it."""

    def mark(check: Law) -> Law:
        @wraps(check)
        def checked(make: Make, folder: Path) -> None:
            try:
                check(make, folder)
            except SkipTest:
                raise
            except Broken as broken:
                raise Broken(broken.message, cure) from broken.__cause__
            except Exception as error:
                raise Broken(f"{type(error).__name__} ({_place(error)}): {error}", cure) from error

        return checked

    return mark


def require(condition: bool, message: str) -> None:
    """Raise Broken unless `condition`."""
    if not condition:
        raise Broken(message)


def indexed(make: Make, folder: Path, docs: Sequence[Doc]) -> Retriever:
    """A retriever that has indexed `docs` in the new folder `folder` and loaded it."""
    retriever = begun(make, folder, docs)
    retriever.index(docs, folder)
    retriever.load(folder)
    return retriever


def begun(make: Make, folder: Path, docs: Sequence[Doc]) -> Retriever:
    """A retriever that may index `docs` in the new folder `folder`, where the runs that it needs of others lie."""
    folder.mkdir(parents=True)
    retriever = make()
    inputs.lay(retriever, folder, docs)
    return retriever


def search(retriever: Retriever, queries: Iterable[Query], k: int) -> Run:
    """Everything that `retriever` finds, as a run. Raises Broken for what is no (query_id, doc_id, score)."""
    run: Run = {}
    hits = retriever.search(queries, k)
    require(isinstance(hits, Iterable), f"search gave {hits!r}; it has to yield ScoredDoc(query_id, doc_id, score)")
    for hit in hits:
        require(isinstance(hit, tuple) and len(hit) == len(ScoredDoc._fields), f"search gave {hit!r}, not a ScoredDoc")
        query_id, doc_id, score = hit
        run.setdefault(query_id, {})[doc_id] = score
    return run


def difference(expected: Run, found: Run, tolerance: float = TOLERANCE) -> str:
    """The first difference of two runs, empty if they are the same; a tie at the cut may take in other documents."""
    for query_id in expected | found:
        old, new = expected.get(query_id, {}), found.get(query_id, {})
        if len(old) != len(new):
            return f"query {query_id!r} has {len(new)} documents instead of {len(old)}"
        cut = min(old.values(), default=0.0)
        for doc_id in old.keys() ^ new.keys():
            if not close((old | new)[doc_id], cut, tolerance):
                return f"query {query_id!r} {'lacks' if doc_id in old else 'has now'} document {doc_id!r}"
        for doc_id in old.keys() & new.keys():
            if not close(old[doc_id], new[doc_id], tolerance):
                return f"query {query_id!r}, document {doc_id!r} scores {new[doc_id]!r} instead of {old[doc_id]!r}"
    return ""


def close(a: float, b: float, tolerance: float) -> bool:
    """Equal up to `tolerance`, relative above 1 and absolute below; what is not finite is close to itself."""
    return a == b or (a != a and b != b) or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"

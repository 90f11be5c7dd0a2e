"""Laws of an index that consists of pieces, for retrievers that offer `index_part`; for the others they are skipped."""

import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import SkipTest

from harness.conformance.collection import DOCS, QUERIES
from harness.conformance.indexing import K, breaks_off
from harness.conformance.law import Make, begun, difference, indexed, law, require, search
from harness.retriever import Retriever

PIECE = 5  # documents: the collection is two pieces and a smaller one
CALLS: dict[str, tuple[tuple[int, int], ...]] = {  # what is made ahead of `index`: (part, parts)
    "parts in reverse": ((1, 2), (0, 2)),
    "one part twice and one left out": ((2, 3), (0, 3), (2, 3)),
    "more parts than pieces": ((39, 40), (2, 40), (0, 40)),
}


@law("Make a piece by its number alone: whole or not at all, in a file of its own, and let index make those not there")
def parts_change_nothing(make: Make, folder: Path) -> None:
    """With pieces made ahead by index_part, in any order, twice, in part or late, the index is that made in one go."""
    size = getattr(type(_in_pieces(make)), "shard_docs", None)
    says = f"the class has index_part, and its shard_docs is {size!r}, so nobody knows how many pieces there are"
    require(isinstance(size, int) and size > 0, says)
    whole = indexed(make, folder / "whole", DOCS)
    for number, (what, calls) in enumerate(CALLS.items()):
        place = folder / str(number)
        begun(make, place, DOCS)
        for part, parts in calls:
            _in_pieces(make).index_part(iter(DOCS), place, part, parts)
        _require_same(whole, _finished(make, place), f"after {what}")
    place = folder / "broken"
    begun(make, place, DOCS)
    with suppress(Exception):
        _in_pieces(make).index_part(breaks_off(DOCS, PIECE - 1), place, 0, 2)
    _require_same(whole, _finished(make, place), "after a part whose stream of documents broke off")
    _in_pieces(make).index_part(iter(DOCS), place, 0, 2)
    late = _in_pieces(make)
    late.load(place)
    _require_same(whole, late, "after a part that came when the index was complete")


@law("Look in index for every file of the index, and make those that are not there, also where a mark says it is whole")
def missing_files_are_made_again(make: Make, folder: Path) -> None:
    """Files that the harness took from a complete index, as they were damaged, are made again by index."""
    if not getattr(type(make()), "mends", False):
        _in_pieces(make)
    whole = indexed(make, folder / "whole", DOCS)
    place = folder / "index"
    begun(make, place, DOCS)
    laid = {path for path in place.rglob("*") if path.is_file()}  # the runs of others, which the harness sees to
    _finished(make, place)
    names = sorted(path.relative_to(place) for path in place.rglob("*") if path.is_file() and path not in laid)
    for removed in (names[::2], names[1::2]):
        for name in removed:
            (place / name).unlink(missing_ok=True)
        with warnings.catch_warnings(action="ignore"):  # it may well say what is missing
            mended = _finished(make, place)
        _require_same(whole, mended, f"after {', '.join(map(str, removed))} had been removed and index called again")


def _in_pieces(make: Make) -> Any:
    """A new retriever, its pieces small where it lets them be. Raises SkipTest where it knows no pieces."""
    retriever = _small(make)
    if not hasattr(retriever, "index_part"):
        raise SkipTest("index_part is not offered, so an index is always made in one go")
    return retriever


def _small(make: Make) -> Any:
    retriever: Any = make()
    with suppress(AttributeError):
        retriever.shard_docs = PIECE
    return retriever


def _finished(make: Make, folder: Path) -> Retriever:
    _small(make).index(iter(DOCS), folder)
    fresh: Retriever = _small(make)
    fresh.load(folder)
    return fresh


def _require_same(expected: Retriever, found: Retriever, when: str) -> None:
    wrong = difference(search(expected, QUERIES, K), search(found, QUERIES, K))
    require(not wrong, f"{when} {wrong}")
    old, new = (_length(retriever.search(QUERIES, K)) for retriever in (expected, found))
    require(old == new, f"{when} there are {new} results instead of {old}")


def _length(hits: Iterable[object]) -> int:
    return sum(1 for _ in hits)

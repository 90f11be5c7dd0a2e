"""Laws of `index` and `load`: one pass, a folder that is the whole world, and work that may be interrupted."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.conformance.collection import DOCS, QUERIES
from harness.conformance.law import Make, begun, difference, indexed, law, require, search
from harness.records import Doc

K = 100  # beyond the collection: every document that the retriever can find


@law("Make this work first: index(docs, folder), load(folder), search(queries, k) yielding ScoredDoc(...)")
def works(make: Make, folder: Path) -> None:
    """A dozen documents can be indexed, loaded and searched, and a query whose words they have finds some."""
    found = search(indexed(make, folder / "index", DOCS), QUERIES, K)
    require(bool(found.get("q1")), f"query {QUERIES[0].text!r} found nothing, though three documents are about tea")


@law("Read each stream in one loop; keep what is needed later, as a stream has no len and no second pass")
def streams_are_read_once(make: Make, folder: Path) -> None:
    """Documents and queries come as streams that can be read once, without a length."""
    expected = search(indexed(make, folder / "list", DOCS), QUERIES, K)
    place = folder / "stream"
    retriever = begun(make, place, DOCS)
    retriever.index((doc for doc in DOCS), place)
    retriever.load(place)
    found = search(retriever, (query for query in QUERIES), K)
    wrong = difference(expected, found)
    require(not wrong, f"streams of documents and queries gave another result than lists: {wrong}")


@law("Write everything that search needs into the folder in index, without absolute paths, and read it in load")
def fresh_instance_loads(make: Make, folder: Path) -> None:
    """A fresh instance that loads the folder, wherever it lies now, finds what the instance that indexed it finds."""
    expected = search(indexed(make, folder / "before", DOCS), QUERIES, K)
    (folder / "before").rename(folder / "after")
    fresh = make()
    fresh.load(folder / "after")
    wrong = difference(expected, search(fresh, QUERIES, K))
    require(not wrong, f"after load in a fresh instance {wrong}")


@law("Let the stream's error pass; begin anew in index, or keep pieces only where they are whole and known to be")
def interrupted_index_is_finished(make: Make, folder: Path) -> None:
    """An index that was interrupted, once and again, and then finished is the same as one made in one go."""
    whole = indexed(make, folder / "whole", DOCS)
    pieces = folder / "pieces"
    begun(make, pieces, DOCS)
    for end in (1, len(DOCS) // 2, len(DOCS)):
        stopped = False
        try:
            make().index(breaks_off(DOCS, end), pieces)
        except Exception:
            stopped = True
        require(stopped, f"index returned as if done when the stream of documents broke off after {end} of {len(DOCS)}")
    retriever = make()
    retriever.index(DOCS, pieces)
    retriever.load(pieces)
    wrong = difference(search(whole, QUERIES, K), search(retriever, QUERIES, K))
    require(not wrong, f"after interruptions {wrong}")
    counts = [sum(1 for _ in searcher.search(QUERIES, K)) for searcher in (whole, retriever)]
    require(counts[0] == counts[1], f"after interruptions there are {counts[1]} results instead of {counts[0]}")


@law("Build every path from the folder that index was given; the working folder belongs to the user")
def index_stays_in_its_folder(make: Make, folder: Path) -> None:
    """Nothing is written outside the index folder; the working folder is changed for this check."""
    elsewhere, own = folder / "elsewhere", folder / "beside" / "index"
    elsewhere.mkdir()
    with contextlib.chdir(elsewhere):
        search(indexed(make, own, DOCS), QUERIES, K)
    strangers = {path for path in folder.rglob("*") if own not in path.parents} - {elsewhere, own.parent, own}
    names = ", ".join(sorted(str(path.relative_to(folder)) for path in strangers))
    require(not strangers, f"the index folder was beside/index, and outside it appeared {names}")


@law("Copy what you want to sort, fill or empty")
def inputs_are_not_changed(make: Make, folder: Path) -> None:
    """The lists of documents and queries are afterwards as they were."""
    docs, queries = list(DOCS), list(QUERIES)
    folder = folder / "index"
    retriever = begun(make, folder, docs)
    retriever.index(docs, folder)
    require(docs == list(DOCS), "index changed the list of documents")
    retriever.load(folder)
    search(retriever, queries, K)
    require(queries == list(QUERIES), "search changed the list of queries")


def breaks_off(docs: Iterable[Doc], end: int) -> Iterator[Doc]:
    """The first `end` of `docs`, then a ConnectionError."""
    for number, doc in enumerate(docs):
        if number == end:
            break
        yield doc
    raise ConnectionError("the stream of documents broke off; this is part of the check")

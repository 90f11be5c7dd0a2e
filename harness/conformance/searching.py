"""Laws of `search`: what may be asked, what comes back, and that nothing else than query and index decides it."""

import math
from itertools import zip_longest
from pathlib import Path

from harness.conformance.collection import (
    DOCS,
    EMPTY_DOCS,
    EMPTY_QUERIES,
    ODD_DOCS,
    QUERIES,
    UNICODE_DOCS,
    UNICODE_QUERIES,
)
from harness.conformance.law import Make, Run, difference, indexed, law, require, search
from harness.records import Query, ScoredDoc

ALL = 100  # beyond the collection


@law("Keep the batch dimension when there is one query")
def one_query(make: Make, folder: Path) -> None:
    """One query alone is answered."""
    found = search(indexed(make, folder / "index", DOCS), QUERIES[:1], 5)
    require(found.keys() <= {"q1"}, f"a search for 'q1' answered {_names(found)}")
    require(bool(found), "a query that finds documents among others finds none alone")


@law("Return before anything is stacked, sorted or encoded when there are no queries")
def no_queries(make: Make, folder: Path) -> None:
    """No queries give no results, and no error."""
    found = search(indexed(make, folder / "index", DOCS), (), 5)
    require(not found, f"a search without queries answered {_names(found)}")


@law("Take min(k, number of documents) before a top-k")
def k_beyond_the_collection(make: Make, folder: Path) -> None:
    """k may be larger than the collection."""
    retriever = indexed(make, folder / "index", DOCS)
    for k in (len(DOCS) + 1, 10_000):
        count = {query_id: len(docs) for query_id, docs in search(retriever, QUERIES, k).items()}
        require(max(count.values(), default=0) <= len(DOCS), f"k={k}: more documents than the collection has: {count}")


@law("Cut each query's results at k")
def at_most_k(make: Make, folder: Path) -> None:
    """A query gets at most k documents."""
    retriever = indexed(make, folder / "index", DOCS)
    for k in (1, 3):
        for query in QUERIES:
            count = sum(hit[0] == query.query_id for hit in retriever.search(QUERIES, k))
            require(count <= k, f"k={k}: query {query.query_id!r} got {count} documents")


@law("Keep ids as the text they are: no int(), no stripping, no normalising, no use as a file name; yield each once")
def doc_ids_are_known_and_unique(make: Make, folder: Path) -> None:
    """A query's documents are documents of the collection, by the same ids, and no document comes twice."""
    for name, docs in (("plain", DOCS), ("odd", ODD_DOCS)):
        known, seen = {doc.doc_id for doc in docs}, set()
        for query_id, doc_id, _ in indexed(make, folder / name, docs).search(QUERIES, ALL):
            require(
                isinstance(doc_id, str) and doc_id in known, f"query {query_id!r}: no document has the id {doc_id!r}"
            )
            require((query_id, doc_id) not in seen, f"query {query_id!r} got document {doc_id!r} twice")
            seen.add((query_id, doc_id))


@law("Yield all of a query's documents before the next query's, in the order in which the queries came")
def query_order_is_kept(make: Make, folder: Path) -> None:
    """Results come query by query, in the order of the queries."""
    retriever = indexed(make, folder / "index", DOCS)
    for queries in (QUERIES, QUERIES[::-1]):
        given = [query.query_id for query in queries]
        came: list[str] = []
        for query_id, _, _ in retriever.search(queries, 5):
            if not came or came[-1] != query_id:
                came.append(query_id)
        require(set(came) <= set(given), f"results for a query that was not asked: {sorted(set(came) - set(given))}")
        require(came == [query_id for query_id in given if query_id in came], f"asked {given}, answered {came}")


@law("Yield float(score)")
def scores_are_floats(make: Make, folder: Path) -> None:
    """A score is a Python float: not an int, not a float32 or a tensor."""
    for query_id, doc_id, score in indexed(make, folder / "index", DOCS).search(QUERIES, ALL):
        kind = type(score).__name__
        require(
            isinstance(score, float), f"query {query_id!r}, document {doc_id!r}: the score {score!r} is of type {kind}"
        )


@law("Leave out documents without a score; look for a division by a zero length or norm and for a logarithm of zero")
def scores_are_finite(make: Make, folder: Path) -> None:
    """No score is NaN or infinite."""
    for query_id, doc_id, score in indexed(make, folder / "index", DOCS).search(QUERIES, ALL):
        require(math.isfinite(score), f"query {query_id!r}, document {doc_id!r}: the score is {score!r}")


@law("Give an empty text a vector or leave it out; look for a division by a zero length, norm or maximum")
def empty_text(make: Make, folder: Path) -> None:
    """Documents and queries without a word do no harm: the others are found, no score is NaN or infinite."""
    retriever = indexed(make, folder / "index", (*EMPTY_DOCS, *DOCS))
    asked, empty = {query.query_id for query in EMPTY_QUERIES}, {doc.doc_id for doc in EMPTY_DOCS}
    for queries in (*((query,) for query in EMPTY_QUERIES), (*EMPTY_QUERIES, *QUERIES)):
        for query_id, docs in search(retriever, queries, ALL).items():
            for doc_id, score in docs.items():
                fine = math.isfinite(score) or not (query_id in asked or doc_id in empty)
                require(fine, f"query {query_id!r}, document {doc_id!r}: the score is {score!r}")
    require(
        "1" in search(retriever, QUERIES, ALL).get("q1", {}), "with empty documents beside it, document '1' is lost"
    )
    search(indexed(make, folder / "only", EMPTY_DOCS), EMPTY_QUERIES, ALL)


@law("Open files with encoding='utf-8' and newline-safe formats (JSON lines); escape a query for the engine's syntax")
def unicode_text(make: Make, folder: Path) -> None:
    """Any Unicode text is indexed and searched: scripts, emoji, combining marks, NUL, an engine's query syntax."""
    docs = (*UNICODE_DOCS, *DOCS)
    retriever = indexed(make, folder / "index", docs)
    asked = [query.query_id for query in UNICODE_QUERIES]
    found = search(retriever, UNICODE_QUERIES, ALL)
    require(found.keys() <= set(asked), f"asked {asked}, answered {_names(found)}")
    known = {doc.doc_id for doc in docs}
    for query_id, hits in found.items():
        require(hits.keys() <= known, f"query {query_id!r}: no document has the id {_names(hits.keys() - known)}")
    require("1" in search(retriever, QUERIES, ALL).get("q1", {}), "with other scripts beside it, document '1' is lost")


@law("Mask the padding; normalise per query, never over the batch; keep no state between queries")
def batch_does_not_matter(make: Make, folder: Path) -> None:
    """What a query finds does not depend on the queries beside it."""
    retriever = indexed(make, folder / "index", DOCS)
    for k in (3, ALL):
        together = search(retriever, QUERIES, k)
        alone: Run = {}
        for query in QUERIES:
            alone |= search(retriever, (query,), k)
        again = tuple(Query(f"again-{query.query_id}", query.text) for query in QUERIES)
        crowd = {
            name: docs for name, docs in search(retriever, (*again, *QUERIES[::-1]), k).items() if name in together
        }
        for what, run in (("alone", alone), ("in another batch", crowd)):
            wrong = difference(together, run)
            require(not wrong, f"k={k}, {what}: {wrong}")


@law("Draw nothing at random in search, or from a generator with a fixed seed made anew in each call")
def search_is_repeatable(make: Make, folder: Path) -> None:
    """The same search a second time finds the same, to the last digit, with queries found in between."""
    retriever = indexed(make, folder / "index", DOCS)
    first = search(retriever, QUERIES, ALL)
    search(retriever, QUERIES[:2], 1)
    wrong = difference(first, search(retriever, QUERIES, ALL), tolerance=0.0)
    require(not wrong, f"the second time {wrong}")


@law("Keep what a search needs in local variables, not on self")
def search_may_be_left(make: Make, folder: Path) -> None:
    """A search that is read slowly, left half-way or runs beside another disturbs neither."""
    retriever = indexed(make, folder / "index", DOCS)
    expected = [_plain(hit) for hit in retriever.search(QUERIES, 5)]
    backwards = [_plain(hit) for hit in retriever.search(QUERIES[::-1], 5)]
    left = iter(retriever.search(QUERIES, 5))
    next(left, None)
    slow, other = iter(retriever.search(QUERIES, 5)), iter(retriever.search(QUERIES[::-1], 5))
    turns = list(zip_longest(slow, other))
    same = [_plain(hit) for hit, _ in turns if hit] == expected and [
        _plain(hit) for _, hit in turns if hit
    ] == backwards
    require(same, "two searches read in turns gave other results than one after the other")


def _plain(hit: ScoredDoc) -> tuple[str, str, str]:
    """A hit that is equal to itself, NaN or not: what is no number is the business of another law."""
    query_id, doc_id, score = hit
    return query_id, doc_id, repr(score)


def _names(ids: object) -> str:
    return ", ".join(map(repr, ids))  # type: ignore[call-overload]

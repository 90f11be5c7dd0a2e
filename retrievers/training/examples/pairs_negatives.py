"""Hard negatives: what a run file of this harness ranks high for a training query without being relevant to it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import BadInput
from harness.files import open_maybe_gzip, sha256
from harness.records import Query
from harness.runs import read


def hard_negatives(
    files: Sequence[Path], queries: Sequence[Query], depth: tuple[int, int], exclude_self: bool
) -> dict[str, list[str]]:
    """Per query the documents of ranks depth[0] to depth[1] of each run file, without repeats; relevant ones included.

    Raises BadInput for a file that is no run, or one of other queries.
    """
    found: dict[str, dict[str, None]] = {}
    first, last = depth
    asked = {query.query_id for query in queries}
    for file in files:
        run = read(file, queries, exclude_self=exclude_self)
        for query_id, doc_ids, _ in run:
            if query_id in asked:
                found.setdefault(query_id, {}).update(dict.fromkeys(doc_ids[first - 1 : last]))
    return {query_id: list(doc_ids) for query_id, doc_ids in found.items()}


def unknown_document(files: Iterable[Path], query_id: str, doc_id: str, collection: str) -> BadInput:
    """The error for a document that the collection does not have, with the line that names it."""
    what = f"document {doc_id!r} of query {query_id!r} is not in {collection}: is the run of another collection?"
    wanted = query_id.encode(), doc_id.encode()
    last = Path()
    for last in files:
        with open_maybe_gzip(last) as lines:
            for number, line in enumerate(lines, 1):
                columns = line.split()
                if len(columns) > 2 and (columns[0], columns[2]) == wanted:
                    return BadInput(last, number, what)
    return BadInput(last, None, what)


def digests(files: Iterable[Path]) -> list[str]:
    """The sha256 of each file."""
    return [sha256(file) for file in files]

"""Documents and queries as BEIR keeps them: corpus.jsonl and queries.jsonl, also as .gz.

What BEIR's own loader reads is read, and what would spoil a benchmark is refused with file, line and cure. Lighter
matters are put up with: a byte order mark, CRLF, blank lines, a missing title, numbers as ids (taken as text, as qrels
have them), NaN in fields that nobody reads.
"""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import orjson

from harness.datasets.sources.qrels import numbered_qrels
from harness.errors import BadInput
from harness.lines import checked_id, decoded, open_lines
from harness.records import Doc, Qrel, Query


class Digest(Protocol):
    """What `hashlib.sha256()` returns, as far as it is needed here."""

    def update(self, data: bytes, /) -> None: ...


def read_docs(path: Path, digest: Digest | None = None, at_end: Callable[[int], None] | None = None) -> Iterator[Doc]:
    """Stream the documents of `path`; 8 bytes per document are held, to find repeated ids at the end of the stream.

    `digest` is fed with every line's bytes, `at_end` is called with the number of documents. Raises BadInput at the
    line that is wrong; after the last line for repeated ids and for a corpus without documents.
    """
    return _read(path, "document", digest, at_end)


def read_queries(path: Path) -> list[Query]:
    """All queries of `path`, in its order; raises BadInput for a line that is wrong, a repeated id, or no queries."""
    return [Query(query_id, text) for query_id, text, _ in _read(path, "query", None, None)]


def judged_queries(queries: Path, qrels: Path) -> list[Query]:
    """The queries that `qrels` judges, in the order of `queries`; raises as `read_judged`."""
    return read_judged(queries, qrels)[0]


def read_judged(queries: Path, qrels: Path) -> tuple[list[Query], list[Qrel]]:
    """The judged queries, in the order of their file, and the judgments; each file is read once.

    Raises BadInput for a judged query without a text: a query that cannot be asked would score 0 for every system;
    BEIR's loader stops there too.
    """
    judged: dict[str, int] = {}
    judgments = []
    for number, qrel in numbered_qrels(qrels):
        judged.setdefault(qrel.query_id, number)
        judgments.append(qrel)
    asked = {query.query_id: query for query in read_queries(queries) if query.query_id in judged}
    for query_id, number in judged.items():
        if query_id not in asked:
            what = f"query {query_id!r} is not in {queries}; add it there or drop its judgments"
            raise BadInput(qrels, number, what)
    return list(asked.values()), judgments


def _read(path: Path, kind: str, digest: Digest | None, at_end: Callable[[int], None] | None) -> Iterator[Doc]:
    loads, new = orjson.loads, tuple.__new__  # calling `Doc(...)` would take a tenth of the time
    id_hashes = array("q")  # a hash is all that is kept; `_refuse_repeats` reads the file again where two are equal
    remember = id_hashes.append
    with open_lines(path) as lines:
        for number, line in enumerate(lines if digest is None else _digested(lines, digest), 1):
            try:
                record = loads(line)
                doc_id, text, title = record["_id"], record["text"], record.get("title")
                if title is None:
                    title = ""
                # White space other than " " is not printable; what is neither is looked at more closely below.
                plain = doc_id.isprintable() and " " not in doc_id and type(text) is type(title) is str and doc_id != ""
            except (ValueError, LookupError, TypeError, AttributeError):
                plain = False
            if not plain:
                if not line.strip():
                    continue
                doc_id, text, title = _fields(path, number, line)
            remember(hash(doc_id))
            yield new(Doc, (doc_id, text, title))
    if not id_hashes:
        raise BadInput(path, None, f"holds no {'queries' if kind == 'query' else 'documents'}")
    _refuse_repeats(path, kind, id_hashes)
    if at_end is not None:
        at_end(len(id_hashes))


def _digested(lines: Iterable[bytes], digest: Digest) -> Iterator[bytes]:
    for line in lines:
        digest.update(line)
        yield line


def _fields(path: Path, number: int, line: bytes) -> tuple[str, str, str]:
    """Id, text and title of one line, read slowly and with Python's own parser, which takes what BEIR takes."""
    try:
        record = json.loads(decoded(path, number, line))
    except json.JSONDecodeError as error:
        near = error.doc[max(error.pos - 20, 0) : error.pos + 20].strip()
        raise BadInput(path, number, f"broken JSON: {error.msg} at position {error.pos + 1}, near {near!r}") from None
    except (RecursionError, ValueError) as error:
        raise BadInput(path, number, f"JSON that cannot be read: {error}") from None
    if not isinstance(record, dict):
        raise BadInput(path, number, f"a JSON object is needed here, with _id and text, not {_shown(record)}")
    for field in ("_id", "text"):
        if field not in record:
            there = ", ".join(map(repr, record)) or "none"
            raise BadInput(path, number, f"the field {field!r} is missing; there is {there}")
    doc_id, title = record["_id"], record.get("title")
    if isinstance(doc_id, int) and not isinstance(doc_id, bool):
        doc_id = str(doc_id)
    for field, value in (("_id", doc_id), ("text", record["text"]), ("title", "" if title is None else title)):
        if not isinstance(value, str):
            cure = '; write "" for an empty text' if value is None else ""
            raise BadInput(path, number, f"the field {field!r} must be a string, not {_shown(value)}{cure}")
    return checked_id(path, number, "_id", _sound(doc_id)), _sound(record["text"]), _sound(title or "")


def _sound(text: str) -> str:
    """Half a surrogate pair, which JSON can write and UTF-8 cannot, becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shown(value: Any) -> str:
    """The beginning of a JSON value; only as much of it is written as is shown, for it may be large and deep."""
    text = "".join(islice(json.JSONEncoder(ensure_ascii=False).iterencode(value), 40))
    return text if len(text) <= 40 else text[:40] + " …"


def _refuse_repeats(path: Path, kind: str, id_hashes: array) -> None:
    """Raise BadInput naming both lines if an id stands in `path` twice; different ids may share a hash."""
    import numpy as np  # late: too slow to import for a command that reads no corpus

    hashes = np.frombuffer(id_hashes, dtype=np.int64)
    hashes.sort()  # in place: `id_hashes` is not needed any more
    suspects = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    if not suspects:
        return
    first_line: dict[str, int] = {}
    with open_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            found = _fields(path, number, line)[0]
            if hash(found) in suspects and first_line.setdefault(found, number) != number:
                what = f"the {kind} id {found!r} was already in line {first_line[found]}"
                raise BadInput(path, number, f"{what}; ids must be unique, keep one")

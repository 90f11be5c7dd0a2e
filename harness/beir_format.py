"""Readers of BEIR's three files: corpus.jsonl, queries.jsonl and qrels/<split>.tsv, each also as .gz.

They read what BEIR's own loader reads, and refuse with file, line and cure what would spoil a benchmark. Lighter
matters are put up with: a byte order mark, CRLF, blank lines, a missing title, numbers as ids (taken as text, as
qrels have them), NaN in fields that nobody reads. The module knows no dataset table.
"""

import csv
import gzip
import io
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson

from harness.errors import BadInput
from harness.records import Doc, Qrel, Query

BUFFER = 1 << 18  # bytes
BOM, UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


class Digest(Protocol):
    """What `hashlib.sha256()` returns, as far as it is needed here."""

    def update(self, data: bytes, /) -> None: ...


@contextmanager
def open_lines(path: Path) -> Iterator[Iterable[bytes]]:
    """Open a text file as lines of bytes, without its byte order mark; damaged and unreadable files raise BadInput."""
    try:
        stream = gzip.GzipFile(path) if path.suffix == ".gz" else io.FileIO(path)
        with io.BufferedReader(stream, BUFFER) as lines:  # type: ignore[type-var]
            start = lines.peek(len(BOM))[: len(BOM)]
            if start == BOM:
                lines.read(len(BOM))
            elif start.startswith(UTF16):
                raise BadInput(path, 1, f"the file is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 {path.name}")
            yield lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(path, None, f"the gzip file is damaged ({error}); copy or download it again") from error
    except OSError as error:
        raise BadInput(path, None, f"cannot be read: {error.strerror or error}") from error


def read_docs(path: Path, digest: Digest | None = None) -> Iterator[Doc]:
    """Stream the documents of `path`; 8 bytes per document are held, to find repeated ids at the end of the stream.

    `digest` is fed with every line's bytes. Raises BadInput at the line that is wrong; after the last line for
    repeated ids and for a corpus without documents.
    """
    loads, split, new = orjson.loads, str.split, tuple.__new__  # `Doc(...)` itself takes a tenth of the time
    id_hashes = array("q")  # a hash is all that is kept; `_refuse_repeats` reads the file again where two are equal
    with open_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if digest is not None:
                digest.update(line)
            try:
                record = loads(line)
                doc_id, text, title = record["_id"], record["text"], record.get("title")
                title = "" if title is None else title
                plain = type(doc_id) is type(text) is type(title) is str and split(doc_id) == [doc_id]
            except (ValueError, LookupError, TypeError, AttributeError):
                plain = False
            if not plain:
                if not line.strip():
                    continue
                doc_id, text, title = _fields(path, number, line)
            id_hashes.append(hash(doc_id))
            yield new(Doc, (doc_id, text, title))
    if not id_hashes:
        raise BadInput(path, None, "holds no documents")
    _refuse_repeats(path, id_hashes)


def read_queries(path: Path) -> list[Query]:
    """All queries of `path`, in its order; raises BadInput for a line that is wrong, a repeated id, or no queries."""
    queries: list[Query] = []
    first_line: dict[str, int] = {}
    with open_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                query_id, text, _ = _fields(path, number, line)
                if first_line.setdefault(query_id, number) != number:
                    raise BadInput(path, number, _repeated("query", query_id, first_line[query_id]))
                queries.append(Query(query_id, text))
    if not queries:
        raise BadInput(path, None, "holds no queries")
    return queries


def read_qrels(path: Path) -> list[Qrel]:
    """The judgments of `path`, in its order. A row that says the same twice counts once; raises BadInput."""
    return [qrel for _, qrel in numbered_qrels(path)]


def judged_queries(queries: Path, qrels: Path) -> list[Query]:
    """The queries that `qrels` judges, in the order of `queries`; raises BadInput for a judged query without a text.

    A query that cannot be asked would score 0 for every system; BEIR's loader stops there too.
    """
    judged: dict[str, int] = {}
    for number, qrel in numbered_qrels(qrels):
        judged.setdefault(qrel.query_id, number)
    asked = [query for query in read_queries(queries) if query.query_id in judged]
    for unasked in judged.keys() - {query.query_id for query in asked} if len(asked) < len(judged) else ():
        raise BadInput(
            qrels, judged[unasked], f"query {unasked!r} is not in {queries}; add it there or drop its judgments"
        )
    return asked


def numbered_qrels(path: Path) -> Iterator[tuple[int, Qrel]]:
    """The judgments of `path`, each with its line.

    As BEIR does it: columns query-id, corpus-id, score, separated by tabs, quoted as in CSV where an id holds a
    quotation mark, after a header. A file without a header loses its first judgment in BEIR, but not here.
    """
    first: dict[tuple[str, str], tuple[int, int]] = {}
    with open_lines(path) as lines:
        reader = csv.reader((text for _, text in _decoded(path, lines)), delimiter="\t")
        number = 0
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise BadInput(path, number + 1, f"not a row of tab-separated columns: {error}") from error
            if reader.line_num > number + 1:
                raise BadInput(path, number + 1, 'a quotation mark opens a column that does not end; double it: ""')
            number += 1
            if not any(row) or (number == 1 and not _is_judgment(row)):
                continue
            qrel = _qrel(path, number, row)
            seen_line, seen_grade = first.setdefault(qrel[:2], (number, qrel.relevance))
            if seen_grade != qrel.relevance:
                raise BadInput(
                    path,
                    number,
                    f"query {qrel.query_id!r} and document {qrel.doc_id!r} have the grade {qrel.relevance} here and "
                    f"{seen_grade} in line {seen_line}; keep one",
                )
            if seen_line == number:
                yield number, qrel
    if not first:
        raise BadInput(path, None, "holds no judgments")


def _is_judgment(row: list[str]) -> bool:
    return len(row) == 3 and row[2].strip().lstrip("+-").isdigit()


def _qrel(path: Path, number: int, row: list[str]) -> Qrel:
    if len(row) != 3:
        hint = "; TREC's qrels have four: leave out the second" if len(" ".join(row).split()) == 4 else ""
        raise BadInput(
            path, number, f"{len(row)} columns instead of query-id, corpus-id, score, tabs between them{hint}"
        )
    try:
        grade = int(row[2])
    except ValueError:
        raise BadInput(path, number, f"the grade {row[2]!r} is not an integer; round or scale the grades") from None
    return Qrel(_checked_id(path, number, "query-id", row[0]), _checked_id(path, number, "corpus-id", row[1]), grade)


def numbered_text(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 text file that are not blank, each with its number; raises BadInput."""
    with open_lines(path) as lines:
        yield from ((number, line) for number, line in _decoded(path, lines) if line.strip())


def _decoded(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        yield number, _text(path, number, line).rstrip("\r\n")


def _text(path: Path, number: int, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        what = f"byte 0x{line[error.start]:02x} at position {error.start + 1} is not UTF-8"
        raise BadInput(path, number, f"{what}; convert the file: iconv -f WINDOWS-1252 -t UTF-8 {path.name}") from None


def _fields(path: Path, number: int, line: bytes) -> tuple[str, str, str]:
    """Id, text and title of one line, read slowly and with Python's own parser, which takes what BEIR takes."""
    try:
        record = json.loads(_text(path, number, line))
    except json.JSONDecodeError as error:
        near = error.doc[max(error.pos - 20, 0) : error.pos + 20].strip()
        raise BadInput(path, number, f"broken JSON: {error.msg} at position {error.pos + 1}, near {near!r}") from None
    except (RecursionError, ValueError) as error:
        raise BadInput(path, number, f"JSON that cannot be read: {error}") from None
    if not isinstance(record, dict):
        raise BadInput(path, number, f"a JSON object is needed here, with _id and text, not {_shown(record)}")
    if missing := [field for field in ("_id", "text") if field not in record]:
        raise BadInput(
            path, number, f"the field {missing[0]!r} is missing; there is {', '.join(map(repr, record)) or 'none'}"
        )
    doc_id = record["_id"]
    if isinstance(doc_id, int) and not isinstance(doc_id, bool):
        doc_id = str(doc_id)
    title = record.get("title")
    for field, value in (("_id", doc_id), ("text", record["text"]), ("title", "" if title is None else title)):
        if not isinstance(value, str):
            cure = '; write "" for an empty text' if value is None else ""
            raise BadInput(path, number, f"the field {field!r} must be a string, not {_shown(value)}{cure}")
    return _checked_id(path, number, "_id", _sound(doc_id)), _sound(record["text"]), _sound(title or "")


def _sound(text: str) -> str:
    """Half a surrogate pair, which JSON can write and UTF-8 cannot, becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _checked_id(path: Path, number: int, column: str, value: str) -> str:
    if value.split() != [value]:
        what = f"holds white space ({value!r})" if value else "is empty"
        raise BadInput(
            path, number, f"{column} {what}, which a TREC run file cannot carry; rename it in corpus and qrels"
        )
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:40] + " …"


def _repeated(kind: str, repeated_id: str, first_line: int) -> str:
    return f"the {kind} id {repeated_id!r} was already in line {first_line}; ids must be unique, keep one"


def _refuse_repeats(path: Path, id_hashes: array) -> None:
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
            if line.strip():
                doc_id = _fields(path, number, line)[0]
                if hash(doc_id) in suspects and first_line.setdefault(doc_id, number) != number:
                    raise BadInput(path, number, _repeated("document", doc_id, first_line[doc_id]))

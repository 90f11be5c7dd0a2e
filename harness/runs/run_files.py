"""TREC run files: `query_id Q0 doc_id rank score tag`, one document a line, plain or gzip.

The order of the lines and the rank column say nothing: scores decide, as in trec_eval, and doc_ids where scores are
equal. What is read must be beyond doubt, so the smallest irregularity is an error that names the line.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from harness.errors import BadInput, HarnessError, counted
from harness.files import DAMAGED, UNPACKED, atomic_gzip, open_maybe_gzip
from harness.runs import other_runs, run_headers
from harness.runs.rankings import Run, as_float32, assemble, best_first
from harness.runs.regular_runs import COLUMNS, LONGEST_LINE, read_regular, turned, upside_down

BOM = b"\xef\xbb\xbf"
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
PACKED = {  # how a packed file begins -> what it is, and how its name should end
    b"\x1f\x8b": ("gzip", ".gz"), b"BZh": ("bzip2", ".bz2"), b"\xfd7zXZ": ("xz", ".xz"),
    b"PK\x03\x04": ("zip", ".zip"), b"\x28\xb5\x2f\xfd": ("zstd", ".zst"),
}  # fmt: skip
LONGEST_NAME = 1 << 16  # bytes from the beginning of JSON in which a model is named
SIGNS = b",;|:"  # that stand between columns in other formats


def write(run: Run, path: Path, tag: str) -> str:
    """Write `run` as the gzip file `path`, atomically, best document first, ranks from 1, scores as `%.9g`.

    Nine digits bring every float32 back exactly. The same run gives the same bytes. Returns the sha256 (hex) of the
    text before compression, which no version of zlib can change.
    """
    if path.suffix != ".gz":
        raise ValueError(f"a run file is written compressed: {path} should end in .gz")
    if not re.fullmatch(r"[!-~]+", tag):
        raise HarnessError(f"the tag {tag!r} cannot stand in a run file; use letters, digits, '-', '_' and '.'")
    digest = hashlib.sha256()
    with atomic_gzip(path) as stream:
        for query_id, doc_ids, scores in run:
            ranked = enumerate(zip(doc_ids, scores.tolist(), strict=True), start=1)
            text = "".join(f"{query_id} Q0 {doc} {rank} {score:.9g} {tag}\n" for rank, (doc, score) in ranked).encode()
            digest.update(text)
            stream.write(text)
    return digest.hexdigest()


def read_run(path: Path) -> Run:
    """Read a run file, packed where its name ends in .gz, .bz2 or .xz; columns are separated by blanks or tabs.

    Queries come in the order of their first lines; a query's lines need not stand together. Blank lines, CRLF, a byte
    order mark and comments (`#`) are allowed; the fields of ir_metadata are in `Run.header`. JSON as BEIR and ranx have
    it and MS MARCO's three columns are read too. Raises BadInput with file and line for anything else that is not a
    run: no lines at all, not six columns, not UTF-8, control characters, a score that is no finite float32, a document
    twice in a query, two tags.
    """
    comments = _comments(path)
    run = read_regular(path, len(comments))
    if run is None:
        return read_line_by_line(path)
    return replace(run, header=run_headers.fields(comments))


def named_in(path: Path) -> str:
    """What the sixth column calls the system, or MTEB's predictions their model; empty where nothing does."""
    with suppress(*DAMAGED, OSError), open_maybe_gzip(path) as file:
        while line := file.readline(LONGEST_LINE):
            columns = line.split()
            if run_headers.is_document(columns):
                return columns[5].decode(errors="replace")
            if found := re.search(rb'"model_name"\s*:\s*"([^"]+)"', line[:LONGEST_NAME]):
                return found[1].decode(errors="replace").rpartition("/")[2]
    return ""


def _comments(path: Path) -> list[str]:
    """The lines with which the file begins and that are comments; none where it can't be read."""
    found = []
    with suppress(*DAMAGED, OSError), open_maybe_gzip(path) as file:
        while (line := file.readline(LONGEST_LINE)) and run_headers.is_comment(line, line.split()):
            found.append(line.decode(errors="replace"))
    return found


def _bytes(path: Path) -> bytes:
    try:
        with open_maybe_gzip(path) as file:
            text = b"".join(_limited(path, file))
    except DAMAGED as error:
        kind = {".bz2": "bzip2", ".xz": "xz"}.get(path.suffix, "gzip")
        raise BadInput(path, None, f"not a whole {kind} file ({error}); fetch or write it again") from None
    except FileNotFoundError:
        raise BadInput(path, None, "no such run file") from None
    except OSError as error:
        raise BadInput(path, None, f"cannot be read ({error.strerror or error})") from None
    for mark, (kind, ending) in PACKED.items():
        if text.startswith(mark):
            read = ending in UNPACKED and path.suffix != ending
            what = f"in a file that is not named {ending}; rename it" if read else "is not read here; unpack it"
            raise BadInput(path, None, f"{kind} data {what}")
    return text.removeprefix(BOM)


def _limited(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """The file in blocks; a line that is longer than a block is noticed before the next one is read."""
    number, block = 0, b"\n"
    while block:
        if not (block.count(b"\n") or len(block) < LONGEST_LINE):
            raise BadInput(path, number, f"the line has more than {LONGEST_LINE >> 20} MB; no run has such lines")
        number += block.count(b"\n")
        block = file.read(LONGEST_LINE)
        yield block


def read_line_by_line(path: Path) -> Run:
    """Read any run file, however irregular, or name the first line that has a fault."""
    text = _bytes(path)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise BadInput(path, text.count(b"\n", 0, error.start) + 1, "not UTF-8; write the file as UTF-8") from None
    if found := CONTROL.search(text):
        raise BadInput(path, text.count(b"\n", 0, found.start()) + 1, f"control character {found[0]!r}; remove it")
    if text.lstrip()[:1] in (b"{", b"[") and not run_headers.is_document(text.lstrip().split(b"\n", 1)[0].split()):
        return other_runs.read_json(path, text)
    queries: dict[bytes, dict[bytes, tuple[float, int]]] = {}
    ranks: dict[bytes, dict[bytes, bytes]] = {}
    first_tag, comments = None, []
    for number, line in enumerate(text.split(b"\n"), start=1):
        columns = line.split()
        if not columns:
            continue
        if run_headers.is_comment(line, columns, begun=bool(queries)):
            comments.append(line.decode())
            continue
        if not queries and other_runs.is_marco(columns):
            return other_runs.read_marco(path, text)
        if len(columns) != len(COLUMNS):
            what = f"{counted(len(columns), 'column')}, not the six of a run file: {' '.join(COLUMNS)}"
            raise BadInput(path, number, what + _other_sign(line))
        query_id, _, doc_id, rank, score, tag = columns
        first_tag = first_tag or tag
        if tag != first_tag:
            both = f"{tag.decode()!r} after {first_tag.decode()!r}"
            raise BadInput(path, number, f"tag {both}: two runs in one file? Give each its own file")
        documents = queries.setdefault(query_id, {})
        where = f"document {doc_id.decode()!r} of query {query_id.decode()!r}"
        if doc_id in documents:
            raise BadInput(path, number, f"{where} is there a second time; the first is on line {documents[doc_id][1]}")
        documents[doc_id] = _number(score, path, number, where), number
        ranks.setdefault(query_id, {})[doc_id] = rank
    if not queries:
        raise BadInput(path, None, "an empty run file: no line of six columns")
    run = assemble(
        {
            query_id.decode(): best_first(
                [doc_id.decode() for doc_id in documents],
                as_float32(np.array([score for score, _ in documents.values()])),
            )
            for query_id, documents in queries.items()
        }
    )
    odd = [
        turned(np.array(list(map(int, ranks[query_id].values()))), np.array([score for score, _ in documents.values()]))
        for query_id, documents in queries.items()
        if all(re.fullmatch(rb"-?\d{1,9}", rank) for rank in ranks[query_id].values())
    ]
    return replace(run, notes=upside_down(odd), header=run_headers.fields(comments))


def _other_sign(line: bytes) -> str:
    """What stands between the columns where it is no blank, as a hint."""
    found = next((chr(sign) for sign in SIGNS if line.count(sign) == len(COLUMNS) - 1), "")
    return f"; blanks or tabs stand between them, not {found!r}" if found else ""


def _number(text: bytes, path: Path, line: int, where: str) -> float:
    """The finite float32 that `text` says, as float64."""
    try:
        value = float(text) if b"_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not abs(value) < other_runs.FLOAT32_LIMIT:
        raise BadInput(path, line, f"the score {text.decode()!r} of {where} is no finite float32")
    return value

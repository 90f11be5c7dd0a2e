"""Lines of text files, plain or .gz, as bytes or as UTF-8; what is damaged is refused with its place and a cure."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from harness.errors import BadInput
from harness.files import open_maybe_gzip

BUFFER = 1 << 18  # bytes
LONGEST_LINE = 64 << 20  # bytes; a book has 1 MB, and no line may be as large as the memory
BOM, UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def open_lines(path: Path) -> Iterator[Iterable[bytes]]:
    """Open a text file as lines of bytes, without its byte order mark.

    Damaged and unreadable files raise BadInput, and so do a line beyond LONGEST_LINE and a gzip bomb.
    """
    try:
        stream = open_maybe_gzip(path) if path.suffix == ".gz" else io.FileIO(path)
        with io.BufferedReader(stream, BUFFER) as lines:  # type: ignore[type-var]
            start = lines.peek(len(BOM))[: len(BOM)]
            if start == BOM:
                lines.read(len(BOM))
            elif start.startswith(UTF16):
                raise BadInput(path, 1, f"the file is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 {path.name}")
            yield _limited(path, lines)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(path, None, f"the gzip file is damaged ({error}); copy or download it again") from error
    except OSError as error:
        raise BadInput(path, None, f"cannot be read: {error.strerror or error}") from error


def _limited(path: Path, lines: BinaryIO) -> Iterator[bytes]:
    """The lines, none of which is read further than LONGEST_LINE."""
    for number, line in enumerate(iter(partial(lines.readline, LONGEST_LINE), b""), 1):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise BadInput(path, number, f"the line has more than {LONGEST_LINE >> 20} MB; does it end in a newline?")
        yield line


def numbered_text(path: Path) -> Iterator[tuple[int, str]]:
    """Every line of a UTF-8 file without its end, with its number, which counts from 1; raises BadInput."""
    with open_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            yield number, decoded(path, number, line).rstrip("\r\n")


def decoded(path: Path, number: int, line: bytes) -> str:
    """The text of one line; raises BadInput where it is not UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        what = f"byte 0x{line[error.start]:02x} at position {error.start + 1} is not UTF-8"
        raise BadInput(path, number, f"{what}; convert the file: iconv -f WINDOWS-1252 -t UTF-8 {path.name}") from None


def checked_id(path: Path, number: int, column: str, value: str) -> str:
    """Return `value` if a TREC run file can carry it as an id; raise BadInput otherwise."""
    if value.split() != [value] or min(value) < " ":
        kind = "white space" if value.split() != [value] else "a control character"
        what = f"holds {kind} ({value!r})" if value else "is empty"
        cure = "which a TREC run file cannot carry; rename it in corpus, queries and qrels"
        raise BadInput(path, number, f"{column} {what}, {cure}")
    return value

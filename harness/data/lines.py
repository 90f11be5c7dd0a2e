"""Lines of text files, plain or .gz, as bytes or as UTF-8; what is damaged is refused with its place and a cure."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import BadInput

BUFFER = 1 << 18  # bytes
BOM, UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


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
    if value.split() != [value]:
        what = f"holds white space ({value!r})" if value else "is empty"
        cure = "which a TREC run file cannot carry; rename it in corpus, queries and qrels"
        raise BadInput(path, number, f"{column} {what}, {cure}")
    return value

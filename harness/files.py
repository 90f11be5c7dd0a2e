"""Files that are either whole or absent: written to a temporary name beside their place, then renamed.

A leaf module: it imports nothing of the project, so that retrievers may use it too.
"""

import bz2
import errno
import gzip
import hashlib
import io
import json
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

BLOCK = 1 << 20  # bytes read at a time when a file is hashed
SMALL, RATIO = 100 << 20, 200  # text shrinks to a tenth or so; what swells beyond both (bytes, times) is a bomb
FULL = (errno.ENOSPC, errno.EDQUOT)
LARGEST_JSON = 64 << 20  # bytes; the largest manifest of a hundred systems has less than a thousandth


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; on success it is flushed to disk and renamed to `path`.

    On any exception the temporary file is removed and `path` stays as it was; where the disk is full, the error names
    `path`. The temporary file is there already, empty and our own: whoever may write into the folder too cannot have
    us write through a link of theirs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Machines that share a folder may have processes of the same number.
    temporary = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}.tmp")
    with suppress(FileNotFoundError):
        temporary.unlink()  # of a killed process that had this number
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in FULL:  # a write does not know its file
            error.filename = str(path)
        raise
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def atomic_gzip(path: Path, level: int = 1) -> Iterator[BinaryIO]:
    """Yield a binary stream whose bytes become the gzip file `path`; no time and no name enter it."""
    with (
        atomic_path(path) as temporary,
        open(temporary, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=raw, mtime=0) as stream,
    ):
        yield stream  # type: ignore[misc]


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, keys in the order given, NaN refused, atomically."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def open_maybe_gzip(path: Path) -> BinaryIO:
    """Open `path` for reading bytes, through gzip, bzip2 or xz where its name ends in .gz, .bz2 or .xz.

    While reading, one of DAMAGED is raised for damage, and gzip.BadGzipFile for a bomb.
    """
    if path.suffix not in UNPACKED:
        return open(path, "rb")
    stream = UNPACKED[path.suffix](path, "rb")
    return io.BufferedReader(_Unzipped(stream, max(SMALL, RATIO * path.stat().st_size)), 1 << 18)


UNPACKED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)  # and a bare OSError where bzip2 is damaged


class _Unzipped(io.RawIOBase):
    """What is in a compressed file, up to `room` bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self.file.readinto(buffer)
        self.room -= count
        if self.room < 0:
            raise gzip.BadGzipFile(f"it swells more than {RATIO} times; the file is not what it should be")
        return count

    def close(self) -> None:
        self.file.close()
        super().close()


def read_json(path: Path) -> Any:
    """The JSON value in `path`, read with care: other people's files come this way.

    Raises FileNotFoundError (other OSErrors too), and ValueError, whose message lacks the path, for anything but JSON:
    a file beyond LARGEST_JSON, nesting deeper than Python's stack, half of a surrogate pair, an endless number.
    """
    with open(path, "rb") as file:
        data = file.read(LARGEST_JSON + 1)
    if len(data) > LARGEST_JSON:
        raise ValueError(f"it has more than {LARGEST_JSON >> 20} MB")
    try:
        value = json.loads(data)
        if b"\\u" in data:  # only so can half of a pair come in; it could not be written again
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def sha256(path: Path) -> str:
    """Hex sha256 of the file's bytes as they are on disk."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Hex sha256 of `value` as canonical JSON: the key of a content-addressed cache."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def existing(folder: Path) -> Path:
    """`folder`, or where it is not there yet, the one above it that is: the disk that it will lie on."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())

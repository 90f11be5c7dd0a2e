"""Checksums of what was finished: looked at again before it is used again, because disks and people damage files."""

import hashlib
import os
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from harness import files

TEMPORARY = re.compile(r"\..+\.\d+\.tmp")  # of `files.atomic_path`


def record(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file below `folder`, by relative name; to be called when nobody writes there.

    What a killed process left under a temporary name is removed first.
    """
    names = []
    for path in sorted(folder.rglob("*")):
        if TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)
        elif path.is_file():
            names.append(path.relative_to(folder).as_posix())
    return dict(zip(names, _each(lambda name: facts(folder / name), names), strict=True))


def malformed(recorded: Any, unhashed: str = "") -> str:
    """What is wrong with a record of files that somebody else may have written; empty where `damage` can take it.

    The record of the file `unhashed` needs no sha256.
    """
    if not isinstance(recorded, dict):
        return f"'files' should be a table, not {type(recorded).__name__}"
    for name, facts in recorded.items():
        path = PurePosixPath(name)
        if not path.name or path.is_absolute() or ".." in path.parts or "\0" in name:
            return f"'files' names {name!r}, which is no file of this folder"
        if not isinstance(facts, dict):
            return f"'files.{name}' should be a table, not {type(facts).__name__}"
        size, digest = facts.get("bytes"), facts.get("sha256")
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            return f"'files.{name}.bytes' should be a number of bytes, not {size!r}"
        if not (isinstance(digest, str) or (digest is None and name == unhashed)):
            return f"'files.{name}.sha256' should be text, not {digest!r}"
    return ""


def damage(folder: Path, recorded: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The recorded files that are not as they were: name -> what is wrong. Files beyond those recorded may be there."""
    found = _each(lambda name: _wrong(folder / name, recorded[name]), list(recorded))
    return {name: wrong for name, wrong in zip(recorded, found, strict=True) if wrong}


def text_sha256(path: Path) -> str | None:
    """Hex sha256 of a gzip file's text; None where it is no whole gzip file."""
    digest = hashlib.sha256()
    with suppress(EOFError, OSError, zlib.error), files.open_maybe_gzip(path) as stream:
        while block := stream.read(files.BLOCK):
            digest.update(block)
        return digest.hexdigest()
    return None


def sweep(folder: Path) -> None:
    """Remove what killed processes left in `folder` under temporary names; nobody else may be writing there."""
    with suppress(OSError):
        for path in folder.iterdir():
            if TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _each(function: Any, names: list[str]) -> list[Any]:
    if len(names) < 4:  # a result: starting threads would take longer
        return [function(name) for name in names]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # hashing leaves Python's lock alone
        return list(pool.map(function, names))


def facts(path: Path) -> dict[str, Any]:
    """Size and sha256 of a file."""
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}


def _wrong(path: Path, recorded: dict[str, Any]) -> str | None:
    try:
        if (size := path.stat().st_size) != recorded["bytes"]:
            return f"{size:,} bytes instead of {recorded['bytes']:,}"
        digest = recorded.get("sha256")  # a run's is of its text, and looked at where it is read
        return "its sha256 is another" if digest and files.sha256(path) != digest else None
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"

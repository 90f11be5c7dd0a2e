"""Files and folders that arguments name, by their content: for retrievers that don't say what they rest on.

A value counts as a path if it holds a slash or has an ending; so no word of a hyper-parameter is taken for a folder
that happens to lie in the working folder.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from harness import files

MOST = 1000  # files of a folder that is read; one that holds more is no checkpoint


def places(arguments: Mapping[str, Any]) -> dict[str, Path]:
    """Argument -> the file or folder that it names, of those that are there; nested ones as `name.0`, `name.key`."""
    return {name: path for name, value in _flat(arguments.items(), "") if (path := _path(value)) is not None}


def contents(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Argument -> hex sha256 of what it names: of a file's bytes, or of the names and bytes of a folder's files."""
    return {name: found for name, path in places(arguments).items() if (found := content(path))}


def _flat(items: Iterable[tuple[Any, Any]], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in items:
        inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
        if inner is None:
            yield f"{above}{name}", value
        else:
            yield from _flat(inner, f"{above}{name}.")


def _path(value: Any) -> Path | None:
    if not isinstance(value, str) or not ("/" in value or Path(value).suffix):
        return None
    path = Path(value).expanduser()
    try:
        return path if path.name not in ("", "..") and path.exists() else None
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return None


def content(path: Path) -> str:
    """Hex sha256 of a file's bytes, or of the names and bytes of a folder's files; empty where these are too many."""
    if path.is_file():
        return files.sha256(path)
    read = (one for one in path.rglob("*") if not _idle(one.relative_to(path)) and one.is_file())
    held = sorted(islice(read, MOST + 1))
    if len(held) > MOST:
        return ""
    return files.sha256_json([[one.relative_to(path).as_posix(), files.sha256(one)] for one in held])


def _idle(path: Path) -> bool:
    """Whether it is hidden or compiled code: no part of what a folder holds."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)

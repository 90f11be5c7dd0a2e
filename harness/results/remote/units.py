"""What of a results folder travels to a store, and what travels together: the names of its files, and their state."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from harness import files
from harness.results import manifest

T = TypeVar("T")


def files_of(mirror: Path, below: str = "") -> dict[str, list[int]]:
    """Size and time (ns) of every file of the mirror, or of one unit, by relative name."""
    top = mirror / below
    found = {}
    for path in [top] if top.is_file() else sorted(top.rglob("*")):
        if path.is_file():
            facts = path.stat()
            found[path.relative_to(mirror).as_posix()] = [facts.st_size, facts.st_mtime_ns]
    return ours(found)


def unit_of(name: str) -> str:
    """What travels together: the folder of a pair, else the file itself."""
    parts = name.split("/")
    return "/".join(parts[:3]) if parts[0] == "runs" else name


def grouped(names: Mapping[str, T]) -> dict[str, dict[str, T]]:
    """Names by unit, with what is known of them."""
    found: dict[str, dict[str, T]] = {}
    for name, one in names.items():
        found.setdefault(unit_of(name), {})[name] = one
    return found


def ours(names: dict[str, T]) -> dict[str, T]:
    """Without hidden files (locks, what is half written), tracebacks, and what lies beside the pairs."""
    found = {}
    for name, one in names.items():
        parts = name.split("/")
        stray = parts[0] == "runs" and len(parts) < 4
        if not stray and not any(part.startswith(".") or part == manifest.FAILURE for part in parts):
            found[name] = one
    return found


def whole(unit: str, names: Mapping[str, Any]) -> bool:
    """Whether a unit of these names is finished: a pair has its manifest."""
    return unit in names or f"{unit}/{manifest.NAME}" in names


def manifest_last(names: Iterable[str]) -> list[str]:
    """The order in which files are made."""
    return sorted(names, key=lambda name: (name.endswith(f"/{manifest.NAME}"), name))


def unpushed(mirror: Path) -> list[str]:
    """What lies in the mirror `mirror` and is not as it was when it was last the same as in the store."""
    same: dict[str, Any] = {}
    with suppress(FileNotFoundError, ValueError):
        same = files.read_json(mirror.with_name(f"{mirror.name}.json"))
    return [
        unit
        for unit, names in grouped(files_of(mirror)).items()
        if whole(unit, names) and any(same.get(name, [None])[0] != facts for name, facts in names.items())
    ]

"""What lies in the cache, entry by entry, read from names, sizes and small files alone; and how to remove one.

<cache>/datasets/<archive>/     downloads            <cache>/indexes/<retriever>-<key>/   indexes
<cache>/training/<name>         tokenised text, ...            <cache>/remote/<name>    results that live behind a URL
The rest (surveys, numba, matplotlib, …) is small and is no entry: it stays.
"""

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import results as stored
from harness.errors import HarnessError
from harness.host import locks

KEPT = (".lock", ".in-use")  # of an index that is removed: a process may be waiting for them


@dataclass
class Entry:
    """A folder or file of the cache; `used` is seconds since the epoch, never later than now."""

    kind: str
    name: str
    path: Path
    bytes: int
    used: float
    referred: list[str] = field(default_factory=list)  # results made with it, as system/dataset
    busy: str = ""  # who uses it now, in words

    def age(self) -> float:
        """Seconds since the last use; a time from the future, left by a wrong clock, counts as now."""
        return max(0.0, time.time() - self.used)


@dataclass
class Index(Entry):
    """An index; `key` is what it was made from, `asked` the tag and arguments that asked for it; {} for unknown."""

    complete: bool = False
    dataset: str | None = None
    docs: int | None = None
    key: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def key_class(self) -> str:
        """The class of its retriever."""
        return str(self.key.get("retriever", {}).get("class", ""))


def entries(cache: Path, results: Path | None = None) -> list[Entry]:
    """Everything in the cache; with `results`, every entry knows the results that were made with it."""
    found: list[Entry] = [
        *_plain("dataset", cache / "datasets"),
        *indexes(cache),
        *_plain("training", cache / "training"),
        *_mirrors(cache / "remote"),
    ]
    if results:
        _refer(found, results)
    return found


def indexes(cache: Path) -> list[Index]:
    """Every index of the cache, finished or not."""
    return [_index(path) for path in _listed(cache / "indexes") if (path / "index").is_dir()]


def _index(path: Path) -> Index:
    complete, begun = _json(path / "complete.json"), _json(path / "begun.json")
    about, made = complete or begun, complete.get("made", {})
    key = about.get("key", {})
    name = key.get("retriever", {}).get("name") or path.name.rpartition("-")[0]
    size, used = _measure(path)
    for stamp in ("begun.json", "complete.json"):
        with suppress(OSError):
            used = (path / stamp).stat().st_mtime
            break
    docs = made.get("docs")
    return Index("index", name, path, size, used, [], _busy(path), bool(complete), about.get("dataset"), docs, key,
                 begun.get("asked", {}))  # fmt: skip


def _plain(kind: str, folder: Path) -> Iterable[Entry]:
    for path in _listed(folder):
        lock = folder / f".{path.name}.lock"
        size, used = _measure(path)
        busy = ""
        if lock.exists():
            with suppress(OSError), locks.attempt(lock) as free:
                busy = "" if free else locks.described(lock)
        yield Entry(kind, path.name, path, size, used, [], busy)


def _mirrors(folder: Path) -> Iterable[Entry]:
    """Mirrors of results; one that holds what the store does not have stays."""
    from harness.results.remote import units

    for entry in _plain("remote", folder):
        if entry.path.is_dir():
            if left := units.unpushed(entry.path):
                named = ", ".join(left[:3]) + ", …" * (len(left) > 3)
                entry.busy = entry.busy or f"a run that has still to push {named}"
            yield entry


def _busy(path: Path) -> str:
    """Who holds the lock of an index or searches in it; empty for nobody."""
    for name in KEPT:
        if (path / name).exists():
            with suppress(OSError), locks.attempt(path / name) as free:
                if not free:
                    return locks.described(path / name) if name == ".lock" else "a run that searches in it"
    return ""


def _listed(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return []


def _json(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        value = json.loads(path.read_bytes())
        return value if isinstance(value, dict) else {}
    return {}


def _measure(path: Path) -> tuple[int, float]:
    """Bytes of all files of an entry, and when the last of them was changed; links are not followed."""
    size, changed = 0, 0.0
    places = [path] if path.is_file() else [Path(root) / name for root, _, names in os.walk(path) for name in names]
    for place in places:
        with suppress(OSError):
            facts = place.lstat()
            size, changed = size + facts.st_size, max(changed, facts.st_mtime)
    return size, changed or time.time()


def _refer(found: Sequence[Entry], results: Path) -> None:
    """Fill in `referred`, and the dataset of an index that does not name it, from the manifests below `results`."""
    for result in stored.glance(results):
        key, pair = result.fingerprint, f"{result.tag}/{result.dataset}"
        for entry in found:
            if isinstance(entry, Index):
                if entry.key and entry.key.get("collection") == key.get("collection"):
                    entry.dataset = entry.dataset or result.dataset
                    if _made_with(key, entry.key):
                        entry.referred.append(pair)
            elif entry.kind == "dataset" and entry.name in (result.dataset, _archive(result.data.url or "")):
                entry.referred.append(pair)


def _made_with(result: Mapping[str, Any], index: dict[str, Any]) -> bool:
    """Whether the fingerprint of a result contains the key of an index: it has arguments more, those of the search."""
    shared = all(result.get(name) == index.get(name) for name in ("schema", "retriever", "state"))
    arguments = result.get("arguments", {})
    return shared and all(arguments.get(name, ...) == value for name, value in index.get("arguments", {}).items())


def _archive(url: str) -> str:
    return url.rpartition("/")[2].removesuffix(".zip")


def remove(entry: Entry, cache: Path) -> None:
    """Remove one entry, unless somebody uses it. Raises HarnessError for one outside the cache or in use."""
    parent = entry.path.parent.resolve()
    if parent.parent != cache.resolve() or parent.name not in ("datasets", "indexes", "training", "remote"):
        raise HarnessError(f"{entry.path} does not lie in the cache {cache}; it stays")
    with ExitStack() as stack:
        names = KEPT if entry.kind == "index" and not entry.path.is_symlink() else ()
        lock_files = [entry.path / name for name in names] or [entry.path.parent / f".{entry.path.name}.lock"]
        for path in lock_files:
            if not stack.enter_context(locks.attempt(path)):
                raise HarnessError(f"{entry.path} is in use; it stays")
        if entry.path.is_symlink() or entry.path.is_file():
            entry.path.unlink()
        elif entry.kind == "index":
            (entry.path / "complete.json").unlink(missing_ok=True)  # first, so that no half of an index looks whole
            for path in entry.path.iterdir():
                if path.name not in KEPT:
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        else:
            shutil.rmtree(entry.path)
            entry.path.with_name(f"{entry.path.name}.json").unlink(missing_ok=True)  # of a mirror

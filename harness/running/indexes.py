"""The cache of indexes: one folder per content key, complete when its `complete.json` exists.

<cache>/indexes/<retriever>-<key>/index/          the retriever's own files; its whole world
<cache>/indexes/<retriever>-<key>/complete.json   what it was made from, what it cost, its checksums; written last
<cache>/indexes/<retriever>-<key>/begun.json      what it is being made from; its time of change is that of the last use
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

from harness import files, plugins
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import integrity, locks, log, progress
from harness.host.costs import folder_bytes, metered
from harness.records import Doc
from harness.retriever import Retriever
from harness.running import part_costs

COMPLETE, BEGUN, USED = "complete.json", "begun.json", ".in-use"
Progress = Callable[[Iterable[Doc]], Iterable[Doc]]


def home(cache: Path, name: str, key: dict[str, Any]) -> Path:
    """Where the index of this key lies, finished or not."""
    return cache / "indexes" / f"{name}-{files.sha256_json(key)[:16]}"


def complete(cache: Path, name: str, key: dict[str, Any]) -> bool:
    """Whether there is a finished index of this key."""
    return _record(home(cache, name, key), key) is not None


def ensure(
    cache: Path,
    name: str,
    key: dict[str, Any],
    retriever: Retriever,
    dataset: Dataset,
    inputs: dict[str, Path],
    shown: Progress,
    ahead: Callable[[], None] | None = None,
    asked: dict[str, Any] | None = None,
) -> tuple[Path, dict[str, Any]]:
    """The finished index folder for `key` and the record of its making; indexes the dataset where there is none.

    `inputs` are copied into the folder under their relative names before the retriever sees it; `shown` wraps the
    stream of documents. An index that another process is making is waited for. What an interrupted call left is handed
    to the retriever, which may keep the finished pieces. A finished index is checked against its checksums; damage is
    told and mended. `record["reused"]` says whether the index was there already. `asked`
    says for people what asked for it.

    Raises HarnessError where the index would have to be made and the cache cannot be written.
    """
    place = home(cache, name, key)
    folder = place / "index"
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.held(place / ".lock", f"the index of {name} on {dataset.name}"))
        except OSError as error:
            if (record := _record(place, key)) and not integrity.damage(folder, record.get("files", {})):
                return folder, {**record["made"], "reused": True}  # to be read, a read-only cache will do
            cure = "make room there or set $BEIR_HARNESS_CACHE to another place"
            raise HarnessError(f"the cache cannot take an index: {error}; {cure}") from error
        if record := _record(place, key):
            wrong = integrity.damage(folder, record.get("files", {}))
            if not wrong:
                with suppress(OSError):
                    (place / BEGUN).touch()
                return folder, {**record["made"], "reused": True}
            _clear(place, wrong, retriever)
        files.write_json(place / BEGUN, {"key": key, "dataset": dataset.name, "asked": asked or {}})
        for relative, source in inputs.items():
            with files.atomic_path(folder / relative) as temporary:
                copyfile(source, temporary)
                if files.sha256(temporary) != key["state"]["runs"][relative]:
                    raise HarnessError(f"{source} was replaced while it was being used; start again")
        counted = _Counted(shown(dataset.docs()))
        with metered() as cost:
            if ahead:
                ahead()
            retriever.index(counted, folder)
        part_costs.add(place, cost)
        checksums = integrity.record(folder)
        made = {
            **cost.record(),
            **plugins.describe(type(retriever)).billed(retriever),
            "docs": counted.count,
            "docs_per_s": round(counted.count / max(cost.wall_s, 1e-9), 1),
            "index_bytes": folder_bytes(folder),
        }
        files.write_json(place / COMPLETE, {"key": key, "dataset": dataset.name, "made": made, "files": checksums})
    return folder, {**made, "reused": False}


def _record(place: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    """What `complete.json` says, if it is whole and about this key."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        record = json.loads((place / COMPLETE).read_bytes())
        made, checksums = record["made"], record.get("files", {})
        if record["key"] == key and isinstance(made, dict) and not integrity.malformed(checksums):
            return record
    return None


def _clear(place: Path, wrong: dict[str, str], retriever: Retriever) -> None:
    """Take away what is damaged: single files where the retriever makes missing ones, else all of it."""
    listed = ", ".join(f"{name} ({what})" for name, what in list(wrong.items())[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    message = f"the index {place} is damaged and is made again: {listed}{more}"
    progress.say(message)
    log.event("damaged", message=message)
    (place / COMPLETE).unlink()
    if plugins.describe(type(retriever)).mends:
        index = (place / "index").resolve()
        for name in wrong:  # names come from a file: none may lead out of the index
            if (path := (index / name).resolve()).is_relative_to(index):
                path.unlink(missing_ok=True)
    else:
        rmtree(place / "index")
        (place / "index").mkdir()


class _Counted:
    """A one-shot stream of documents that knows how many have passed."""

    def __init__(self, docs: Iterable[Doc]) -> None:
        self._docs, self.count = iter(docs), 0

    def __iter__(self) -> Iterator[Doc]:
        return self

    def __next__(self) -> Doc:
        doc = next(self._docs)
        self.count += 1
        return doc

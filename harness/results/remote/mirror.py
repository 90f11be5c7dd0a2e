"""Results behind a URL, as a folder in the cache that is pulled before it is read and pushed after it is written.

A pair of system and dataset travels as a whole. Its manifest is removed first and comes last, and is believed only with
the files that it names, so that nobody ever reads half a result, or one of two writers. Every other file (a log, means,
a table) travels by itself. What is finished here and not pushed yet is never lost to a pull, but for a newer result.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from harness import files, paths
from harness.errors import BadInput, HarnessError
from harness.host import integrity, locks, log, progress
from harness.results import manifest
from harness.results.remote.store import Gone, Listed, Store
from harness.results.remote.units import files_of, grouped, manifest_last, ours, unit_of, whole

FOLDER = "remote"  # of the mirrors, in the cache
T = TypeVar("T")


class Mirror:
    """The mirror of the results at `url`; beside it, what it and the store were like when they were last the same."""

    def __init__(self, url: str, cache: Path | None = None) -> None:
        self.store = Store(url)
        readable = re.sub(r"[^A-Za-z0-9]+", "-", self.store.root).strip("-")[-40:]
        name = f"{readable}-{files.sha256_json([self.store.url, self.store.root])[:8]}"
        home = (cache or paths.cache_dir()) / FOLDER
        self.folder, self.same = home / name, home / f"{name}.json"
        self.lock, self.incoming = home / f".{name}.lock", home / f".{name}.incoming"

    def pull(self) -> list[str]:
        """Make the mirror what the store is; returns what is finished here and not pushed yet.

        Raises HarnessError where the store cannot be read, or lists names that leave the folder.
        """
        with self._held() as same:
            far = grouped(ours(self.store.files()))
            there = {unit for unit in far if whole(unit, far[unit])}
            units = progress.over(
                sorted(there.union(map(unit_of, [*files_of(self.folder), *same]))),
                f"from {self.store.url}",
                "results",
            )
            return [unit for unit in units if self._pulled(unit, far.get(unit, {}), same)]

    def _pulled(self, unit: str, far: dict[str, Listed], same: dict[str, Any]) -> bool:
        """Follow the store in one unit; whether it is to be pushed instead."""
        with self._alone(unit) as free:
            if not free:  # a process of this machine makes this result, and will push it
                return False
            near, base = (
                files_of(self.folder, unit),
                {name: one for name, one in same.items() if unit_of(name) == unit},
            )
            far = far if whole(unit, far) else {}
            clean = near == {name: one[0] for name, one in base.items()}
            unchanged = {name: one.stamp for name, one in far.items()} == {name: one[1] for name, one in base.items()}
            unpushed = not clean and whole(unit, near)
            if unpushed and (unchanged or not far or unit in near):
                return True
            if (clean and unchanged) or not (clean or far):
                return False
            far = self._downloaded(unit, far)
            if unpushed and not (far and _created(self.incoming / unit) >= _created(self.folder / unit)):
                return True
            gone = near.keys() - far.keys() | {f"{unit}/{manifest.NAME}"} & near.keys()
            for name in reversed(manifest_last(gone)):
                (self.folder / name).unlink(missing_ok=True)
            for name in manifest_last(far):
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.incoming / name).replace(self.folder / name)
            self._now_same(unit, far, same)
            if not far and (self.folder / unit).is_dir():
                shutil.rmtree(self.folder / unit)
            return False

    def _downloaded(self, unit: str, far: dict[str, Listed]) -> dict[str, Listed]:
        """`far`, whose files lie in `incoming` now; {} where they are not those that their manifest names."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        if not far:
            return {}
        self.incoming.mkdir(parents=True)
        try:
            self.store.get(far, self.incoming)
            place = self.incoming / unit
            wrong = "; ".join(f"{name}: {what}" for name, what in _damage(place).items()) if place.is_dir() else ""
        except (Gone, manifest.Damaged) as error:
            wrong = str(error)
        if wrong:
            progress.say(f"{self.store.url}/{unit} is being written, or damaged, and left out: {wrong}")
        return {} if wrong else far

    def push(self, *below: str) -> None:
        """Upload what is finished here and is not as the store has it: all, or what lies in the folders `below`.

        Raises HarnessError where the store refuses; what was not pushed stays to be pushed.
        """
        with self._held() as same:
            for unit in sorted(grouped(files_of(self.folder)), key=lambda unit: (not unit.startswith("runs/"), unit)):
                if not below or any(f"{unit}/".startswith(f"{folder}/") for folder in below):
                    self._pushed(unit, same)

    def _pushed(self, unit: str, same: dict[str, Any]) -> None:
        with self._alone(unit) as free:
            near, base = (
                files_of(self.folder, unit),
                {name: one for name, one in same.items() if unit_of(name) == unit},
            )
            if not free or not whole(unit, near) or near == {name: one[0] for name, one in base.items()}:
                return
            far = {name: one for name, one in ours(self.store.files(unit)).items() if unit_of(name) == unit}
            differ = [name for name in near if name not in far or base.get(name) != [near[name], far[name].stamp]]
            if (head := f"{unit}/{manifest.NAME}") in differ:
                self.store.remove(head)
            for name in far.keys() - near.keys():
                self.store.remove(name)
            for name in manifest_last(differ):
                self.store.put(self.folder / name, name)
            self._now_same(unit, ours(self.store.files(unit)), same, near)

    def finished(self, tag: str, dataset: str) -> None:
        """To be called after every pair: pushes it and the logs. What cannot be pushed is told, and stays here."""
        self._tried("/".join(("runs", tag, Path(dataset).name)), log.FOLDER)

    def finish(self) -> bool:
        """Push whatever is left; whether everything has been pushed."""
        return self._tried()

    def _tried(self, *below: str) -> bool:
        try:
            self.push(*below)
        except HarnessError as error:
            progress.say(f"NOT PUSHED: {error}; results are kept in {self.folder}, the same command pushes them")
            return False
        return True

    @contextmanager
    def _held(self) -> Iterator[dict[str, Any]]:
        """What was the same when: name -> [size and time here, stamp there]. Saved, however the work on it ends."""
        with locks.held(self.lock, f"the mirror of {self.store.url}"):
            same: dict[str, Any] = {}
            with suppress(FileNotFoundError, ValueError):  # without it all is looked at anew
                same = files.read_json(self.same)
            before = json.dumps(same)
            try:
                yield same
            finally:
                shutil.rmtree(self.incoming, ignore_errors=True)
                if json.dumps(same) != before:
                    files.write_json(self.same, same)

    @contextmanager
    def _alone(self, unit: str) -> Iterator[bool]:
        """Hold the lock of a pair, unless a process that makes it does; other files have none."""
        if not unit.startswith("runs/"):
            yield True
            return
        (self.folder / unit).mkdir(parents=True, exist_ok=True)
        with locks.attempt(self.folder / unit / ".lock") as free:
            yield free

    def _now_same(
        self, unit: str, far: Mapping[str, Listed], same: dict[str, Any], near: dict[str, list[int]] | None = None
    ) -> None:
        for name in [name for name in same if unit_of(name) == unit]:
            del same[name]
        for name, facts in (files_of(self.folder, unit) if near is None else near).items():
            if name in far:
                same[name] = [facts, far[name].stamp]


def folder(place: Path | str) -> Path:
    """A results folder to read: a Path as it is; of a URL the mirror, pulled, with a note of what it has alone."""
    if isinstance(place, Path):
        return place
    mirror = Mirror(place)
    if unpushed := mirror.pull():
        pairs = ", ".join(unit.removeprefix("runs/") for unit in unpushed)
        progress.say(f"note: not at {mirror.store.url} yet, only here: {pairs}; the command that made it pushes it")
    return mirror.folder


def _damage(place: Path) -> dict[str, str]:
    """The files of a pair that its manifest knows otherwise. Raises Damaged for a manifest that is half written."""
    try:
        recorded = (manifest.read(place) or {}).get("files")
    except manifest.Damaged:
        raise
    except BadInput:  # of a newer schema: whoever reads it will say so
        return {}
    if not isinstance(recorded, dict):
        return {}
    there = {path.name for path in place.iterdir()}  # the run may be absent: results are shared without it
    return integrity.damage(
        place,
        {name: one for name, one in recorded.items() if name in there and isinstance(one, dict) and "bytes" in one},
    )


def _created(place: Path) -> str:
    """When a result was made, in ISO's form, which orders; nothing where nobody can tell."""
    with suppress(BadInput):
        return str((manifest.read(place) or {}).get("created", ""))
    return ""

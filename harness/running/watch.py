"""Whether files are as they were, by their size, their times and their inode: no byte of them is read."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.plugins import Plugin

Entry = list[Any]  # [path, size, time of change, time of the inode's change, inode]; [path] where there is nothing
TICK_NS = 20_000_000  # of a file system's clock, at most: two changes within one have the same times
BEGUN = time.time_ns() - TICK_NS  # before this process imported any plugin


def unchanged(entries: Iterable[Entry]) -> bool:
    """Whether all is as it was when it was looked at."""
    return all(_of(Path(one[0])) == one for one in entries)


def settled(entries: Iterable[Entry], since: int) -> bool:
    """Whether nothing of it has changed since that time (ns)."""
    return all(len(one) == 1 or one[3] < since for one in entries)


def watched(spec: str, plugin: Plugin, sources: Iterable[Path]) -> list[Entry]:
    """What a system rests on: `sources` with all that is in them, its code and the harness's, what is installed."""
    cls = plugin.cls
    packages = {one.__module__.partition(".")[0] for one in (*cls.__mro__, vars(cls).get("adapted_from", cls))}
    loaded = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages | {"harness"}]
    places = {place for module in loaded if (place := getattr(module, "__file__", None))}
    installed = tuple(place for place in sys.path if place.endswith("-packages"))
    found = {Path(place) for place in places if not place.startswith(installed)} | set(map(Path, installed))
    for path in plugin.code:
        found.update(_below(path.absolute()))
    if (file := spec.rpartition(":")[0]).endswith(".py"):
        found.add(Path(file).expanduser().absolute())  # it may be a link, which may come to lead elsewhere
    for source in sources:
        found.update(_below(source.absolute()))
    return [_of(path) for path in sorted(found)]


def _below(place: Path) -> Iterator[Path]:
    """A file, or a folder with all that is in it, also behind links; each folder once."""
    seen: set[str] = set()
    yield place
    for folder, folders, files in os.walk(place, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in (*folders, *files))


def _of(path: Path) -> Entry:
    with suppress(OSError):
        facts = path.stat()
        return [str(path), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
    return [str(path)]

"""Whether files are as they were, by their size, their times and their inode: no byte of them is read."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

Entry = list[Any]  # [path, size, time of change, time of the inode's change, inode]; [path] where there is nothing


def unchanged(entries: Iterable[Entry]) -> bool:
    """Whether all is as it was when it was looked at."""
    return all(_of(Path(one[0])) == one for one in entries)


def watched(cls: type, sources: Iterable[Path]) -> list[Entry]:
    """What a system rests on: `sources` with all that is in them, its code and the harness's, what is installed."""
    packages = {one.__module__.partition(".")[0] for one in (*cls.__mro__, vars(cls).get("adapted_from", cls))}
    loaded = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages | {"harness"}]
    places = {place for module in loaded if (place := getattr(module, "__file__", None))}
    installed = tuple(place for place in sys.path if place.endswith("-packages"))
    found = {Path(place) for place in places if not place.startswith(installed)} | set(map(Path, installed))
    for source in sources:
        found.add(source.absolute())
        found.update(source.absolute().rglob("*"))
    return [_of(path) for path in sorted(found)]


def _of(path: Path) -> Entry:
    with suppress(OSError):
        facts = path.stat()
        return [str(path), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
    return [str(path)]

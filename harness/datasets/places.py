"""Where collections lay that only their folder's name tells: a hint for commands that have no more than a result.

<cache>/places/<dataset>, a path a line, the last used first. It is of this machine, so it stands in no result. Whoever
takes the hint compares what lies there with what was scored.
"""

from contextlib import suppress
from pathlib import Path

from harness import files, paths
from harness.datasets.dataset import Dataset

MOST = 4  # of one name


def remember(dataset: Dataset) -> None:
    """Note where a collection lies that is neither in the table nor in the cache."""
    if dataset.row is None and not dataset.folder.resolve().is_relative_to(dataset.cache.resolve()):
        name, place = _base(dataset.name), str(dataset.folder.absolute())
        with suppress(OSError):
            earlier = [one for one in _noted(dataset.cache, name) if one != place]
            text = "".join(f"{one}\n" for one in [place, *earlier][:MOST])
            files.write_bytes(dataset.cache / "places" / name, text.encode("utf-8", "surrogateescape"))


def recall(name: str) -> list[str]:
    """What `datasets.load` takes for a dataset of this name: the folders that are there, the last used first."""
    split = name[len(_base(name)) :]
    return [f"{one}{split}" for one in _noted(paths.cache_dir(), _base(name)) if Path(one).is_dir()]


def _base(name: str) -> str:
    return name.partition("@")[0]


def _noted(cache: Path, name: str) -> list[str]:
    with suppress(OSError):
        return (cache / "places" / name).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return []

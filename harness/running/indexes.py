"""The cache of indexes: one folder per content key, complete when its `complete.json` exists.

<cache>/indexes/<retriever>-<key>/index/          the retriever's own files; its whole world
<cache>/indexes/<retriever>-<key>/complete.json   what it was made from, what it cost; written last
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from shutil import copyfile
from typing import Any

from filelock import FileLock

from harness import files
from harness.datasets import Dataset
from harness.records import Doc
from harness.retriever import Retriever
from harness.running.measuring import folder_bytes, measure

Progress = Callable[[Iterable[Doc]], Iterable[Doc]]


def ensure(
    cache: Path,
    name: str,
    key: dict[str, Any],
    retriever: Retriever,
    dataset: Dataset,
    inputs: dict[str, Path],
    progress: Progress,
) -> tuple[Path, dict[str, Any]]:
    """The finished index folder for `key` and the record of its making; indexes the dataset where there is none.

    `inputs` are copied into the folder under their relative names before the retriever sees it.
    An index that another process is making is waited for. What an interrupted call left is handed to the retriever,
    which may keep the finished pieces. `record["reused"]` says whether the index was there already.
    """
    home = cache / "indexes" / f"{name}-{files.sha256_json(key)[:16]}"
    complete, folder = home / "complete.json", home / "index"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".lock"):
        with suppress(FileNotFoundError, ValueError, KeyError):
            record = json.loads(complete.read_text())
            if record["key"] == key:
                return folder, {**record["made"], "reused": True}
        for relative, source in inputs.items():
            with files.atomic_path(folder / relative) as temporary:
                copyfile(source, temporary)
        counted = _Counted(progress(dataset.docs()))
        with measure() as cost:
            retriever.index(counted, folder)
        made = {
            **cost.record(),
            "docs": counted.count,
            "docs_per_s": round(counted.count / max(cost.wall_s, 1e-9), 1),
            "index_bytes": folder_bytes(folder),
        }
        files.write_json(complete, {"key": key, "made": made})
    return folder, {**made, "reused": False}


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

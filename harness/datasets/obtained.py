"""Documents and judgments of a dataset that the table knows, from the network where they are not here."""

from collections.abc import Sequence
from pathlib import Path

from harness.datasets.dataset_table import Row
from harness.datasets.folders import file_in
from harness.errors import HarnessError


def fetched(row: Row, cache: Path, download: bool) -> Path:
    """The folder of a dataset's archive, downloaded into the cache; raises HarnessError where it can't be had."""
    cure = (
        f"or put it, in BEIR layout, into a folder {row.folder} and give the folder that holds this one as --data-dir"
    )
    if not row.url:
        raise HarnessError(f"{row.name} cannot be downloaded ({row.licence}): {row.obtain}; {cure.removeprefix('or ')}")
    if not download:
        raise HarnessError(f"{row.name} is not here and downloading is off; allow it, {cure}")
    from harness.datasets.sources.acquire import fetch_archive

    return fetch_archive(row, cache / "datasets", cure)


def judgments(row: Row, folder: Path, places: Sequence[Path], cache: Path, download: bool) -> Path:
    """Where the judgments lie: beside the corpus, or in a folder of the dataset's own name, where `row.files` go."""
    for candidate in (folder, *(place / row.name for place in places)):
        if file_in(candidate / "qrels", f"{row.split}.tsv"):
            return candidate
    if not row.files or folder.name == row.name:
        return folder
    needed = ", ".join(file.path for file in row.files)
    cure = f"or put {needed} into {folder} or into a folder {row.name} below a --data-dir"
    if not download:
        raise HarnessError(f"{row.name} needs {needed}, and downloading is off; allow it, {cure}")
    from harness.datasets.sources.acquire import fetch_files

    return fetch_files(row, cache / "datasets", cure)

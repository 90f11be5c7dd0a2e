"""Where folders in BEIR layout lie: in data folders, at a path, under a name that the table knows."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.datasets.dataset import CORPUS
from harness.datasets.dataset_table import Row, rows
from harness.errors import HarnessError

LONGEST_NAME = 200  # bytes; file systems end at 255, and a split and an ending are added


def check_folders(data_dirs: Iterable[Path]) -> None:
    """Raise HarnessError for a data folder that is none, with what to give instead."""
    for data_dir in map(Path, data_dirs):
        if not data_dir.is_dir():
            what = "is no folder" if data_dir.exists() else "does not exist"
            option = "--data-dir (or $BEIR_HARNESS_DATA) takes one that holds folders of datasets"
            raise HarnessError(f"the data folder {data_dir} {what}; {option}")
        if file_in(data_dir, CORPUS) or (data_dir / "qrels").is_dir():
            above = data_dir.resolve().parent
            raise HarnessError(
                f"{data_dir} is itself a dataset; give the folder that holds it: --data-dir {above}, "
                f"or the dataset by its path: --dataset {data_dir}"
            )


def local_names(data_dirs: Sequence[Path]) -> list[str]:
    """The folders of datasets in the data folders, known to the table or not."""
    inside = [path for data_dir in data_dirs for path in Path(data_dir).iterdir()]
    return [path.name for path in inside if file_in(path, CORPUS) or (path / "qrels").is_dir()]


def local(name: str, data_dirs: Sequence[Path]) -> Path | None:
    """The folder of a collection that the table does not know, in a data folder; rather one with documents."""
    if Path(name).name != name or name == "..":
        return None
    judged = (path for place in data_dirs if ((path := Path(place) / name) / "qrels").is_dir())
    return first_with((name,), data_dirs) or next(judged, None)


def is_path(name: str) -> bool:
    """Whether `name` is meant as the path of a folder."""
    return bool(name) and (Path(name).name != name or Path(name).is_dir())


def folder_at(path: str) -> Path:
    """The folder at `path`, absolute; the end of its name is that of the dataset."""
    folder = Path(path).expanduser().absolute()  # a link keeps its name
    return folder.resolve() if ".." in folder.parts else folder


def row_of(folder: Path) -> Row | None:
    """The dataset that the table knows and a folder of this name is."""
    tail = folder.parts
    for row in rows().values():
        if any(tail[-len(parts) :] == parts for parts in (Path(place).parts for place in row.folders)):
            if row.folder != row.name and tail[-1] == row.archive:
                shared = ", ".join(other.name for other in rows().values() if other.folder == row.folder)
                raise HarnessError(
                    f"{folder} holds several datasets; name one ({shared}) and give {folder.parent} as --data-dir"
                )
            return row
    return None


def parts(name_or_path: str) -> tuple[str, str]:
    """`scifact@train` is ("scifact", "train"); a folder whose own name has an @ is taken whole."""
    name, at, split = str(name_or_path).rpartition("@")
    if not at or "/" in split or Path(name_or_path).is_dir():
        return str(name_or_path), ""
    if not name or not split:
        raise HarnessError(f"{name_or_path!r} is no dataset: write name@split, for example scifact@train")
    return name, split


def checked(name: str, folder: Path) -> str:
    """`name` if results can be filed under it; raises HarnessError."""
    if not name or name.startswith(".") or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        cure = f"results are filed under the folder's name: no leading dot, printable, up to {LONGEST_NAME} bytes"
        raise HarnessError(f"{str(folder)!r}: {name!r} cannot name a dataset; {cure}")
    return name


def file_in(folder: Path, name: str) -> Path | None:
    """The file of this name in `folder`, or its .gz."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def first_with(folders: Sequence[str], data_dirs: Sequence[Path], file: str = CORPUS) -> Path | None:
    """The first folder with this file; by default one that holds only judgments is passed over."""
    candidates = (Path(data_dir) / folder for data_dir in data_dirs for folder in folders)
    return next((folder for folder in candidates if file_in(folder, file)), None)

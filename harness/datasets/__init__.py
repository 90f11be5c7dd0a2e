"""Test collections by name: `load("scifact")` finds one in the data folders, the cache or the network.

A name may carry a split, `scifact@train`; without one the table decides, and for a folder that the table does not
know it is `test`, or the only split there is. Another split is a dataset of its own in every table and average; the
dataset's own split may be said and changes nothing: `scifact@test` is `scifact`. A name with a slash is the path of a
folder in BEIR layout, or of parquet files; `irds:…` and `hf:…` are collections of other libraries (`sources.source`).
A folder that is named as the table names a dataset is that dataset, wherever it lies: one name, one meaning, in every
table of results.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness import paths
from harness.datasets.dataset import CORPUS, Dataset
from harness.datasets.dataset_table import Row, Sourced, collections, expand, groups, rows, unit_of
from harness.datasets.sources.parquet import Parquet, is_parquet
from harness.datasets.sources.source import EXCLUDED, check, is_source, laid, lay, named
from harness.errors import BadInput, HarnessError, unknown

__all__ = [
    "Dataset", "Row", "Unknown", "check_folders", "check_names", "expand", "find", "groups", "load", "local_names",
    "name_of", "rows",
]  # fmt: skip

USUAL = "test"  # the split of a folder that the table does not know
LONGEST_NAME = 200  # bytes; file systems end at 255, and a split and an ending are added
PACKAGE = Path(__file__).parent  # the sample collection lies here


def load(
    name_or_path: str,
    data_dirs: Sequence[Path] = (),
    cache: Path | None = None,
    download: bool = True,
    documents: bool = True,
) -> Dataset:
    """Find a dataset: in `data_dirs`, then in the cache, then, if `download`, in the network. Checks its judgments.

    Without `documents` a folder that holds nothing but queries and judgments will do, where none has documents, too.
    Raises HarnessError for an unknown name (the nearest is suggested), a dataset that cannot be had, and wrong files.
    """
    dataset = find(name_or_path, data_dirs, cache, download, documents)
    dataset.check_judgments()
    return dataset


def find(
    name_or_path: str,
    data_dirs: Sequence[Path] = (),
    cache: Path | None = None,
    download: bool = True,
    documents: bool = True,
) -> Dataset:
    """As `load`, with no file of the dataset opened."""
    cache = paths.cache_dir() if cache is None else cache
    check_folders(data_dirs)
    name, split = _parts(name_or_path)
    if name in groups():
        members = groups()[name]
        raise HarnessError(f"{name!r} stands for {len(members)} datasets; name one of them, for example {members[0]}")
    if is_source(name_or_path) and name not in rows():
        return _from_source(name_or_path, cache, download)
    if name in collections() and not split and not _local(name, data_dirs):
        return _collection(collections()[name], cache, download)
    row = rows().get(name)
    places = [*map(Path, data_dirs), cache / "datasets", PACKAGE]
    if row is not None:
        judged_only = None if documents else _find(row.folders, places, f"qrels/{split or row.split}.tsv")
        folder = _find(row.folders, places) or judged_only or _fetched(row, cache, download)
    elif found := _local(name, data_dirs):
        folder, name = found, _checked(name, found)
    elif _is_path(name):
        folder = _folder(name)
        if is_parquet(folder):
            return _from_parquet(folder, split, cache)
        row = _row_of(folder)
        name = row.name if row else _checked(folder.name, folder)
    else:
        raise _unknown(name, data_dirs)
    judged = _judgments(row, folder, places, cache, download) if row and split in ("", row.split) else folder
    return _open(name, split, folder, judged, row, cache, documents)


def name_of(name_or_path: str, data_dirs: Sequence[Path] = ()) -> str:
    """The name under which its results are filed, with no file opened: one for all ways to say it.

    `scifact@test` is `scifact`, a path its folder's name. What is no dataset keeps the last part of what was given, and
    it does not matter which splits there are.
    """
    if is_source(name_or_path):
        return named(name_or_path, rows())
    name, split = _parts(name_or_path)
    if name in rows():
        default = rows()[name].split
    elif folder := _local(name, data_dirs) or (_folder(name) if _is_path(name) else None):
        row = _row_of(folder)
        name, default = (row.name, row.split) if row else (folder.name, USUAL)
    else:
        name, default = Path(name).name, USUAL
    return name if split in ("", default) else f"{name}@{split}"


def check_folders(data_dirs: Iterable[Path]) -> None:
    """Raise HarnessError for a data folder that is none, with what to give instead."""
    for data_dir in map(Path, data_dirs):
        if not data_dir.is_dir():
            what = "is no folder" if data_dir.exists() else "does not exist"
            option = "--data-dir (or $BEIR_HARNESS_DATA) takes one that holds folders of datasets"
            raise HarnessError(f"the data folder {data_dir} {what}; {option}")
        if _file(data_dir, CORPUS) or (data_dir / "qrels").is_dir():
            above = data_dir.resolve().parent
            raise HarnessError(
                f"{data_dir} is itself a dataset; give the folder that holds it: --data-dir {above}, "
                f"or the dataset by its path: --dataset {data_dir}"
            )


def check_names(names: Iterable[str], data_dirs: Sequence[Path] = ()) -> None:
    """Raise HarnessError for a name that is no dataset, group or folder; a cheap look before long work."""
    check_folders(data_dirs)
    for name in names:
        if is_source(name):
            check(name)
            continue
        base, _ = _parts(name)
        if (
            base not in rows()
            and base not in collections()
            and base not in groups()
            and not _local(base, data_dirs)
            and not _is_path(base)
        ):
            raise _unknown(base, data_dirs)


def _from_source(name: str, cache: Path, download: bool) -> Dataset:
    """A collection of another library: read once into the cache. One that the table knows is checked against it."""
    folder = laid(name, cache / "datasets" / "sources", download)
    return _opened(named(name, rows()), folder, cache)


def _collection(one: Sourced, cache: Path, download: bool) -> Dataset:
    """A collection that the package names: by its own name, with its group's measure and rules."""
    found = _opened(one.name, laid(one.source, cache / "datasets" / "sources", download), cache)
    return replace(found, measure=one.measure, relevance_level=one.relevance_level, exclude_self=one.exclude_self)


def _from_parquet(folder: Path, split: str, cache: Path) -> Dataset:
    """A folder of parquet files: read once into the cache, and again when they have changed."""
    laid_in = lay(str(folder), Parquet(folder, split), cache / "datasets" / "sources")
    name = _checked(folder.name, folder)
    return _opened(f"{name}@{split}" if split and split != USUAL else name, laid_in, cache)


def _opened(name: str, folder: Path, cache: Path) -> Dataset:
    base, _, split = name.partition("@")
    row = rows().get(base)
    if row and row.split != USUAL and not split:  # what is laid here has one split, whatever its name
        split = next((folder / "qrels").iterdir()).stem
    found = _open(base, split, folder, folder, row, cache, True)
    dataset = replace(found, name=name, unit=unit_of(name))
    dataset.check_judgments()
    return dataset


def _local(name: str, data_dirs: Sequence[Path]) -> Path | None:
    """The folder of a collection that the table does not know, in a data folder; rather one with documents."""
    if Path(name).name != name or name == "..":
        return None
    judged = (path for place in data_dirs if ((path := Path(place) / name) / "qrels").is_dir())
    return _find((name,), data_dirs) or next(judged, None)


def _is_path(name: str) -> bool:
    return bool(name) and (Path(name).name != name or Path(name).is_dir())


def _folder(path: str) -> Path:
    folder = Path(path).expanduser().absolute()  # a link keeps its name
    return folder.resolve() if ".." in folder.parts else folder


class Unknown(HarnessError):
    """No dataset has this name."""


def _unknown(name: str, data_dirs: Sequence[Path]) -> Unknown:
    found = unknown("dataset", name, [*rows(), *collections(), *groups(), *local_names(data_dirs)])
    return Unknown(f"{found}; one of your own is named by its path, or by --data-dir with the folder that holds it")


def _parts(name_or_path: str) -> tuple[str, str]:
    """`scifact@train` is ("scifact", "train"); a folder whose own name has an @ is taken whole."""
    name, at, split = str(name_or_path).rpartition("@")
    if not at or "/" in split or Path(name_or_path).is_dir():
        return str(name_or_path), ""
    if not name or not split:
        raise HarnessError(f"{name_or_path!r} is no dataset: write name@split, for example scifact@train")
    return name, split


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _find(folders: Sequence[str], data_dirs: Sequence[Path], file: str = CORPUS) -> Path | None:
    """The first folder with this file; by default one that holds only judgments is passed over."""
    candidates = (Path(data_dir) / folder for data_dir in data_dirs for folder in folders)
    return next((folder for folder in candidates if _file(folder, file)), None)


def _fetched(row: Row, cache: Path, download: bool) -> Path:
    cure = (
        f"or put it, in BEIR layout, into a folder {row.folder} and give the folder that holds this one as --data-dir"
    )
    if not row.url:
        raise HarnessError(f"{row.name} cannot be downloaded ({row.licence}): {row.obtain}; {cure.removeprefix('or ')}")
    if not download:
        raise HarnessError(f"{row.name} is not here and downloading is off; allow it, {cure}")
    from harness.datasets.sources.acquire import fetch_archive

    return fetch_archive(row, cache / "datasets", cure)


def _judgments(row: Row, folder: Path, places: Sequence[Path], cache: Path, download: bool) -> Path:
    """Where the judgments lie: beside the corpus, or in a folder of the dataset's own name, where `row.files` go."""
    for candidate in (folder, *(place / row.name for place in places)):
        if _file(candidate / "qrels", f"{row.split}.tsv"):
            return candidate
    if not row.files or folder.name == row.name:
        return folder
    needed = ", ".join(file.path for file in row.files)
    cure = f"or put {needed} into {folder} or into a folder {row.name} below a --data-dir"
    if not download:
        raise HarnessError(f"{row.name} needs {needed}, and downloading is off; allow it, {cure}")
    from harness.datasets.sources.acquire import fetch_files

    return fetch_files(row, cache / "datasets", cure)


def _row_of(folder: Path) -> Row | None:
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


def _checked(name: str, folder: Path) -> str:
    """`name` if results can be filed under it; raises HarnessError."""
    if not name or name.startswith(".") or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        cure = f"results are filed under the folder's name: no leading dot, printable, up to {LONGEST_NAME} bytes"
        raise HarnessError(f"{str(folder)!r}: {name!r} cannot name a dataset; {cure}")
    return name


def local_names(data_dirs: Sequence[Path]) -> list[str]:
    """The folders of datasets in the data folders, known to the table or not."""
    inside = [path for data_dir in data_dirs for path in Path(data_dir).iterdir()]
    return [path.name for path in inside if _file(path, CORPUS) or (path / "qrels").is_dir()]


def _open(name: str, split: str, folder: Path, judged: Path, row: Row | None, cache: Path, documents: bool) -> Dataset:
    splits = sorted(
        {path.name.split(".")[0] for pattern in ("*.tsv", "*.tsv.gz") for path in (judged / "qrels").glob(pattern)}
    )
    default = row.split if row else USUAL
    if not split and default not in splits and len(splits) == 1 and (row is None or judged.name == row.name):
        default = splits[0]  # a folder of its own needs no split's name
    chosen = split or default
    full = name if chosen == default else f"{name}@{chosen}"
    corpus = _file(folder, CORPUS)
    queries = _file(judged, f"queries.{chosen}.jsonl") or _file(judged, "queries.jsonl")
    qrels = _file(judged / "qrels", f"{chosen}.tsv")
    for file, wanted in ((corpus, CORPUS), (queries, "queries.jsonl")):
        if file is None and (documents or wanted != CORPUS):
            raise BadInput(folder, None, f"there is no {wanted} or {wanted}.gz: a folder in BEIR layout is needed")
    if qrels is None:
        there = f"there is {', '.join(splits)}" if splits else "qrels/ is empty or missing"
        raise BadInput(
            folder, None, f"there are no judgments qrels/{chosen}.tsv; {there}; write {name}@SPLIT to choose"
        )
    assert queries is not None
    return Dataset(
        name=full,
        folder=folder,
        split=row.split if row and chosen == default else chosen,
        exclude_self=row.exclude_self if row else False,
        relevance_level=row.relevance_level if row else 1,
        measure=row.measure if row else "ndcg@10",
        unit=unit_of(full),
        corpus_file=corpus,
        queries_file=queries,
        qrels_file=qrels,
        row=row,
        cache=cache,
        excluded_file=_file(judged / EXCLUDED, f"{chosen}.tsv"),
    )

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
from harness.datasets.folders import (
    check_folders,
    checked,
    file_in,
    first_with,
    folder_at,
    is_path,
    local,
    local_names,
    parts,
    row_of,
)  # fmt: skip
from harness.datasets.obtained import fetched, judgments
from harness.datasets.sources.parquet import Parquet, is_parquet
from harness.datasets.sources.source import EXCLUDED, check, is_source, laid, lay, named
from harness.errors import BadInput, HarnessError, unknown

__all__ = [
    "Dataset", "Row", "Unknown", "check_folders", "check_names", "expand", "find", "groups", "load", "local_names",
    "name_of", "rows",
]  # fmt: skip

USUAL = "test"  # the split of a folder that the table does not know
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
    name, split = parts(name_or_path)
    if name in groups():
        members = groups()[name]
        raise HarnessError(f"{name!r} stands for {len(members)} datasets; name one of them, for example {members[0]}")
    if is_source(name_or_path) and name not in rows():
        return _from_source(name_or_path, cache, download)
    if name in collections() and not split and not local(name, data_dirs):
        return _collection(collections()[name], cache, download)
    row = rows().get(name)
    places = [*map(Path, data_dirs), cache / "datasets", PACKAGE]
    if row is not None:
        judged_only = None if documents else first_with(row.folders, places, f"qrels/{split or row.split}.tsv")
        folder = first_with(row.folders, places) or judged_only or fetched(row, cache, download)
    elif found := local(name, data_dirs):
        folder, name = found, checked(name, found)
    elif is_path(name):
        folder = folder_at(name)
        if is_parquet(folder):
            return _from_parquet(folder, split, cache)
        row = row_of(folder)
        name = row.name if row else checked(folder.name, folder)
    else:
        raise _unknown(name, data_dirs)
    judged = judgments(row, folder, places, cache, download) if row and split in ("", row.split) else folder
    return _open(name, split, folder, judged, row, cache, documents)


def name_of(name_or_path: str, data_dirs: Sequence[Path] = ()) -> str:
    """The name under which its results are filed, with no file opened: one for all ways to say it.

    `scifact@test` is `scifact`, a path its folder's name. What is no dataset keeps the last part of what was given, and
    it does not matter which splits there are.
    """
    if is_source(name_or_path):
        return named(name_or_path, rows())
    name, split = parts(name_or_path)
    if name in rows():
        default = rows()[name].split
    elif folder := local(name, data_dirs) or (folder_at(name) if is_path(name) else None):
        row = row_of(folder)
        name, default = (row.name, row.split) if row else (folder.name, USUAL)
    else:
        name, default = Path(name).name, USUAL
    return name if split in ("", default) else f"{name}@{split}"


def check_names(names: Iterable[str], data_dirs: Sequence[Path] = ()) -> None:
    """Raise HarnessError for a name that is no dataset, group or folder; a cheap look before long work."""
    check_folders(data_dirs)
    for name in names:
        if is_source(name):
            check(name)
            continue
        base, _ = parts(name)
        if (
            base not in rows()
            and base not in collections()
            and base not in groups()
            and not local(base, data_dirs)
            and not is_path(base)
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
    name = checked(folder.name, folder)
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


class Unknown(HarnessError):
    """No dataset has this name."""


def _unknown(name: str, data_dirs: Sequence[Path]) -> Unknown:
    found = unknown("dataset", name, [*rows(), *collections(), *groups(), *local_names(data_dirs)])
    return Unknown(f"{found}; one of your own is named by its path, or by --data-dir with the folder that holds it")


def _open(name: str, split: str, folder: Path, judged: Path, row: Row | None, cache: Path, documents: bool) -> Dataset:
    splits = sorted(
        {path.name.split(".")[0] for pattern in ("*.tsv", "*.tsv.gz") for path in (judged / "qrels").glob(pattern)}
    )
    default = row.split if row else USUAL
    if not split and default not in splits and len(splits) == 1 and (row is None or judged.name == row.name):
        default = splits[0]  # a folder of its own needs no split's name
    chosen = split or default
    full = name if chosen == default else f"{name}@{chosen}"
    corpus = file_in(folder, CORPUS)
    queries = file_in(judged, f"queries.{chosen}.jsonl") or file_in(judged, "queries.jsonl")
    qrels = file_in(judged / "qrels", f"{chosen}.tsv")
    for file, wanted in ((corpus, CORPUS), (queries, "queries.jsonl")):
        if file is None and (documents or wanted != CORPUS):
            raise BadInput(folder, None, f"there is no {wanted} or {wanted}.gz: a folder in BEIR layout is needed")
    if qrels is None:
        there = (
            f"there is {', '.join(splits)}; write {name}@SPLIT to choose" if splits else "qrels/ is empty or missing"
        )
        raise BadInput(folder, None, f"there are no judgments qrels/{chosen}.tsv; {there}")
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
        excluded_file=file_in(judged / EXCLUDED, f"{chosen}.tsv"),
    )

"""Reads the results folder: one `Result` per finished pair of system and dataset. Knows no statistics."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from harness.datasets import dataset_table
from harness.errors import BadInput, HarnessError, printable, unknown
from harness.results import manifest, tags
from harness.results.result import Input, Result, about

__all__ = ["Note", "Result", "about_shown", "at", "glance", "read", "select", "sound", "stale"]


class Note(str):
    """A sentence about a result that is left out, and which one that is."""

    tag: str
    dataset: str

    @classmethod
    def of(cls, folder: Path, why: str) -> "Note":
        """About what lies in `folder`."""
        note = cls(f"{printable(f'{folder.parent.name} on {folder.name}')} {why}")
        note.tag, note.dataset = folder.parent.name, folder.name
        return note


def read(results: Path, strict: bool = False) -> tuple[list[Result], list[str]]:
    """Every finished result below `results`/runs in order of tag and dataset, and a note for each one left out.

    Left out is what is not finished and what has no sound manifest: one that is broken, of a newer schema, or that
    names another system or dataset than its folder. With `strict` such a manifest raises BadInput. Raises HarnessError
    where there is no result at all.
    """
    found, notes = list[Result](), list[str]()
    for folder in sorted(results.glob("runs/[!.]*/[!.]*")):
        if not folder.is_dir():
            continue
        try:
            result = about(folder)
        except BadInput as error:
            if strict:
                raise
            notes.append(Note.of(folder, f"is left out: {printable(str(error))}"))
            continue
        if result is None and (folder / manifest.FAILURE).is_file():
            continue  # an attempt that failed, which was told then, and leaves nothing to a table
        if result is None:
            notes.append(Note.of(folder, f"is not finished (no {manifest.NAME}) and is left out"))
            continue
        found.append(result)
    if not found:
        message = f"no finished results in {results / 'runs'}; `beir-harness run bm25 --dataset scifact` makes one"
        raise HarnessError("; ".join([message, *notes]))
    return found, notes


def at(folder: Path) -> Result | None:
    """The result in a folder, whatever it is about; None where there is none. Raises as `manifest.read`."""
    body = manifest.read(folder)
    return None if body is None else Result(folder, folder.parent.name, folder.name, body)


def glance(results: Path) -> Iterator[Result]:
    """Every manifest below `results`/runs that is a JSON table, checked no further: for what must overlook none."""
    for path in sorted(results.glob("runs/[!.]*/[!.]*/manifest.json")):
        with suppress(OSError, ValueError):
            if isinstance(body := json.loads(path.read_bytes()), dict):
                yield Result(path.parent, str(body.get("tag")), str(body.get("dataset")), body)


def sound(results: Iterable[Result]) -> tuple[list[Result], list[str]]:
    """The results whose scores can be read, and a note for each of the others."""
    found, notes = [], []
    for result in results:
        try:
            result.means  # noqa: B018 - reads the scores
        except BadInput as error:
            notes.append(f"{result.tag} on {result.dataset} is left out: {printable(str(error))}")
        else:
            found.append(result)
    return found, notes


def about_shown(notes: Iterable[str], chosen: Sequence[Result], datasets: bool, systems: bool) -> list[str]:
    """The notes on what a table of `chosen` results shows, where `datasets` or `systems` were named for it."""
    here, tags = {one.dataset for one in chosen}, {one.tag for one in chosen}
    return [
        note
        for note in notes
        if not isinstance(note, Note) or ((note.dataset in here or not datasets) and (note.tag in tags or not systems))
    ]


def stale(results: Iterable[Result]) -> list[str]:
    """A note for each result that rests, itself or by what it was made of, on a run that is not the one filed here."""
    return [
        f"{member.tag} on {member.dataset} {said}"
        for result in results
        for member in result.members
        for maker, one in member.beneath
        if (said := _stale(member, maker, one))
    ]


def _stale(result: Result, maker: Result, one: Input) -> str:
    made = "was made of" if maker is result else f"rests on {maker.tag}, which was made of"
    if one.same is False:
        again = "it" if maker is result else f"{maker.tag}, then it"
        return f"{made} another run of {one.tag} than the one that is here; run {again} again"
    if one.now is None and tags.allowed(one.tag):
        return f"{made} a run of {one.tag}, which is not here: removed, renamed or not brought along"
    return ""


def select(results: Iterable[Result], datasets: Sequence[str] = (), systems: Sequence[str] = ()) -> list[Result]:
    """The results of these datasets (names, units or groups) and of these systems; nothing named means all.

    Raises HarnessError for a name that is not there, with the nearest one suggested.
    """
    results = list(results)
    tags = {result.tag for result in results}
    for tag in systems:
        if tag not in tags:
            raise unknown("system", tag, tags)
    wanted: set[str] = set()
    for name in datasets:
        wanted |= _members(name, results)
    chosen = [
        result
        for result in results
        if (not systems or result.tag in systems) and (not datasets or result.dataset in wanted)
    ]
    if not chosen:
        raise HarnessError(f"no result of {', '.join(systems) or 'any system'} on {', '.join(datasets)}")
    return chosen


def _members(name: str, results: Sequence[Result]) -> set[str]:
    """The datasets meant by a name: a dataset or unit that has results, else a row or group of the dataset table.

    A path is the name of its folder.
    """
    from harness.datasets import name_of

    if "/" in name and ":" not in name:
        name = name_of(name)
    here = {result.dataset for result in results if result.is_on(name) or name == result.unit}
    if here or name in dataset_table.rows() or name in dataset_table.collections():
        return here
    if name in dataset_table.groups():
        return set(dataset_table.groups()[name])
    raise unknown("dataset", name, {result.dataset for result in results} | dataset_table.groups().keys())

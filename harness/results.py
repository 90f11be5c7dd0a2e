"""Reads the results folder: one `Result` per finished pair of system and dataset. Knows no statistics."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import manifest, tags
from harness.data import dataset_table
from harness.errors import BadInput, HarnessError, printable, unknown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """One system (`tag`) on one dataset; `unit` is the dataset it counts as in averages."""

    folder: Path
    tag: str
    dataset: str
    unit: str
    manifest: dict[str, Any]

    @cached_property
    def _frame(self) -> "pd.DataFrame":
        from harness.scoring.scores import read_scores

        path = self.folder / manifest.SCORES
        if not path.is_file():
            raise BadInput(path, None, "is missing although the manifest is there; run or score this pair again")
        return read_scores(path)

    @property
    def measures(self) -> list[str]:
        """The measures that were scored, as ranx strings, in the order of the manifest."""
        return list(self.manifest["scores"])

    def scores(self, measure: str) -> dict[str, float]:
        """query_id -> score, for every judged query. Raises HarnessError for a measure that was not scored."""
        if measure not in self.measures:
            raise unknown(f"measure of {self.tag} on {self.dataset}", measure, self.measures)
        if measure not in self._frame.columns:
            raise BadInput(self.folder / manifest.SCORES, 1, f"lacks {measure}, which the manifest has; score it again")
        return dict(zip(self._frame["query_id"].tolist(), self._frame[measure].tolist(), strict=True))


def read(results: Path) -> tuple[list[Result], list[str]]:
    """Every finished result below `results`/runs in order of tag and dataset, and a note for each one left out.

    Raises HarnessError where there is none, and BadInput for a manifest that is broken, of a newer schema, or that
    names another system or dataset than its folder.
    """
    found, notes = [], []
    for folder in sorted(results.glob("runs/[!.]*/[!.]*")):
        if not folder.is_dir():
            continue
        body = manifest.read(folder)
        if body is None:
            pair = printable(f"{folder.parent.name} on {folder.name}")
            notes.append(f"{pair} is not finished (no {manifest.NAME}) and is left out")
            continue
        tag, dataset = str(body.get("tag")), str(body.get("dataset"))
        if (tag, dataset) != (folder.parent.name, folder.name):
            what = f"is about {tag} on {dataset}, which is not where it lies; {_cure(tag, dataset)}"
            raise BadInput(folder / manifest.NAME, None, what)
        found.append(Result(folder, tag, dataset, str(body.get("unit") or dataset), body))
    if not found:
        message = f"no finished results in {results / 'runs'}; `beir-harness run bm25 --dataset scifact` makes one"
        raise HarnessError("; ".join([message, *notes]))
    return found, notes


def _cure(tag: str, dataset: str) -> str:
    """Where a result belongs; its file, which anybody may have written, may name places that are not below runs."""
    try:
        return f"move it to runs/{tags.check(tag)}/{tags.check(dataset)}"
    except HarnessError:
        return "these are no names of a result, so remove it"


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
    """The datasets meant by a name: a dataset or unit that has results, else a row or group of the dataset table."""
    here = {result.dataset for result in results if name in (result.dataset, result.unit)}
    if here or name in dataset_table.rows():
        return here
    if name in dataset_table.groups():
        return set(dataset_table.groups()[name])
    raise unknown("dataset", name, {result.dataset for result in results} | dataset_table.groups().keys())

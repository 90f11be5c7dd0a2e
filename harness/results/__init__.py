"""Reads the results folder: one `Result` per finished pair of system and dataset. Knows no statistics."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from harness import files
from harness.datasets import dataset_table
from harness.datasets.dataset_table import Unit
from harness.errors import BadInput, HarnessError, printable, unknown
from harness.host import integrity
from harness.measures import parse_measure
from harness.results import manifest, tags

if TYPE_CHECKING:
    import pandas as pd


T = TypeVar("T", int, bool)


class Input(NamedTuple):
    """Another system's run that a result was made of, and the result of that system which is here now, if any."""

    tag: str
    now: "Result | None"
    same: bool | None  # whether the run is the one it was made of; None where that can't be told


@dataclass(frozen=True)
class Result:
    """One system (`tag`) on one dataset.

    The scores are the truth: every mean is made from them, and the manifest's own `scores` are shown nowhere.
    """

    folder: Path
    tag: str
    dataset: str
    manifest: dict[str, Any]

    @cached_property
    def _frame(self) -> "pd.DataFrame":
        from harness.measures.scores import read_scores

        path, recorded = self.folder / manifest.SCORES, self.manifest.get("files") or {}
        if not path.is_file():
            raise BadInput(path, None, "is missing although the manifest is there; run or score this pair again")
        if manifest.SCORES in recorded and (
            wrong := integrity.damage(self.folder, {manifest.SCORES: recorded[manifest.SCORES]})
        ):
            what = f"is not as it was written ({wrong[manifest.SCORES]}); run or score this pair again"
            raise BadInput(path, None, what)
        return read_scores(path)

    @property
    def unit(self) -> Unit:
        """What the dataset counts as in averages."""
        return dataset_table.unit_of(self.dataset)

    @property
    def members(self) -> "tuple[Result, ...]":
        """The results that it is made of: itself."""
        return (self,)

    @property
    def relevance_level(self) -> int:
        """The grade from which a document counts as relevant; where an old manifest is silent, that of the table."""
        row = dataset_table.rows().get(self.dataset)
        return self._rule("relevance_level", row.relevance_level if row else 1)

    @property
    def exclude_self(self) -> bool:
        """Whether a query's own document was dropped; likewise."""
        row = dataset_table.rows().get(self.dataset)
        return self._rule("exclude_self", row.exclude_self if row else False)

    @property
    def depth(self) -> int | None:
        """How many documents a query could have; None where the manifest is silent."""
        return manifest.depth(self.manifest)

    def reach(self, measure: str) -> float | None:
        """How far the measure sees into this run: to its cutoff, or to the end of the run, if that comes first."""
        return None if self.depth is None else min(self.depth, parse_measure(measure).cutoff or math.inf)

    def _rule(self, name: str, default: T) -> T:
        said = self.manifest.get(name, (self.manifest.get("fingerprint") or {}).get(name))
        return said if type(said) is type(default) else default

    def mean(self, measure: str) -> float:
        """The mean of a measure over the judged queries, correctly rounded; raises as `scores` does."""
        from harness.measures.scores import mean

        return mean(self.scores(measure).values())

    @cached_property
    def means(self) -> dict[str, float]:
        """measure -> mean, for all that was scored."""
        return {measure: self.mean(measure) for measure in self.measures}

    @property
    def body(self) -> dict[str, Any]:
        """The manifest as others should read it: the means that the scores have, both rules of evaluation, and as `k`
        the depth that the run has.
        """
        rules = {"relevance_level": self.relevance_level, "exclude_self": self.exclude_self}
        depth = {"k": self.depth} if self.depth else {}
        return {**self.manifest, **rules, **depth, "scores": self.means}

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The runs that it was made of: those of a fusion."""
        recorded = self.manifest.get("inputs") or {}
        state = (self.manifest.get("fingerprint") or {}).get("state")
        laid = state.get("runs") if isinstance(state, dict) else None  # before `inputs`: hashes of the files
        laid = laid if isinstance(laid, dict) else {}
        hashes = {name.removeprefix("runs/").removesuffix(".trec.gz"): digest for name, digest in laid.items()}
        return tuple(self._input(tag, recorded.get(tag), hashes.get(tag)) for tag in sorted(recorded.keys() | hashes))

    def _input(self, tag: str, text: str | None, file: str | None) -> Input:
        folder = self.folder.parent.parent / tag / self.folder.name
        try:
            body = _manifest(folder) if tags.check(tag) else None
        except HarnessError:
            body = None
        if body is None:
            return Input(tag, None, None)
        now = Result(folder, tag, self.dataset, body)
        is_now = (body.get("run") or {}).get("sha256")
        if text is not None and is_now is not None:
            return Input(tag, now, text == is_now)
        run = folder / manifest.RUN
        return Input(tag, now, files.sha256(run) == file if file and run.is_file() else None)

    def cost(self, read: Callable[[Mapping[str, Any]], Any], of: frozenset[str] = frozenset()) -> float | None:
        """What `read` takes from a manifest's `costs`, here and in all it was made of; None where one is not known.

        `of` are the systems whose cost this is a part of; one that is made of itself has none.
        """
        costs = [read(self.manifest.get("costs") or {}), *(self._cost_of(one, read, of) for one in self.inputs)]
        known = [cost for cost in costs if isinstance(cost, int | float)]
        return math.fsum(known) if len(known) == len(costs) else None

    def _cost_of(self, one: Input, read: Callable[[Mapping[str, Any]], Any], of: frozenset[str]) -> float | None:
        return one.now.cost(read, of | {self.tag}) if one.now and one.tag not in of | {self.tag} else None

    def is_on(self, name: str) -> bool:
        """Whether `name` means its dataset: by its name, or by its name with the split that is its own."""
        return name in (self.dataset, f"{self.dataset}@{self.manifest.get('split')}")

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


def read(results: Path, strict: bool = False) -> tuple[list[Result], list[str]]:
    """Every finished result below `results`/runs in order of tag and dataset, and a note for each one left out.

    Left out is what is not finished and what has no sound manifest: one that is broken, of a newer schema, or that
    names another system or dataset than its folder. With `strict` such a manifest raises BadInput. Raises HarnessError
    where there is no result at all.
    """
    found, notes = [], []
    for folder in sorted(results.glob("runs/[!.]*/[!.]*")):
        if not folder.is_dir():
            continue
        pair = printable(f"{folder.parent.name} on {folder.name}")
        try:
            body = _manifest(folder)
        except BadInput as error:
            if strict:
                raise
            notes.append(f"{pair} is left out: {printable(str(error))}")
            continue
        if body is None:
            notes.append(f"{pair} is not finished (no {manifest.NAME}) and is left out")
            continue
        found.append(Result(folder, folder.parent.name, folder.name, body))
    if not found:
        message = f"no finished results in {results / 'runs'}; `beir-harness run bm25 --dataset scifact` makes one"
        raise HarnessError("; ".join([message, *notes]))
    return found, notes


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of one result, None where it is not finished; raises BadInput for one that is not about it."""
    body = manifest.read(folder)
    if body is None:
        return None
    tag, dataset = str(body.get("tag")), str(body.get("dataset"))
    if (tag, dataset) != (folder.parent.name, folder.name):
        what = f"is about {tag} on {dataset}, which is not where it lies; {_cure(tag, dataset)}"
        raise BadInput(folder / manifest.NAME, None, what)
    return body


def _cure(tag: str, dataset: str) -> str:
    """Where a result belongs; its file, which anybody may have written, may name places that are not below runs."""
    try:
        return f"move it to runs/{tags.check(tag)}/{tags.check(dataset)}"
    except HarnessError:
        return "these are no names of a result, so remove it"


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


def stale(results: Iterable[Result]) -> list[str]:
    """A note for each result that was made of another run of a system than the one that stands beside it."""
    return [
        f"{result.tag} on {result.dataset} was made of another run of {one.tag} than the one that is here; run it again"
        for result in results
        for member in result.members
        for one in member.inputs
        if one.same is False
    ]


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
    here = {result.dataset for result in results if result.is_on(name) or name == result.unit}
    if here or name in dataset_table.rows():
        return here
    if name in dataset_table.groups():
        return set(dataset_table.groups()[name])
    raise unknown("dataset", name, {result.dataset for result in results} | dataset_table.groups().keys())

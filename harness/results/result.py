"""One result: its scores, and the results that it was made of."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import files
from harness.errors import BadInput, HarnessError, unknown
from harness.host import integrity
from harness.results import manifest, tags
from harness.results.costs import COSTS
from harness.results.recorded import Recorded

if TYPE_CHECKING:
    import pandas as pd


class Input(NamedTuple):
    """Another system's run that a result was made of, and the result of that system which is here now, if any."""

    tag: str
    now: "Result | None"
    same: bool | None  # whether the run is the one it was made of; None where that can't be told


@dataclass(frozen=True)
class Result(Recorded):
    """One system (`tag`) on one dataset: what its manifest says, its scores, and what it was made of.

    The scores are the truth: every mean is made from them, and the manifest's own `scores` are shown nowhere.
    """

    @cached_property
    def _frame(self) -> "pd.DataFrame":
        from harness.measures.scores import read_scores

        path, recorded = self.folder / manifest.SCORES, self._table("files")
        if not path.is_file():
            raise BadInput(path, None, "is missing although the manifest is there; run or score this pair again")
        if manifest.SCORES in recorded and (
            wrong := integrity.damage(self.folder, {manifest.SCORES: recorded[manifest.SCORES]})
        ):
            what = f"is not as it was written ({wrong[manifest.SCORES]}); run or score this pair again"
            raise BadInput(path, None, what)
        return read_scores(path)

    @property
    def members(self) -> "tuple[Result, ...]":
        """The results that it is made of: itself."""
        return (self,)

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
        recorded, state = self._table("inputs"), self.fingerprint.get("state")
        laid = state.get("runs") if isinstance(state, dict) else None  # before `inputs`: hashes of the files
        laid = laid if isinstance(laid, dict) else {}
        hashes = {name.removeprefix("runs/").removesuffix(".trec.gz"): digest for name, digest in laid.items()}
        return tuple(self._input(tag, recorded.get(tag), hashes.get(tag)) for tag in sorted(recorded.keys() | hashes))

    def _input(self, tag: str, text: str | None, file: str | None) -> Input:
        try:
            now = about(self.folder.parent.parent / tag / self.folder.name) if tags.check(tag) else None
        except HarnessError:
            now = None
        if now is None:
            return Input(tag, None, None)
        if text is not None and now.run_sha256 is not None:
            return Input(tag, now, text == now.run_sha256)
        run = now.folder / manifest.RUN
        return Input(tag, now, files.sha256(run) == file if file and run.is_file() else None)

    def cost(self, name: str, of: frozenset[str] = frozenset()) -> float | None:
        """One of COSTS, here and in all it was made of; None where one is not known.

        `of` are the systems whose cost this is a part of; one that is made of itself has none.
        """
        costs = [COSTS[name](self._table("costs")), *(self._cost_of(one, name, of) for one in self.inputs)]
        known = [cost for cost in costs if isinstance(cost, int | float)]
        return math.fsum(known) if len(known) == len(costs) else None

    def _cost_of(self, one: Input, name: str, of: frozenset[str]) -> float | None:
        return one.now.cost(name, of | {self.tag}) if one.now and one.tag not in of | {self.tag} else None

    def scores(self, measure: str) -> dict[str, float]:
        """query_id -> score, for every judged query. Raises HarnessError for a measure that was not scored."""
        if measure not in self.measures:
            raise unknown(f"measure of {self.tag} on {self.dataset}", measure, self.measures)
        if measure not in self._frame.columns:
            raise BadInput(self.folder / manifest.SCORES, 1, f"lacks {measure}, which the manifest has; score it again")
        return dict(zip(self._frame["query_id"].tolist(), self._frame[measure].tolist(), strict=True))


def about(folder: Path) -> Result | None:
    """The result in a folder, None where it is not finished; raises BadInput for a manifest that is not about it."""
    body = manifest.read(folder)
    if body is None:
        return None
    tag, dataset = str(body.get("tag")), str(body.get("dataset"))
    if (tag, dataset) != (folder.parent.name, folder.name):
        what = f"is about {tag} on {dataset}, which is not where it lies; {_cure(tag, dataset)}"
        raise BadInput(folder / manifest.NAME, None, what)
    return Result(folder, tag, dataset, body)


def _cure(tag: str, dataset: str) -> str:
    """Where a result belongs; its file, which anybody may have written, may name places that are not below runs."""
    try:
        return f"move it to runs/{tags.check(tag)}/{tags.check(dataset)}"
    except HarnessError:
        return "these are no names of a result, so remove it"

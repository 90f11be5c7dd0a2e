"""One result: its scores, and the results that it was made of."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import files
from harness.errors import BadInput, HarnessError
from harness.host import integrity
from harness.results import manifest, tags
from harness.results.costs import COSTS
from harness.results.recorded import Recorded

if TYPE_CHECKING:
    from harness.measures.judged import Judged
    from harness.measures.scores import Table
    from harness.runs import Run


SAME = 1e-6  # between a mean and what an old manifest has for it, whose sum may be another in the last digits


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
    def _stored(self) -> "Table":
        from harness.measures.scores import mean, read_scores

        path = self._sound(manifest.SCORES)
        found = read_scores(path)
        if manifest.SCORES in self._table("files"):
            return found
        for measure, recorded in self._table("scores").items():  # an old result, without a checksum
            now = mean(found.per_query(measure).values()) if measure in found.measures and found.query_ids else None
            if now is not None and isinstance(recorded, int | float) and abs(now - recorded) > SAME:
                what = f"has a mean {measure} of {now:.6f}, and {recorded:.6f} by the manifest"
                raise BadInput(path, None, f"{what}: one of them was edited; run or score this pair again")
        return found

    @cached_property
    def seen(self) -> "Judged":
        """What a measure has to see of the run. Raises BadInput where the file is missing, or not as it was written."""
        from harness.measures.judged import read_judged

        path = self._sound(manifest.JUDGED)
        found = read_judged(path)
        if found.query_ids != self._stored.query_ids:
            raise BadInput(path, None, f"is about other queries than {manifest.SCORES}; run or score this pair again")
        return found

    @cached_property
    def top(self) -> "Run":
        """The first ten documents of each judged query. Raises BadInput where the file is missing or damaged."""
        from harness.runs.run_files import read_run

        return read_run(self._sound(manifest.TOP))

    @property
    def has_top(self) -> bool:
        """Whether it has kept its first documents; an older result has not, nor one that has found nothing."""
        return manifest.TOP in self._table("files")

    def _sound(self, name: str) -> Path:
        """The path of one of its files, which is there and as it was written."""
        path, recorded = self.folder / name, self._table("files")
        if not path.is_file():
            raise BadInput(path, None, "is missing although the manifest is there; run or score this pair again")
        if name in recorded and (wrong := integrity.damage(self.folder, {name: recorded[name]})):
            raise BadInput(path, None, f"is not as it was written ({wrong[name]}); run or score this pair again")
        return path

    def knows(self, measure: str) -> bool:
        """Whether there are scores by this measure: stored ones, or such as can be made of the stored judgments."""
        return measure in self.measures or self.has_judged

    @property
    def has_judged(self) -> bool:
        """Whether it says where the judged documents stand; an older result does not."""
        return manifest.JUDGED in self._table("files")

    def mean_if_relevant(self, measure: str) -> float:
        """The mean of a measure if all unjudged documents had the highest grade; raises as `scores` does."""
        from harness.measures import parse
        from harness.measures.holes import if_relevant
        from harness.measures.scores import mean

        return mean(if_relevant(self.seen, parse(measure), self.relevance_level))

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

    @cached_property
    def beneath(self) -> "tuple[tuple[Result, Input], ...]":
        """Each of its inputs with the result that was made of it, itself first, then the inputs of those, and so on.

        Below a run that is another one by now nothing follows: what that is made of says nothing about this result.
        """
        found: list[tuple[Result, Input]] = []
        makers = {self.tag: self}
        for maker in (waiting := [self]):
            for one in maker.inputs:
                found.append((maker, one))
                if one.now and one.same is not False and makers.setdefault(one.tag, one.now) is one.now:
                    waiting.append(one.now)
        return tuple(found)

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
        own = COSTS[name]({**self._table("costs"), "facts": self._table("facts")})
        costs = [own, *(self._cost_of(one, name, of) for one in self.inputs)]
        known = [cost for cost in costs if isinstance(cost, int | float)]
        return math.fsum(known) if len(known) == len(costs) else None

    def _cost_of(self, one: Input, name: str, of: frozenset[str]) -> float | None:
        return one.now.cost(name, of | {self.tag}) if one.now and one.tag not in of | {self.tag} else None

    def scores(self, measure: str) -> dict[str, float]:
        """query_id -> score, for every judged query.

        A measure that is not stored is made of the stored judgments, and checked by another engine on ten queries.
        Raises HarnessError where an older result has none.
        """
        from harness.measures import parse
        from harness.measures.made import made

        if measure not in self.measures:
            if self.knows(measure):
                values = made(self.seen, parse(measure), self.relevance_level).tolist()
                return dict(zip(self.seen.query_ids, values, strict=True))
            listed = ", ".join(self.measures)
            raise HarnessError(
                f"{self.tag} on {self.dataset} was scored with {listed}, and has no {manifest.JUDGED} to make "
                f"{measure} of; run or score it again with this version"
            )
        if measure not in self._stored.measures:
            raise BadInput(self.folder / manifest.SCORES, 1, f"lacks {measure}, which the manifest has; score it again")
        return self._stored.per_query(measure)


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

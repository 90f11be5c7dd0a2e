"""What is held against published figures: one result, or the mean of one system's results on a group of datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

from harness.results import Result


@dataclass(frozen=True)
class Subject:
    """Means by measure, and what may explain them; what is not known is None. A group's mean has several `members`."""

    tag: str
    dataset: str
    retriever: str
    arguments: Mapping[str, Any]
    means: Mapping[str, float]
    judged: int | None
    answered: int | None
    depth: int | None = None
    qrels: int | None = None
    dropped_self: int | None = None
    primary_measure: str = ""
    members: int = 1

    @classmethod
    def of(cls, result: Result, measures: Sequence[str] = ()) -> Self:
        """A result as it stands, with `measures` beside those that were scored; raises as `Result.scores`."""
        means = result.means | {name: result.mean(name) for name in measures if result.knows(name)}
        return cls(
            result.tag, result.dataset, result.retriever, result.arguments, means, result.judged,
            result.answered, result.depth, result.data.qrels, result.dropped_self, result.primary_measure,
        )  # fmt: skip

    @classmethod
    def mean(cls, dataset: str, parts: "Sequence[Self]") -> Self:
        """The mean of one system's `parts`, under the name of their group."""
        one = parts[0]
        shared = [measure for measure in one.means if all(measure in part.means for part in parts)]
        return cls(
            one.tag, dataset, one.retriever, one.arguments,
            {measure: fmean(part.means[measure] for part in parts) for measure in shared},
            _known([part.judged for part in parts], sum), _known([part.answered for part in parts], sum),
            _known([part.depth for part in parts], min), members=len(parts),
        )  # fmt: skip


def _known(values: Sequence[int | None], combine: Any) -> int | None:
    known = [value for value in values if value is not None]
    return int(combine(known)) if known and len(known) == len(values) else None

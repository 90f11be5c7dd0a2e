"""Runs of one system that differ in their random seed, as one system: each query's score is the mean over the seeds.

Seeds are told by the tag: `mine-s0`, `mine-s1`, … (or `-seed0`) become `mine`. Tests then compare expected scores over
queries, as for any other system; how far the seeds lie apart is stated beside the table and enters no test (Reimers and
Gurevych, EMNLP 2017, on why one seed is not enough).
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.results import Result

SEED = re.compile(r"(?P<system>.+)-(?:s|seed)(?P<seed>\d+)")


@dataclass(frozen=True)
class SeedMean(Result):
    """The mean of several `members`, which have everything but the seed in common."""

    members: tuple[Result, ...] = ()

    @property
    def measures(self) -> list[str]:
        """What all of the members were scored by."""
        return [name for name in self.members[0].measures if all(name in other.measures for other in self.members)]

    def scores(self, measure: str) -> dict[str, float]:
        """query_id -> mean score, correctly rounded. Raises HarnessError where members judged different queries."""
        found = [member.scores(measure) for member in self.members]
        for member, other in zip(self.members[1:], found[1:], strict=True):
            if other.keys() != found[0].keys():
                raise HarnessError(
                    f"{self.members[0].tag} and {member.tag} were scored on other queries of {self.dataset};"
                    " seeds of one system need the same judgments"
                )
        return {query_id: math.fsum(each[query_id] for each in found) / len(found) for query_id in found[0]}


def merge(results: Sequence[Result]) -> list[Result]:
    """`results` with the seeds of one system on one dataset taken together; systems without a seed stay as they are.

    Raises HarnessError where a system has other seeds on one dataset than on the next, or where the merged name is that
    of a system too: such a mean would compare what is not alike.
    """
    together: dict[tuple[str, str], list[tuple[int, Result]]] = defaultdict(list)
    merged: list[Result] = []
    for result in results:
        if found := SEED.fullmatch(result.tag):
            together[found["system"], result.dataset].append((int(found["seed"]), result))
        else:
            merged.append(result)
    plain = {result.tag for result in merged}
    seeds: dict[str, tuple[str, list[int]]] = {}
    for (system, dataset), members in together.items():
        members.sort(key=lambda member: member[0])
        numbers = [number for number, _ in members]
        first_dataset, first = seeds.setdefault(system, (dataset, numbers))
        if numbers != first:
            raise HarnessError(
                f"{system} has the seeds {_listed(first)} on {first_dataset} and {_listed(numbers)} on {dataset}:"
                " run the missing ones, or choose datasets with --dataset"
            )
        if system in plain:
            raise HarnessError(f"{system} is a system and also the name of {members[0][1].tag} without its seed")
        one = members[0][1]
        merged.append(SeedMean(one.folder, system, dataset, one.unit, one.manifest, tuple(each for _, each in members)))
    return sorted(merged, key=lambda result: (result.tag, result.dataset))


def spread_notes(results: Sequence[Result], measure: str) -> list[str]:
    """For each merged system, how many seeds it has and the standard deviation between their averages over datasets."""
    by_system: dict[str, list[SeedMean]] = defaultdict(list)
    for result in results:
        if isinstance(result, SeedMean) and measure in result.measures:
            by_system[result.tag].append(result)
    parts = []
    for system, means in by_system.items():
        columns = zip(*([_mean(member, measure) for member in mean.members] for mean in means), strict=True)
        averages = [math.fsum(column) / len(column) for column in columns]
        parts.append(f"{system} {_deviation(averages):.4f} ({len(averages)})")
    if not parts:
        return []
    return [f"Each score is a mean over seeds; standard deviation of their averages (seeds): {', '.join(parts)}"]


def _mean(result: Result, measure: str) -> float:
    scores = result.scores(measure)
    return math.fsum(scores.values()) / len(scores)


def _deviation(values: Sequence[float]) -> float:
    """The sample's standard deviation, 0 for one value."""
    if len(values) < 2:
        return 0.0
    middle = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))

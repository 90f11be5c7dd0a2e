"""Runs of one system that differ in their random seed, as one system: each query's score is the mean over the seeds.

Seeds are told by the tag: `mine-s0`, `mine-s1`, … (or `-seed0`) become `mine`, and so do `mine-seed=0`, …, as a system
with an argument `seed` is called that was given no tag. Tests then compare expected scores over
queries, as for any other system; how far the seeds lie apart is stated beside the table and enters no test (Reimers and
Gurevych, EMNLP 2017, on why one seed is not enough).
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError, unknown
from harness.results import Result
from harness.results.alike import difference, unlike

SEED = re.compile(r"(?P<system>.+)-(?:s|seed)(?P<seed>\d+)")
ARGUMENT = re.compile(r"(?P<system>.+?)-seed=(?P<seed>\d+)(?P<rest>-.+)?")


@dataclass(frozen=True)
class SeedMean(Result):
    """The mean of several `members`, which have everything but the seed in common."""

    members: tuple[Result, ...] = ()

    @property
    def measures(self) -> list[str]:
        """What all of the members were scored by."""
        return [name for name in self.members[0].measures if all(name in other.measures for other in self.members)]

    def knows(self, measure: str) -> bool:
        """Whether all of the members have scores by it."""
        return all(member.knows(measure) for member in self.members)

    @property
    def has_judged(self) -> bool:
        """Whether all of the members say where the judged documents stand."""
        return all(member.has_judged for member in self.members)

    def mean_if_relevant(self, measure: str) -> float:
        """The mean over the members."""
        return math.fsum(member.mean_if_relevant(measure) for member in self.members) / len(self.members)

    def cost(self, name: str, of: frozenset[str] = frozenset()) -> float | None:
        """The mean over the members; None where one is unknown."""
        found = [cost for member in self.members if (cost := member.cost(name, of)) is not None]
        return math.fsum(found) / len(found) if len(found) == len(self.members) else None

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


def split(tag: str) -> tuple[str, int] | None:
    """The system and the seed that a tag tells; None where it tells no seed.

    >>> split("mine-s3"), split("mine-seed=12-size=4"), split("mine-size=4")
    (('mine', 3), ('mine-size=4', 12), None)
    """
    if found := ARGUMENT.fullmatch(tag):
        return found["system"] + (found["rest"] or ""), int(found["seed"])
    if found := SEED.fullmatch(tag):
        return found["system"], int(found["seed"])
    return None


def merge(results: Sequence[Result], systems: Sequence[str] = ()) -> list[Result]:
    """`results` with the seeds of one system on one dataset taken together; systems without a seed stay as they are.

    With `systems` only these, by their merged names, and the others are not looked at. Raises HarnessError where a
    system has other seeds on one dataset than on the next, where its seeds differ in more than the seed, or where the
    merged name is that of a system too: such a mean would compare what is not alike.
    """
    together: dict[tuple[str, str], list[tuple[int, Result]]] = defaultdict(list)
    merged: list[Result] = []
    names = {result.tag: found[0] if (found := split(result.tag)) else result.tag for result in results}
    for tag in systems:
        if tag not in names.values():
            raise unknown("system", tag, {*names.values()})
    for result in results:
        if systems and names[result.tag] not in systems:
            continue
        if found := split(result.tag):
            together[found[0], result.dataset].append((found[1], result))
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
        if len(set(numbers)) < len(numbers):
            raise HarnessError(f"{' and '.join(each.tag for _, each in members)} are one seed of {system} twice")
        if system in plain:
            raise HarnessError(f"{system} is a system and also the name of {members[0][1].tag} without its seed")
        parts = tuple(each for _, each in members)
        one = parts[0]
        for other in parts[1:]:
            if what := _differ(one, other):
                raise HarnessError(
                    f"{one.tag} and {other.tag} differ in more than their seed on {dataset}:\n  {what}\n"
                    "run one of them again, or under a tag that does not end in -s0, -s1, …"
                )
        merged.append(SeedMean(one.folder, system, dataset, one.manifest, parts))
    return sorted(merged, key=lambda result: (result.tag, result.dataset))


def _differ(first: Result, second: Result) -> str:
    """What two seeds of one system have not in common: how they were measured, or what they were made by and with.

    An argument named for the seed may differ, and one in which the tag's own seed stands: `checkpoint=mine-s0`. What
    the arguments point at (`state`) has to differ.
    """
    if what := unlike(first, second):
        return what
    return "\n  ".join(difference(_but_seed(first), _but_seed(second)))


def _but_seed(result: Result) -> Any:
    found = split(result.tag)
    assert found
    own = re.compile(rf"(?<![a-z])(s|seed)([-_=]?)0*{found[1]}(?!\d)", re.IGNORECASE)

    def plain(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: plain(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        if name == "seed" or name.endswith("_seed"):
            return "of its own"
        return own.sub(r"\1\2SEED", value) if isinstance(value, str) else value

    made = {key: value for key, value in result.fingerprint.items() if key != "state"}
    if "run_file" in made:  # from elsewhere: nothing is known but how deep it goes
        return {"k": made["run_file"].get("k"), "depth": result.depth}
    return {"retriever": made.get("retriever"), "k": made.get("k"), "arguments": plain(made.get("arguments"))}


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))

"""What is to be done: every system on every dataset that it is meant for, once, behind the systems whose runs it needs.

All executors do the same plan; they only decide where a pair is done. Planning makes no retriever and loads no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from harness import datasets, plugins
from harness.errors import HarnessError
from harness.results import tags
from harness.running import suites
from harness.running.known import Systems
from harness.running.suites import System

Key = tuple[str, str]  # name of the dataset as it was asked for, tag


class Pair(NamedTuple):
    """One system on one dataset, by the name it was asked for."""

    name: str
    system: System

    @property
    def key(self) -> Key:
        """Which of the plan's pairs it is."""
        return self.name, self.system.tag


def plan(
    systems: Sequence[System],
    dataset_names: Sequence[str],
    data_dirs: Sequence[Path] = (),
    known: Systems | None = None,
) -> list[Pair]:
    """Dataset by dataset, as first named, every system that is meant for it, those that others need first.

    `known` are systems that were looked at before. A dataset that is named in two ways is done once. Raises
    HarnessError where two systems have one tag on a dataset, for one result would replace the other.
    """
    asked: dict[str, str] = {}  # the name of its results -> as it was first asked for
    for name in (one for given in dataset_names for one in datasets.expand([given])):
        asked.setdefault(datasets.name_of(name, data_dirs), name)
    meant = [_names(system.datasets, data_dirs) for system in systems]
    needs: dict[str, list[str]] = {}
    for system in systems:
        needs.setdefault(system.tag, []).extend(_inputs(system, known))
    ordered = in_order(needs)
    found = list[Pair]()
    for dataset, name in asked.items():
        here = [system for system, names in zip(systems, meant, strict=True) if names is None or dataset in names]
        tags = [system.tag for system in here]
        if twice := next((tag for tag in tags if tags.count(tag) > 1), None):
            raise HarnessError(f"two systems are called {twice} on {dataset}; give one of them another tag")
        here = sorted(here, key=lambda system: ordered.index(system.tag))
        found += [Pair(name, system.meant_for(dataset)) for system in here]
    return found


def rows(systems: Sequence[System], known: Systems | None = None) -> list[System]:
    """The systems, each as many as its arguments stand for: a retriever's `rows` says which rows of a table they are.

    A tag that was made of the arguments is made of each row's, another one gets what tells the rows apart. One of the
    `known` is a row itself.
    """
    found = []
    for system in systems:
        for row in [{}] if known and known.seen(system) else _rows(system):
            arguments = system.arguments | row
            made = suites.system(system.spec, arguments)
            if system.tag != suites.system(system.spec, system.arguments).tag:
                made = replace(made, tag=tags.default(system.tag, row))
            if row:
                made = replace(made, datasets=system.datasets, resources=system.resources, on=system.on)
            found.append(made if row else system)
    return found


def _rows(system: System) -> list[dict[str, Any]]:
    try:
        offered = getattr(plugins.find(system.spec), "rows", None)
        return list(offered(system.arguments)) or [{}] if callable(offered) else [{}]
    except Exception:  # every result of the system will say why
        return [{}]


def in_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Tags, each with those it needs, in the order given, but each behind those that it waits for.

    >>> in_order({"all": ["two", "bm25"], "bm25": [], "two": ["dupmae", "bm25"], "dupmae": []})
    ['bm25', 'dupmae', 'two', 'all']
    """
    left, done, after = list(needs), list[str](), waits_for(needs)
    while left:
        done.append(next(tag for tag in left if all(before in done for before in after[tag])))
        left.remove(done[-1])
    return done


def waits_for(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Tag -> the tags whose results must be there first; those that wait for each other do not wait."""

    def reaches(start: str, goal: str) -> bool:
        seen, ahead = set(), [start]
        while ahead:
            if (tag := ahead.pop()) == goal:
                return True
            if tag in needs and tag not in seen:
                seen.add(tag)
                ahead += needs[tag]
        return False

    return {tag: [one for one in wanted if one in needs and not reaches(one, tag)] for tag, wanted in needs.items()}


def _inputs(system: System, known: Systems | None) -> tuple[str, ...]:
    if known and (before := known.seen(system)):
        return before.requires
    try:
        plugin = plugins.describe(plugins.find(system.spec))
        return plugin.inputs(plugin.arguments(system.arguments))
    except Exception:  # every result of the system will say why
        return ()


def _names(names: Sequence[str] | None, data_dirs: Sequence[Path]) -> set[str] | None:
    return None if names is None else {datasets.name_of(name, data_dirs) for name in datasets.expand(names)}

"""Many systems on many datasets, one after another: a failing pair is reported and the rest goes on."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.host import log, progress
from harness.running import forecast, isolated
from harness.running.folders import Folders
from harness.running.pair import evaluate
from harness.running.plan import pairs
from harness.running.prepared import Systems
from harness.running.runner import Outcome
from harness.running.suites import System


def run_all(
    systems: Sequence[System],
    dataset_names: Sequence[str],
    *,
    k: int,
    results: Path,
    cache: Path,
    data_dirs: Sequence[Path],
    overwrite: bool = False,
    download: bool = True,
    devices: Sequence[str] = (),
    timeout: float | None = None,
    finished: Callable[[Outcome], None] | None = None,
    known: Systems | None = None,
) -> list[Outcome]:
    """Evaluate every system on every dataset that it is meant for, dataset by dataset; one Outcome a pair.

    `devices` share the work on an index where it can be divided; a system that names its device keeps it. With a
    `timeout` (seconds) every pair has a process of its own, which is killed when that time is over. `finished` is
    called with every Outcome as soon as it is known. `known` are systems that were looked at before.
    """
    outcomes, known, failed = [], known or Systems(), set[tuple[str, str]]()
    folders = Folders(results, cache, tuple(data_dirs), download)
    todo = pairs(systems, dataset_names, data_dirs)
    with log.opened(results, command=sys.argv, cache=str(cache), pairs=forecast.sizes(todo, data_dirs, cache)):
        for name, system in progress.over(todo, "suite", "results", level=0):
            outcome = attempt(system, name, k, folders, overwrite, devices, timeout, known)
            there = (name, outcome.needs) not in failed
            if there and (
                needed := next((one for other, one in todo if (other, one.tag) == (name, outcome.needs)), None)
            ):
                for one in (needed, system):
                    tell(outcome, finished)
                    outcome = attempt(one, name, k, folders, overwrite, devices, timeout)
            tell(outcome, finished)
            outcomes.append(outcome)
            if outcome.status == "failed":
                failed.add((name, system.tag))
    return outcomes


def tell(outcome: Outcome, finished: Callable[[Outcome], None] | None) -> None:
    """Print what became of a pair, and hand it on."""
    progress.say(line(outcome))
    if finished:
        finished(outcome)


def attempt(
    system: System,
    name: str,
    k: int,
    folders: Folders,
    overwrite: bool,
    devices: Sequence[str] = (),
    timeout: float | None = None,
    known: Systems | None = None,
) -> Outcome:
    """Evaluate one system on one dataset, and log it; whatever goes wrong becomes an Outcome that says so."""
    with log.about(system=system.tag, dataset=name):
        log.event("pair")
        start = time.perf_counter()
        of = (system, name, k, folders, overwrite, devices)
        outcome = isolated.evaluate(*of, timeout) if timeout else evaluate(*of, known=known)
        log.event(outcome.status, seconds=round(time.perf_counter() - start, 3), message=outcome.message)
    return outcome


def line(outcome: Outcome) -> str:
    """What is told of an outcome: the score and its notes, or why it failed."""
    pair = f"{outcome.tag} on {outcome.dataset}"
    if (result := outcome.result) is None:
        return f"FAILED {pair}: {outcome.message}"
    from harness.measures import display

    score = f"{display(result.primary_measure)} {result.recorded_means[result.primary_measure]:.4f}"
    answered = f"answered {result.answered} of {result.judged}"
    notes = "".join(f"\n  note: {note}" for note in result.notes)
    return f"{outcome.status} {pair}: {score}, {answered}{notes}"

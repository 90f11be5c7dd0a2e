"""Many systems on many datasets, one after another: a failing pair is reported and the rest goes on."""

import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness import datasets, manifest, runner
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.runner import Outcome
from harness.running import progress
from harness.suites import System

FAILURE = "failure.txt"  # beside where the result would be: the traceback of the last attempt


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
) -> list[Outcome]:
    """Evaluate every system on every dataset that it is meant for, dataset by dataset; one Outcome a pair."""
    wanted = {name: datasets.expand([name]) for name in dataset_names}
    order = list(dict.fromkeys(name for names in wanted.values() for name in names))
    pairs = [
        (name, system)
        for name in order
        for system in systems
        if system.datasets is None or name in datasets.expand(system.datasets)
    ]
    outcomes = []
    for name, system in progress.over(pairs, "suite", "results", level=0):
        outcome = _attempt(system, name, k, results, cache, data_dirs, overwrite, download)
        progress.say(_line(outcome))
        outcomes.append(outcome)
    return outcomes


def _attempt(
    system: System,
    name: str,
    k: int,
    results: Path,
    cache: Path,
    data_dirs: Sequence[Path],
    overwrite: bool,
    download: bool,
) -> Outcome:
    try:
        dataset = datasets.load(name, data_dirs, cache, download)
        outcome = runner.run(system, dataset, k, results, cache, overwrite)
    except HarnessError as error:
        return Outcome(system.tag, name, "failed", message=str(error))
    except Exception as error:  # a plugin may raise anything; the other pairs shall not suffer
        place = manifest.folder(results, system.tag, Path(name).name)
        with suppress(OSError):
            write_bytes(place / FAILURE, traceback.format_exc().encode())
        message = f"{type(error).__name__}: {error} (traceback: {place / FAILURE})"
        return Outcome(system.tag, name, "failed", message=message)
    with suppress(OSError):
        (manifest.folder(results, system.tag, dataset.name) / FAILURE).unlink(missing_ok=True)
    return outcome


def _line(outcome: Outcome) -> str:
    pair = f"{outcome.tag} on {outcome.dataset}"
    if outcome.manifest is None:
        return f"FAILED {pair}: {outcome.message}"
    from harness.measures import display

    measure = outcome.manifest["primary_measure"]
    score = f"{display(measure)} {outcome.manifest['scores'][measure]:.4f}"
    queries = outcome.manifest["queries"]
    answered = f"answered {queries['answered']} of {queries['judged']}"
    notes = "".join(f"\n  note: {note}" for note in outcome.manifest["notes"])
    return f"{outcome.status} {pair}: {score}, {answered}{notes}"

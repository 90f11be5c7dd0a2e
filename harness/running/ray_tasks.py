"""What is done on a node of a cluster: four kinds of tasks, each a function of plain values.

Nodes share the folders of the cache, of the results and of the datasets; a task finds everything there and leaves
everything there. So a task that is lost with its node is simply done again, and goes on with the finished pieces.
This module knows nothing of Ray.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

from harness import files, plugins
from harness.errors import HarnessError
from harness.running import isolated, parts
from harness.running.folders import Folders
from harness.running.job import Job
from harness.running.known import Systems
from harness.running.pair import evaluate as evaluate_pair
from harness.running.runner import Attempted
from harness.running.suites import System


class Look(NamedTuple):
    """What has to be known of a system to plan for it.

    `index_of` is equal for systems that share indexes; `piece_docs` is the size of the pieces of an index, 0 where it
    is made whole; `takes` are the arguments that decide what a task needs, device and threads, with their values.
    """

    requires: tuple[str, ...]
    index_of: str
    piece_docs: int
    takes: dict[str, Any]


def enter(here: Path) -> None:
    """Make relative paths mean what they do in `here`, the working folder of whoever started the run.

    Raises HarnessError where the folder is not shared.
    """
    try:
        os.chdir(here)
    except OSError as error:
        raise HarnessError(
            f"{here} is not on this node ({error.strerror}): start from a folder that all nodes share"
        ) from error


def look(here: Path, folders: Folders, system: System) -> Look:
    """Look at a system. Where its retriever cannot be made, what is known without; its results will say why."""
    enter(here)
    plugin = plugins.describe(plugins.find(system.spec))
    arguments = plugin.arguments(system.arguments)
    takes = {name: value for name, value in arguments.items() if name in ("device", "threads")}
    piece_docs = plugin.shard_docs if plugin.divided else 0
    try:
        known = Systems(folders.cache)
        prepared = known.seen(system) or known.take(system)[0]
    except Exception:
        return Look((), system.tag, piece_docs, takes)
    return Look(prepared.requires, files.sha256_json(prepared.index_arguments), piece_docs, takes)


def survey(here: Path, folders: Folders, name: str) -> tuple[int, str]:
    """Number of documents of a dataset and their fingerprint; downloads it where it is missing."""
    enter(here)
    dataset = folders.dataset(name)
    return dataset.facts()["docs"], dataset.collection_fingerprint()


def part(here: Path, folders: Folders, system: System, name: str, number: int, of: int) -> None:
    """Make one part of an index."""
    enter(here)
    parts.make(system, name, number, of, folders, elsewhere=True)


def pair(here: Path, folders: Folders, system: System, name: str, job: Job) -> Attempted:
    """Evaluate one system on one dataset; only OSErrors are raised, for another node may have better luck."""
    enter(here)
    if job.timeout:
        return isolated.evaluate(system, name, job)
    return evaluate_pair(system, name, job, passing=(OSError,), known=Systems(folders.cache))

"""The program of a process that does one pair, or one part of an index; see `host.workers`."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import work
from harness.errors import HarnessError
from harness.host import log, workers
from harness.records import Doc
from harness.running import pair, parts
from harness.running.folders import Folders
from harness.running.job import Job
from harness.running.known import Systems
from harness.running.suites import System

EVERY = 256  # documents between two reports


def _pair(task: dict[str, Any], say: workers.Say) -> None:
    """Says the fields of the Attempted; its result lies in the results folder."""
    path, begun, about = task["log"] or (None, 0.0, {})
    with log.joined(Path(path) if path else None, begun), log.about(**about):
        job = Job.of(task["job"])
        outcome = pair.evaluate(System(*task["system"]), task["name"], job, known=Systems(job.folders.cache))
    say(vars(replace(outcome, result=None)))


def _part(task: dict[str, Any], say: workers.Say) -> None:
    """Says how many documents of its part are done; where the retriever does not tell, by what it has read."""
    done: list[float] = []  # since it tells

    def worked(count: float) -> None:
        done[:] = [done[0] + count] if done else [0.0]  # the first word only says that there will be others
        say(done[0])

    def watch(docs: Iterable[Doc]) -> Iterator[Doc]:
        for count, doc in enumerate(docs, 1):
            if count % EVERY == 0 and not done:
                say(count / task["parts"])
            yield doc

    system, folders = System(*task["system"]), Folders.of(task["folders"])
    try:
        with work.watched(worked):
            parts.make(system, task["name"], task["part"], task["parts"], folders, watch=watch)
    except HarnessError as error:
        print(f"beir-harness: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    workers.serve(lambda task, say: (_part if "part" in task else _pair)(task, say))

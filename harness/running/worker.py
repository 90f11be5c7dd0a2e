"""The program of a process that does one pair, or one part of an index; see `host.workers`."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host import log, workers
from harness.records import Doc
from harness.running import pair, parts
from harness.running.folders import Folders
from harness.running.job import Job
from harness.running.suites import System

EVERY = 256  # documents between two reports


def _pair(task: dict[str, Any], say: workers.Say) -> None:
    """Says the fields of the Attempted; its result lies in the results folder."""
    path, begun, about = task["log"] or (None, 0.0, {})
    with log.joined(Path(path) if path else None, begun), log.about(**about):
        outcome = pair.evaluate(System(*task["system"]), task["name"], Job.of(task["job"]))
    say(vars(replace(outcome, result=None)))


def _part(task: dict[str, Any], say: workers.Say) -> None:
    """Says now and then how many documents of the stream it has passed."""

    def watch(docs: Iterable[Doc]) -> Iterator[Doc]:
        for count, doc in enumerate(docs, 1):
            if count % EVERY == 0:
                say(count)
            yield doc

    system, folders = System(*task["system"]), Folders.of(task["folders"])
    try:
        parts.make(system, task["name"], task["part"], task["parts"], folders, watch=watch)
    except HarnessError as error:
        print(f"beir-harness: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    workers.serve(lambda task, say: (_part if "part" in task else _pair)(task, say))

"""Several devices of one host: each has a process of its own that makes a part of an index."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from harness import plugins
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import log, progress
from harness.host.workers import Worker
from harness.running import parts
from harness.running.folders import Folders
from harness.running.known import Systems
from harness.running.suites import System

ATTEMPTS = 2  # of a part whose process was killed
PROGRAM = "harness.running.worker"


def parse(text: str) -> tuple[str, ...]:
    """`0,1` as cuda:0 and cuda:1, `cpu,cpu` as two processes of the CPU; raises HarnessError for an empty name."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise HarnessError(f"--devices {text!r}: give numbers of GPUs or names of devices, such as 0,1 or cpu,cpu")
    return tuple(f"cuda:{name}" if name.isdecimal() else name for name in names)


def first(system: System, devices: Sequence[str], known: Systems | None = None) -> System:
    """The system on the first of the devices, unless it takes none or names its own."""
    if not devices or "device" in system.arguments:
        return system
    there = replace(system, arguments={**system.arguments, "device": devices[0]})
    if known and known.seen(there):
        return there
    return there if "device" in plugins.describe(plugins.find(system.spec)).defaults else system


def index_ahead(system: System, name: str, dataset: Dataset, devices: Sequence[str], folders: Folders) -> None:
    """Make the index of `dataset`, called `name`, in parts, one a device, where it can be divided.

    A part whose process is killed is begun again, once; what fails otherwise is told, and left to the index itself.
    """
    docs = dataset.facts()["docs"]
    used = devices[: parts.pieces(system, docs)]
    if len(used) < 2 or "device" in system.arguments:
        return
    takes = "device" in plugins.describe(plugins.find(system.spec)).defaults
    tasks = [
        {
            "system": [system.spec, system.arguments | ({"device": device} if takes else {}), system.tag],
            "name": name,
            "part": number,
            "parts": len(used),
            "folders": folders.plain(),
        }
        for number, device in enumerate(used)
    ]
    running = [_Part(task, f"part {n + 1} of {len(used)} of {system.tag} on {dataset.name} ({used[n]})")
               for n, task in enumerate(tasks)]  # fmt: skip
    try:
        _wait(running, f"{system.tag} on {dataset.name}: {len(used)} parts", docs)
    finally:
        for each in running:
            each.worker.end()


class _Part:
    """One part and the process that makes it; `done` documents so far."""

    def __init__(self, task: dict[str, Any], what: str) -> None:
        self.task, self.what, self.done, self.attempts = task, what, 0.0, 0
        self._start()

    def _start(self) -> None:
        self.attempts += 1
        self.worker = Worker(PROGRAM, self.task, self._tell_done)

    def _tell_done(self, count: float) -> None:
        self.done = count

    def over(self) -> bool:
        """Whether there is nothing more to wait for; begins again where that may help."""
        status = self.worker.process.poll()
        if status is None:
            return False
        if status < 0 and self.attempts < ATTEMPTS:
            self._tell(f"{self.what} was killed by signal {-status} and is begun again")
            self.worker.end()
            self._start()
            return False
        if status:
            how = f"was killed by signal {-status}" if status < 0 else f"failed with exit status {status}"
            self._tell(f"{self.what} {how}; what it did not make is made now")
        return True

    def _tell(self, message: str) -> None:
        progress.say(message)
        log.event("part", message=message)


def _wait(running: list[_Part], what: str, docs: int) -> None:
    """Return when all are over; the bar shows what they have done."""
    with progress.bar(what, "docs", docs) as bar:
        waiting = list(running)
        while waiting := [part for part in waiting if not part.over()]:
            with suppress(subprocess.TimeoutExpired):
                waiting[0].worker.process.wait(0.2)
            bar.update(int(sum(part.done for part in running)) - bar.n)

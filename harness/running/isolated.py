"""A pair in a process of its own, which can be stopped when its time is over, and whose end ends nothing else.

Nothing in a process stops code that does not want to be stopped: an exception set in a thread waits until C code
returns, and a signal handler too. A process can be killed, whatever it does, and gives back all its memory. What it
costs is the start of a process, with its imports, for every pair.
"""

import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import replace
from typing import Any

from harness import results as stored
from harness.host import log
from harness.host.workers import Worker
from harness.results import manifest
from harness.running.job import Job
from harness.running.runner import Attempted
from harness.running.suites import System

PROGRAM = "harness.running.worker"
STACKS_S = 1.0  # how long a process may take to say where it hangs


def evaluate(system: System, name: str, job: Job) -> Attempted:
    """As `pair.evaluate`, in another process that is killed after `job.timeout` seconds, with all it has started."""
    assert job.timeout
    opened = log.current()
    task = {
        "system": [system.spec, system.arguments, system.tag],
        "name": name,
        "job": job.plain(),
        "log": [str(opened.path), opened.begun, opened.about] if opened else None,
    }
    place = job.folders.result(system.tag, name)
    with tempfile.TemporaryFile() as stacks:
        said, how = _watched(task, job.timeout, stacks.fileno())
        if said is not None:
            return replace(Attempted(**said), result=None if said["status"] == "failed" else stored.at(place))
        stacks.seek(0)
        if trace := stacks.read():
            with suppress(OSError):
                place.mkdir(parents=True, exist_ok=True)
                (place / manifest.FAILURE).write_bytes(trace)
                how += f" (where it was: {place / manifest.FAILURE})"
    return Attempted(system.tag, name, "failed", message=how)


def _watched(task: dict[str, Any], timeout: float, stacks: int) -> tuple[dict[str, Any] | None, str]:
    """What the process said, or None and how it ended instead."""
    heard: list[dict[str, Any]] = []
    worker, late = Worker(PROGRAM, task, heard.append, stacks), False
    child = worker.process
    try:
        worker.ready.wait()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            late = True
            child.send_signal(signal.SIGUSR1)
            with suppress(subprocess.TimeoutExpired):
                child.wait(STACKS_S)
    finally:
        worker.end()
    if late:
        return None, f"not done after {timeout:g} seconds (--timeout), so it was stopped; finished pieces are kept"
    if heard:
        return heard[0], ""
    if child.returncode < 0:
        what = signal.Signals(-child.returncode).name
        cause = "; the system does that where memory runs out" if what == "SIGKILL" else ""
        return None, f"its process was killed by {what}{cause}"
    return None, f"the retriever ended its process (exit status {child.returncode}); it should raise an exception"

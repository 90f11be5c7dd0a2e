"""A pair in a process of its own, which can be stopped when its time is over, and whose end ends nothing else.

Nothing in a process stops code that does not want to be stopped: an exception set in a thread waits until C code
returns, and a signal handler too. A process can be killed, whatever it does, and gives back all its memory. What it
costs is the start of a process, with its imports, for every pair.

The process is this module, run as a program: it reads its task, one line of JSON, from standard input, and writes two
lines to standard output: READY, when time begins to count, and the outcome as JSON. When standard input ends, its
parent is gone, and so is it.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import results as stored
from harness.host import log
from harness.results import manifest
from harness.running import pair
from harness.running.folders import Folders
from harness.running.runner import Outcome
from harness.running.suites import System

READY = b"ready\n"
STACKS_S = 1.0  # how long a process may take to say where it hangs


def evaluate(
    system: System,
    name: str,
    k: int,
    folders: Folders,
    overwrite: bool,
    devices: Sequence[str],
    timeout: float,
) -> Outcome:
    """As `executor.evaluate`, in another process that is killed after `timeout` seconds, with all it has started."""
    opened = log.current()
    task = {
        "system": [system.spec, system.arguments, system.tag],
        "name": name,
        "k": k,
        "folders": folders.plain(),
        "overwrite": overwrite,
        "devices": list(devices),
        "log": [str(opened.path), opened.begun, opened.about] if opened else None,
    }
    place = folders.result(system.tag, name)
    with tempfile.TemporaryFile() as stacks:
        said, how = _watched(task, timeout, stacks.fileno())
        if said is not None:
            return replace(Outcome(**said), result=stored.at(place) if said["status"] != "failed" else None)
        stacks.seek(0)
        if trace := stacks.read():
            with suppress(OSError):
                place.mkdir(parents=True, exist_ok=True)
                (place / manifest.FAILURE).write_bytes(trace)
                how += f" (where it was: {place / manifest.FAILURE})"
    return Outcome(system.tag, name, "failed", message=how)


def _watched(task: dict[str, Any], timeout: float, stacks: int) -> tuple[dict[str, Any] | None, str]:
    """What the process said, or None and how it ended instead."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness.running.isolated", str(stacks)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, pass_fds=(stacks,), start_new_session=True,
    )  # fmt: skip
    assert child.stdin and child.stdout
    answer, ready, late = child.stdout, threading.Event(), False
    heard: list[bytes] = []

    def listen() -> None:
        for line in answer:
            ready.set() if line == READY else heard.append(line)
        ready.set()

    reader = threading.Thread(target=listen, daemon=True)
    reader.start()
    try:
        with suppress(BrokenPipeError):  # it is dead already, which its exit status tells
            child.stdin.write(json.dumps(task).encode() + b"\n")
            child.stdin.flush()
        ready.wait()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            late = True
            child.send_signal(signal.SIGUSR1)
            with suppress(subprocess.TimeoutExpired):
                child.wait(STACKS_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # whatever it has started goes with it
        child.wait()
        with suppress(BrokenPipeError):
            child.stdin.close()
        reader.join()
        answer.close()
    if late:
        return None, f"not done after {timeout:g} seconds (--timeout), so it was stopped; finished pieces are kept"
    with suppress(ValueError, IndexError):
        return json.loads(heard[0]), ""
    if child.returncode < 0:
        what = signal.Signals(-child.returncode).name
        cause = "; the system does that where memory runs out" if what == "SIGKILL" else ""
        return None, f"its process was killed by {what}{cause}"
    return None, f"the retriever ended its process (exit status {child.returncode}); it should raise an exception"


def _main() -> int:
    faulthandler.register(signal.SIGUSR1, int(sys.argv[1]), all_threads=True)
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a plugin prints is no answer
    answer.buffer.write(READY)
    answer.flush()
    path, begun, about = task["log"] or (None, 0.0, {})
    with log.joined(Path(path) if path else None, begun), log.about(**about):
        outcome = pair.evaluate(
            System(*task["system"]), task["name"], task["k"], Folders.of(task["folders"]), task["overwrite"],
            task["devices"],
        )  # fmt: skip
    print(json.dumps(vars(replace(outcome, result=None))), file=answer, flush=True)
    return 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(_main())

"""Processes of our own: one is given a task, says how it goes, and is gone with all it has started when its parent is.

The task goes in as one line of JSON, what it says comes out as lines of JSON. It is the leader of a session, so that
it can be killed with everything it has started; when its standard input ends, its parent is gone, and it kills itself
likewise.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

READY = "ready"  # said first, when its imports are done
Say = Callable[[Any], None]


class Worker:
    """The process that runs `module` with a task; `hear` is called, in a thread, with everything that it says.

    `stacks` is the descriptor of a file to which SIGUSR1 makes it write where its threads are.
    """

    def __init__(self, module: str, task: Mapping[str, Any], hear: Say, stacks: int = 2) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        self.hear, self.ready = hear, threading.Event()  # set when it is ready, or never will be
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(stacks)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, pass_fds=(stacks,), start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        with suppress(BrokenPipeError):  # it is dead already, which its exit status tells
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with suppress(ValueError):  # the last line of one that was killed may be half a line
                said = json.loads(line)
                self.ready.set() if said == READY else self.hear(said)
        self.ready.set()

    def end(self) -> None:
        """Kill the process if it lives, with all it has started; everything it said has been heard then."""
        assert self.process.stdin and self.process.stdout
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self._reader.join()
        self.process.stdout.close()


def serve(work: Callable[[dict[str, Any], Say], None]) -> None:
    """The other side: take the task from standard input and do it, with a way to say something."""
    faulthandler.register(signal.SIGUSR1, file=int(sys.argv[1]), all_threads=True)
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a plugin prints is no answer

    def say(what: Any) -> None:
        print(json.dumps(what), file=answer, flush=True)

    say(READY)
    work(task, say)


def _end_with_parent() -> None:
    while os.read(0, 4096):  # not through sys.stdin, whose lock must be free when Python ends
        pass
    os.killpg(0, signal.SIGKILL)

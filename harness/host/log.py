"""What happens in a run: one JSON object a line in results/log/<number>-<start>-<pid>.jsonl.

Every line is handed to the system as it is written, so that a killed process leaves all but a part of its last one.
`seconds` and `elapsed` are measured, not differences of the wall clock; the number, not the time, orders the files.

    run       the pairs to be done, the command, the process     pair       one of them begins
    stage     index, load, search or publish begins              progress   how far it is, twice a minute at most
    staged    it has ended, after so many seconds                waiting    for another process
    done, reused, failed   what became of the pair               ended      how the run ended
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.host import processes

FOLDER = "log"
NAME = re.compile(r"(\d+)-.*\.jsonl")


@dataclass(frozen=True)
class Log:
    """An open log file; `begun` is on the clock of `processes.uptime`, `about` stands in every line."""

    path: Path
    descriptor: int
    begun: float
    about: dict[str, Any] = field(default_factory=dict)

    def write(self, name: str, facts: dict[str, Any]) -> None:
        """One line. A log that cannot be written (a full disk) stops nothing."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        elapsed = round(processes.uptime() - self.begun, 3)
        line = {"time": now, "elapsed": elapsed, "event": name, **self.about, **facts}
        with suppress(OSError):
            os.write(self.descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


_current: ContextVar[Log | None] = ContextVar("log", default=None)


@contextmanager
def opened(results: Path, **facts: Any) -> Iterator[None]:
    """Begin the log of a run in `results` with the event `run` and `facts`; end it with `ended`.

    Where the folder cannot be written the run goes on without a log.
    """
    path = None
    with suppress(OSError):
        folder = results / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        number = max((int(path.name.partition("-")[0]) for path in files(results)), default=0) + 1
        path = folder / f"{number:04d}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.jsonl"
    begun = processes.uptime()
    with joined(path, begun):
        event("run", **processes.me(), uptime=begun, **facts)
        try:
            yield
        except BaseException as error:
            event("ended", how=type(error).__name__, message=str(error))
            raise
        event("ended", how="finished")


def files(results: Path) -> list[Path]:
    """The logs in a results folder, oldest first."""
    found = [path for path in (results / FOLDER).glob("*.jsonl") if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (int(path.name.partition("-")[0]), path.name))


@contextmanager
def joined(path: Path | None, begun: float) -> Iterator[None]:
    """Write into the log at `path`, which another process may be writing too."""
    log = None
    if path:
        with suppress(OSError):
            log = Log(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), begun)
    token = _current.set(log)
    try:
        yield
    finally:
        _current.reset(token)
        if log:
            os.close(log.descriptor)


def current() -> Log | None:
    """The log that is open here."""
    return _current.get()


def event(name: str, **facts: Any) -> None:
    """One line in the open log, if there is one."""
    if log := _current.get():
        log.write(name, facts)


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Put `facts` into every line meanwhile; what goes on beside it, in another thread or task, has its own."""
    log = _current.get()
    token = _current.set(replace(log, about=log.about | facts) if log else None)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The events `stage` and `staged` around what is done meanwhile."""
    event("stage", stage=name)
    start = time.perf_counter()
    with about(stage=name):
        yield
    event("staged", stage=name, seconds=round(time.perf_counter() - start, 3))


def duration(seconds: float) -> str:
    """Seconds in words: 12 s, 5 min, 3.4 h, 2.0 days."""
    for size, unit, form in ((86400.0, "days", ".1f"), (3600.0, "h", ".1f"), (60.0, "min", ".0f")):
        if seconds >= size * (1.5 if size > 100 else 2):
            return f"{seconds / size:{form}} {unit}"
    return f"{max(seconds, 0):.0f} s"

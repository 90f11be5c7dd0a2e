"""Locks between processes, on files: one at a time, or many that read. They end with the process, however it ends.

The kernel holds them (flock), so that a killed process leaves none behind, and other programs that lock the same file
(the filelock package) respect them. The holder writes into the file who it is: whoever waits can say for whom.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.host import log, processes, progress

PAUSE, AGAIN = 0.05, 300.0  # seconds between two attempts, between two messages


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the file `path` alone. While another process holds it, wait and say for which process, and since when.

    `what` names the thing that is locked. Raises OSError where the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _waited(path, what, fcntl.LOCK_EX)
    try:
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def shared(path: Path, what: str) -> Iterator[None]:
    """Hold the file `path` together with others that do so; `attempt` fails meanwhile.

    Where the file cannot be made, because the folder is read-only, nothing is held: nobody can remove anything there.
    """
    descriptor = None
    with suppress(PermissionError), _read_only():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _waited(path, what, fcntl.LOCK_SH)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def attempt(path: Path) -> Iterator[bool]:
    """Hold the file `path` alone if nobody else does; yields whether."""
    descriptor = _opened(path, fcntl.LOCK_EX)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def owner(path: Path) -> dict[str, Any] | None:
    """Who holds the lock or held it last, as `processes.me` says; None where nobody has signed."""
    try:
        signed = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return signed if isinstance(signed, dict) and "pid" in signed and "host" in signed else None


def described(path: Path) -> str:
    """Who holds the lock and for how long, in words."""
    holder = owner(path)
    if holder is None:
        return "another process"
    if processes.alive(holder):
        age = processes.uptime() - holder.get("uptime", processes.uptime())
    else:  # its clock is not ours; a time from the future counts as now
        age = max(0.0, time.time() - holder.get("since", time.time()))
    return f"process {holder['pid']} on {holder['host']}, which has had it for {log.duration(age)}"


def _waited(path: Path, what: str, kind: int) -> int:
    said = None
    while (descriptor := _opened(path, kind)) is None:
        if said is None or processes.uptime() - said > AGAIN:
            said = processes.uptime()
            message = f"waiting for {what}: {described(path)} ({path})"
            progress.say(message)
            log.event("waiting", message=message)
        time.sleep(PAUSE)
    return descriptor


def _opened(path: Path, kind: int) -> int | None:
    """A descriptor that holds the lock, or None. A file that was removed meanwhile locks nothing."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)
        path.parent.mkdir(parents=True, exist_ok=True)


def _sign(descriptor: int) -> None:
    signature = processes.me() | {"since": time.time(), "uptime": processes.uptime()}
    with suppress(OSError):  # a full disk: the lock holds unsigned
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(signature).encode(), 0)


@contextmanager
def _read_only() -> Iterator[None]:
    """Turn a file system's own word for read-only into the permission error that a folder's is."""
    import errno

    try:
        yield
    except OSError as error:
        if error.errno == errno.EROFS:
            raise PermissionError(*error.args) from error
        raise

"""Which process did something, and whether it still lives: told by host, number and the moment of its start.

The number alone is not enough, as the system gives it to another process later; nor is a time of the wall clock, which
somebody may have set.
"""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def me() -> dict[str, Any]:
    """This process, as JSON that `alive` understands."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid())}


def alive(process: dict[str, Any]) -> bool | None:
    """Whether a process that `me` described lives; None where it runs on another host, which cannot be asked."""
    if process.get("host") != socket.gethostname():
        return None
    started = _started(int(process["pid"]))
    return started is not None and started == process.get("started")


def uptime() -> float:
    """Seconds of a clock that all processes of this host share and that nobody sets."""
    return time.monotonic()


def _started(pid: int) -> str | None:
    """When the process with this number was started, in the system's own count; None where there is none."""
    with suppress(OSError, IndexError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]  # a zombie has ended, its parent has not noticed
    if Path("/proc/self/stat").exists():
        return None
    import psutil

    with suppress(psutil.Error):
        return str(psutil.Process(pid).create_time())
    return None

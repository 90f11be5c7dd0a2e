"""What a piece of work costs: wall time, CPU time, peak memory, size on disk."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass
class Cost:
    """Seconds of wall clock, CPU seconds of this process and its ended children, highest resident bytes meanwhile."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0

    def record(self) -> dict[str, float | int]:
        """The cost as JSON, times to the millisecond."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@contextmanager
def metered() -> Iterator[Cost]:
    """Yield a Cost that is filled in when the block ends, also when it ends with an exception."""
    cost = Cost()
    _reset_peak()
    wall, cpu = time.perf_counter(), _cpu_seconds()
    try:
        yield cost
    finally:
        cost.wall_s = time.perf_counter() - wall
        cost.cpu_s = _cpu_seconds() - cpu
        cost.peak_bytes = _peak()


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def percentiles(seconds: list[float]) -> dict[str, float]:
    """p50, p95 and p99 by the nearest-rank rule, in milliseconds; empty for no measurements."""
    ordered = sorted(seconds)
    return {f"p{p}_ms": round(1e3 * ordered[-(-p * len(ordered) // 100) - 1], 3) for p in (50, 95, 99) if ordered}


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _reset_peak() -> None:
    # Linux forgets the high-water mark of resident memory on request, which makes a peak per stage possible.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return psutil.Process().memory_info().rss

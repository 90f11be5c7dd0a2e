"""A run as the command plans it, from plain values."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.running import executor
from harness.running.folders import Folders
from harness.running.job import Job
from harness.running.plan import plan
from harness.running.runner import Attempted
from harness.running.suites import System


def job(
    results: Path, cache: Path, data_dirs: Sequence[Path] = (), k: int = 1000, download: bool = True, **more: Any
) -> Job:
    """Where and how."""
    return Job(Folders(results, cache, tuple(data_dirs), download), k, **more)


def run_all(
    systems: Sequence[System],
    names: Sequence[str],
    *,
    do: Callable[..., list[Attempted]] = executor.run_all,
    finished: Any = None,
    address: str | None = None,
    **more: Any,
) -> list[Attempted]:
    """Plan the pairs and have an executor do them."""
    where = {} if address is None else {"address": address}
    made = job(**more)
    return do(plan(systems, names, made.folders.data_dirs), made, finished=finished, **where)

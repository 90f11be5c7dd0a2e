"""What scoring compiles, compiled beside the first indexing: it takes a processor 17 s, once for a cache.

Another process does it and holds a lock meanwhile; whoever comes to score before it has ended waits for it, rather than
do the same work.
"""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from harness.host import locks
from harness.paths import cache_dir

WHAT = "the measures, which are compiled once"


def start() -> None:
    """Begin, unless it has been done for these versions, or there is one processor alone."""
    if _mark().exists() or (os.cpu_count() or 1) < 2:
        return
    with suppress(OSError):
        _lock().parent.mkdir(parents=True, exist_ok=True)
        nothing, environment = subprocess.DEVNULL, os.environ | {"BEIR_HARNESS_CACHE": str(cache_dir())}
        command = [sys.executable, "-m", __name__]
        compiling = subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, env=environment
        )
        threading.Thread(target=compiling.wait, daemon=True).start()  # so that it leaves no zombie


def wait() -> None:
    """Return when nobody compiles."""
    if _lock().exists() and not _mark().exists():
        with locks.shared(_lock(), WHAT):
            pass


def _compile() -> None:
    from harness import runs
    from harness.measures.evaluation import score
    from harness.records import Qrel, Query, ScoredDoc

    with locks.attempt(_lock()) as free:
        if free:
            query = Query("1", "")
            run = runs.order([ScoredDoc("1", "a", 2.0), ScoredDoc("1", "b", 1.0)], [query], 10)
            score(run, [Qrel("1", "b", 1), Qrel("1", "c", 0)])
            _mark().touch()


def _place() -> Path:
    return Path(os.environ.get("NUMBA_CACHE_DIR") or cache_dir() / "numba")


def _lock() -> Path:
    return _place() / ".compiling"


def _mark() -> Path:
    versions = "-".join(version(name) for name in ("numba", "numpy", "ranx"))
    return _place() / f".compiled-{sys.implementation.cache_tag}-{versions}"


if __name__ == "__main__":
    _compile()

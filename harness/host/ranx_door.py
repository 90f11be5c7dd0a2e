"""The only door to ranx: imported when the first score is wanted, and numba left as it was found.

Importing ranx takes seconds and sets numba's threading layer, and its first calls compile.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.paths import cache_dir


@contextmanager
def imported_ranx() -> Iterator[ModuleType]:
    """The module ranx, to be used on one thread; numba's threading layer and threads are put back in the end.

    What numba compiles is kept in this project's cache folder unless $NUMBA_CACHE_DIR says otherwise.
    """
    import numba

    # numba starts its threads at the first question about them, and has OpenMP take as many from then on: torch too.
    torch = sys.modules.get("torch")
    taken = torch.get_num_threads() if torch else 0
    config: Any = numba.config
    layer, threads, cache = config.THREADING_LAYER, numba.get_num_threads(), config.CACHE_DIR
    config.CACHE_DIR = cache or str(cache_dir() / "numba")
    # On a busy machine a second thread made the score of a small run ten times as slow (60 ms for 6 ms).
    numba.set_num_threads(1)
    try:
        with _homes(cache_dir()):
            import ranx
        yield ranx
    finally:
        config.THREADING_LAYER, config.CACHE_DIR = layer, cache
        numba.set_num_threads(threads)
        if torch:
            torch.set_num_threads(taken)


@contextmanager
def _homes(folder: Path) -> Iterator[None]:
    """Send what ranx's dependencies create at import to `folder`: they fail where the user's home is read-only."""
    homes = {"IR_DATASETS_HOME": str(folder / "ir_datasets"), "MPLCONFIGDIR": str(folder / "matplotlib")}
    added = {name: home for name, home in homes.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)

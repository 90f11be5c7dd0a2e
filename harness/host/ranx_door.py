"""The only door to ranx: its measures are imported when the first score is wanted, and numba left as it was found.

Its first calls compile.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from harness.paths import cache_dir


@contextmanager
def ranx_metrics() -> Iterator[ModuleType]:
    """The module ranx.metrics, to be used on one thread; numba's threads are put back in the end.

    What numba compiles is kept in this project's cache folder unless $NUMBA_CACHE_DIR says otherwise.
    """
    import numba

    # numba starts its threads at the first question about them, and has OpenMP take as many from then on: torch too.
    torch = sys.modules.get("torch")
    taken = torch.get_num_threads() if torch else 0
    config: Any = numba.config
    threads, folder = numba.get_num_threads(), config.CACHE_DIR
    config.CACHE_DIR = folder or str(cache_dir() / "numba")
    # On a busy machine a second thread made the score of a small run ten times as slow (60 ms for 6 ms).
    numba.set_num_threads(1)
    try:
        yield _metrics()
    finally:
        config.CACHE_DIR = folder
        numba.set_num_threads(threads)
        if torch:
            torch.set_num_threads(taken)


def _metrics() -> ModuleType:
    """ranx.metrics, without what `import ranx` does besides (matplotlib, pandas, scipy.stats, …), which takes a second.

    Whoever else imports ranx or a part of it has the whole, at the first name that is asked of it.
    """
    spec = None if "ranx" in sys.modules else find_spec("ranx")
    if spec is None or spec.loader is None:
        return import_module("ranx.metrics")
    sys.modules["ranx"] = ranx = module_from_spec(spec)
    metrics = import_module("ranx.metrics")
    run, path = spec.loader.exec_module, vars(ranx).pop("__path__")

    def asked(name: str) -> Any:
        if name.startswith("__") and name not in ("__path__", "__all__"):  # tools ask these of every module
            raise AttributeError(name)
        if vars(ranx).pop("__getattr__", None):
            vars(ranx)["__path__"] = path
            run(ranx)
        return getattr(ranx, name)

    vars(ranx)["__getattr__"] = asked
    return metrics

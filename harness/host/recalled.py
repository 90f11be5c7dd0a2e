"""Arrays that take long to compute and depend on nothing but their arguments: kept in the cache, found again there.

<cache>/statistics/<key>.npz; the key is of the arguments, of the code of the function's package and of the versions of
others, so that neither another table nor another version is answered with it. A cache that cannot be written or read
only costs time.
"""

import hashlib
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness.files import atomic_path
from harness.host.environment import versions
from harness.paths import cache_dir

T = TypeVar("T")


def recalled(made: Callable[[Iterable[np.ndarray]], T], function: Callable[..., Any], *arguments: Any) -> T:
    """`made` of the arrays that `function` gives with these arguments, computed once for all processes of a cache."""
    digest = hashlib.sha256(_code(function.__module__))
    for part in _parts([function.__qualname__, arguments]):
        digest.update(part)
    path = cache_dir() / "statistics" / f"{digest.hexdigest()[:32]}.npz"
    damaged = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile)
    with suppress(*damaged), np.load(path) as kept:
        return made([kept[f"arr_{at}"] for at in range(len(kept.files))])
    arrays = function(*arguments)
    arrays = [arrays] if isinstance(arrays, np.ndarray) else list(arrays)
    with suppress(OSError), atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, *arrays)
    return made(arrays)


@cache
def _code(module: str) -> bytes:
    """The sources of the package that a module is of, and the versions of what it may compute with."""
    folder = Path(sys.modules[module].__file__ or "").parent
    return b"".join([*(path.read_bytes() for path in sorted(folder.glob("*.py"))), repr(versions()).encode()])


def _parts(value: Any) -> Iterator[bytes]:
    """Everything in a value of arrays, numbers, texts, sequences and dataclasses, so that no two values are alike."""
    if isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape} ".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _parts(astuple(value))
    elif isinstance(value, list | tuple | range):
        yield f"{len(value)} [".encode()
        for one in value:
            yield from _parts(one)
    else:
        yield f"{value!r} ".encode()

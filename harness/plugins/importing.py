"""Importing what somebody else wrote: a single file as a module, and an ImportError as advice on what to install."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from harness.errors import BadInput, HarnessError

FILE_MODULE = "beir_harness_file_"  # what the module of a `file.py:Class` is called, before its name and hash
OURS = ("harness", "retrievers")
# Where the package to install has another name than the module to import.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "Stemmer": "PyStemmer",
    "bs4": "beautifulsoup4",
    "faiss": "faiss-cpu",
    "pytrec_eval": "pytrec-eval-terrier",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def load_file(path: Path, before: Callable[[Path, str], None] | None = None) -> ModuleType:
    """Run the file `path` as a module of its own name; the same bytes are run once, an edited file is another module.

    `sys.path` stays as it is: a file is the whole retriever, so that its hash, `__source_sha256__`, identifies it.
    `before` is called with the path and the sha256 of just the bytes that run then.
    Raises HarnessError: unreadable, not Python, something it imports is missing. What the code itself raises passes.
    """
    path = path.expanduser().resolve()
    try:
        source = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"cannot read {path}: {error.strerror}; the form is ./file.py:Class") from error
    digest = hashlib.sha256(source).hexdigest()
    name = f"{FILE_MODULE}{path.stem}_{hashlib.sha256(f'{path}:{digest}'.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    if before:
        before(path, digest)
    module = ModuleType(name)
    module.__file__, module.__dict__["__source_sha256__"] = str(path), digest
    with importing(path.name, folder=path.parent):
        code = compile(source, path, "exec", dont_inherit=True)  # not through the import system: it would cache by time
        sys.modules[name] = module  # before it runs, as dataclasses and pickle look their module up
        try:
            exec(code, module.__dict__)  # noqa: S102 - running the user's file is what was asked for
        except BaseException:
            del sys.modules[name]
            raise
    return module


@contextmanager
def importing(what: str, module: str = "", absent: str = "", folder: Path | None = None) -> Iterator[None]:
    """Turn an ImportError or SyntaxError of the code in `what` into a HarnessError that says what to do.

    `absent` is the cure if `module` itself is what is missing; `folder` is where a file's neighbours lie.
    """
    try:
        yield
    except SyntaxError as error:
        raise BadInput(error.filename or what, error.lineno, f"is not Python: {error.msg}") from error
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing and (module == missing or module.startswith(f"{missing}.")):
            raise HarnessError(f"{what}: there is no module {missing!r}; {absent}") from error
        if missing.partition(".")[0] in OURS:
            raise  # a bug of ours, or code for another version: the traceback says which
        if folder and missing and (folder / f"{missing.partition('.')[0]}.py").exists():
            cure = "a file is read alone; make both a package and name package.module:Class"
            raise HarnessError(f"{what} imports {missing}, the file beside it, but {cure}") from error
        raise HarnessError(f"{what} {advice(error)}") from error
    except ImportError as error:
        raise HarnessError(f"{what} cannot be imported: {error}") from error


def advice(error: ModuleNotFoundError) -> str:
    """What to install; a part that an installed package lacks means another version of that package."""
    if not error.name:
        return str(error)  # raised by hand, with advice of its own
    top = error.name.partition(".")[0]
    if top == error.name or importlib.util.find_spec(top) is None:
        return f"needs the package {top!r}, which is not installed: pip install {DISTRIBUTIONS.get(top, top)}"
    return f"needs {error.name!r}, which the installed {top} does not have; another version of {top} is needed"

"""The files that a retriever's code consists of, outside installed packages: its own and those that it imports.

Import statements are followed wherever they stand, so that the same files are found whatever has run so far. What is
imported by other means (importlib) is not seen.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.files import sha256, sha256_json
from harness.plugins.importing import OURS


def files(module: str) -> dict[str, Path]:
    """Name -> file of a loaded module and of all that it imports; packages with their `__init__`."""
    found: dict[str, Path] = {}
    left = [module]
    while left:
        name = left.pop()
        if name in found or (path := _file(name)) is None:
            continue
        found[name] = path
        left += _above(name)
        if path.suffix == ".py":
            left += _imported(name, path)
    return found


def digest(module: str) -> str | None:
    """Hex sha256 of the bytes that a loaded module was run from, or of these and what it imports; None without a file.

    What is installed with a version of its own is left out, but for the module itself.
    """
    loaded = sys.modules[module]
    if not loaded.__file__:
        return None
    own = str(vars(loaded).get("__source_sha256__") or sha256(Path(loaded.__file__)))
    others = {name: sha256(path) for name, path in files(module).items() if name != module and path.stat().st_size}
    return sha256_json([own, others]) if others else own


def place(top: str) -> list[str]:
    """Where Python finds a top-level module now: its file, or the folders of a package; empty for nowhere."""
    with suppress(ImportError, ValueError, AttributeError):
        if spec := importlib.util.find_spec(top):
            return [str(spec.origin), *(spec.submodule_search_locations or ())]
    return []


def _file(name: str) -> Path | None:
    """The file of a module that is neither Python's, nor ours, nor installed; None for all others and for none."""
    top = name.partition(".")[0]
    if top in OURS or top in sys.stdlib_module_names:
        return None
    known = getattr(sys.modules.get(name), "__file__", None)
    path = Path(known) if known else _beside(name)
    return None if path is None or any(part.endswith("-packages") for part in path.parts) else path


def _beside(name: str) -> Path | None:
    """As `_file`, of a module that was not imported; nothing is imported to find it."""
    top, *rest = name.split(".")
    origin, *folders = place(top) or [""]
    if not rest:
        return Path(origin) if origin.endswith(".py") else None
    places = (Path(folder, *rest) for folder in folders)
    tried = (path for place in places for path in (place / "__init__.py", place.with_suffix(".py")))
    return next((path for path in tried if path.is_file()), None)


def _above(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imported(name: str, path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):  # of a file that was not run, or has changed since
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)

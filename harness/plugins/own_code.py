"""The files that a retriever's code consists of, outside installed packages: its own and those that it imports.

Import statements are followed wherever they stand, and `import_module` of a name that stands there, so that the same
files are found whatever has run so far.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from harness.files import sha256, sha256_json
from harness.plugins import code_paths
from harness.plugins.importing import FILE_MODULE, OURS


def files(module: str) -> dict[str, Path]:
    """Name -> file of a loaded module and of all that it imports; packages with their `__init__`."""
    return {name: path for name, path in _reached(module).items() if path}


def absent(module: str) -> set[Path]:
    """Files that are not there, and would be imported by a loaded module or what it imports if they were."""
    tried = (path for name in _reached(module) for path in _before(name))
    return {path for path in tried if not path.exists()}


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


def _reached(module: str) -> dict[str, Path | None]:
    """Name -> file of a module and of all that it imports; None for what is not there, and where `_file` has none."""
    found: dict[str, Path | None] = {}
    left = [module]
    while left:
        name = left.pop()
        if name in found:
            continue
        found[name] = path = _file(name)
        if path:
            left += _above(name)
            if path.suffix == ".py":
                left += _imported(name, path)
    return found


def _before(name: str) -> Iterator[Path]:
    """The files in which Python looks for a module before it finds it, or all where it does not."""
    top, *rest = name.split(".")
    if top in OURS or top in sys.stdlib_module_names or name.startswith(FILE_MODULE) or not top:
        return
    origin, *folders = place(top) or [""]
    for folder in folders if rest else sys.path:
        named = Path(folder).absolute().joinpath(*(rest or [top]))
        for path in (named / "__init__.py", named.with_suffix(".py")):
            if not rest and str(path) == origin:
                return
            if "-packages" not in str(path):
                yield path


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
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _importing(code_paths.tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            continue
        named = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else _by_name(node)
        with suppress(ImportError):  # beyond the package, so nothing is imported
            base = importlib.util.resolve_name(named, package)
            yield base
            if isinstance(node, ast.ImportFrom):
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


@lru_cache(maxsize=64)
def _importing(code: ast.AST) -> list[ast.Import | ast.ImportFrom | ast.Call]:
    """The nodes that import something."""
    imports = (node for node in ast.walk(code) if isinstance(node, ast.Import | ast.ImportFrom | ast.Call))
    return [node for node in imports if not isinstance(node, ast.Call) or _by_name(node)]


def _by_name(call: ast.Call) -> str:
    """The module that `import_module("name")` or `__import__("name")` imports; empty for another call."""
    by_name = call.args and code_paths.last(call.func) in ("import_module", "__import__")
    return code_paths.text(call.args[0]) if by_name else ""

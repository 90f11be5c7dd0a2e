"""What a retriever's code reads beside itself: files and environment variables that it names in its text.

A path counts where something lies there: a text with an ending or a slash, in the working folder or beside the code,
and what stands behind a variable, `HERE / "prompts" / "query.txt"`, beside the code. What the same file of code writes
does not count. Names that only a run can tell are not seen: `fingerprint()` is for these.
"""

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from harness.plugins import code_variables, named_files
from harness.plugins.code_paths import paths, tree

PRODUCTS = {".log", ".lock", ".tmp", ".pid"}
NO_DATA = ("/proc/", "/sys/", "/dev/", "/run/")


def places(code: Iterable[Path]) -> dict[str, Path]:
    """Name -> file or folder, of all that these files of code name and that is there, but for themselves.

    Folders of too many files to be read are left out.
    """
    code = set(code)
    found: dict[str, Path] = {}
    for path in sorted(code):
        here = {name: one for name, one in _tried(path) if one not in code and one.exists()}
        written = (path.parent / name for name in paths(tree(path)).written)
        held = {parent for one in (*here.values(), *written) for parent in one.parents}  # a way to others is no end
        found |= {name: one for name, one in here.items() if one.is_file() or one not in held}
    return {name: one for name, one in found.items() if one.is_file() or named_files.content(one)}


def contents(code: Iterable[Path]) -> dict[str, str]:
    """Name -> hex sha256 of what is read; see `named_files.contents`."""
    return {name: named_files.content(one) for name, one in places(code).items()}


def absent(code: Iterable[Path]) -> set[Path]:
    """Where files would lie that the code names and that are not there."""
    return {one for path in code for _, one in _tried(path) if not one.exists()}


def environment(code: Iterable[Path]) -> dict[str, str | None]:
    """Variable that the code asks for -> hex sha256 of its value, None where it is not set; see `code_variables`."""
    return variables(sorted({name for path in code for name in code_variables.asked(tree(path))}))


def variables(names: Iterable[str]) -> dict[str, str | None]:
    """Variable -> hash of its value; the value itself may tell of this machine, and is written nowhere."""
    values = {name: os.environ.get(name) for name in names}
    return {name: None if value is None else sha256(os.fsencode(value)).hexdigest() for name, value in values.items()}


def _tried(path: Path) -> Iterator[tuple[str, Path]]:
    """Names in a file of code and where they may lie: in the working folder, and last, beside the code."""
    named = paths(tree(path))
    for folder, names in ((Path.cwd(), named.plain), (path.parent, named.plain | named.beside)):
        for one in map(Path, sorted(names - named.written)):
            hidden = any(part.startswith(".") for part in one.parts)
            if not hidden and one.suffix not in PRODUCTS and not str(one).startswith(NO_DATA):
                yield one.name if one.is_absolute() else str(one), folder / one

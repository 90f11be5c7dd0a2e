"""Versions of the files that outlive the program: an older one is read, a newer one is refused with the cure."""

from pathlib import Path
from typing import Any

from harness.errors import BadInput


def check(path: Path, found: Any, known: int) -> int:
    """`found`, the schema that the file `path` says it has, if it is a version from 1 to `known`; else BadInput."""
    if type(found) is not int or found < 1:
        raise BadInput(path, None, f"has no schema: {found!r} stands where its version should, a number from 1")
    if found > known:
        what = f"has schema {found}, this version reads up to {known}"
        raise BadInput(path, None, f"{what}; upgrade: pip install --upgrade beir-harness")
    return found

"""Tags: the names of systems, which are also names of folders and stand in every line of a run file."""

import hashlib
import json
import re
from pathlib import PurePath
from typing import Any

from harness.errors import HarnessError

LONGEST = 80
_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@,-]*")


def allowed(tag: str) -> bool:
    """Whether `tag` can be one of a system."""
    return bool(_ALLOWED.fullmatch(tag)) and ".." not in tag and len(tag) <= LONGEST


def check(tag: str) -> str:
    """`tag` itself; raises HarnessError where it could leave the results folder or break a run file."""
    if not allowed(tag):
        raise HarnessError(
            f"tag {tag!r}: use a letter or digit, then letters, digits and . _ + = @ , - ; no '..', "
            f"at most {LONGEST} characters"
        )
    return tag


def default(name: str, arguments: dict[str, Any]) -> str:
    """The tag of a system that was not given one: its name and the arguments that differ from their defaults.

    >>> default("bm25", {"k1": 0.82, "fields": "multifield"})
    'bm25-fields=multifield-k1=0.82'
    """
    full = "-".join([name, *(f"{key}={_short(arguments[key])}" for key in sorted(arguments))])
    tag = re.sub(r"[^A-Za-z0-9._+=@,-]+", "_", full).replace("..", "_").lstrip("._+=@,-") or "system"
    if len(tag) <= LONGEST:
        return tag
    digest = hashlib.sha256(full.encode()).hexdigest()[:8]
    return f"{tag[: LONGEST - 9]}-{digest}"


def tidy(name: str) -> str:
    """A name with a hyphen for what no tag can hold.

    >>> tidy("my run (v2)@1")
    'my-run-v2-@1'
    """
    return re.sub(r"[^A-Za-z0-9._+=@,-]+", "-", name).strip("-.")


def _short(value: Any) -> str:
    if isinstance(value, str):
        return PurePath(value).name or value
    return json.dumps(value, separators=(",", ":")).replace('"', "")

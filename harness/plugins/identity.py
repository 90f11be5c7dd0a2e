"""Whose class a retriever is: its name, place, distribution and version, or the hash of its source."""

import copy
import importlib.metadata
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from harness.plugins import own_code, reads
from harness.plugins.importing import FILE_MODULE, OURS

RETRIEVERS = "beir_harness.retrievers"
ADAPTERS = "beir_harness.adapters"


def points(group: str) -> list[EntryPoint]:
    """The entry points of a group by name; imports none of them."""
    return sorted(importlib.metadata.entry_points(group=group), key=lambda point: (point.name, point.value))


def identity_of(cls: type) -> dict[str, Any]:
    """Whose class this is, as JSON: `name` (fit for a tag), `class`, `distribution` and `version` (None outside one).

    Code outside an installed package has `source_sha256`, of its own files and those that it imports, so that an edited
    one is another retriever; an editable installation has it too. A class made by an adapter goes by the class it was
    made from, and says under `adapter` which function of which version made it.
    """
    return copy.deepcopy(_identity(cls))


def code_of(cls: type) -> set[Path]:
    """The files of its code, and of its adapter's, that are outside installed packages and not ours.

    With what these read, and with those that are not there and would be read or imported if they were.
    """
    code = _files(cls)
    missing = {path for one in _modules(cls) for path in own_code.absent(one)} | reads.absent(code)
    return code | missing | set(reads.places(code).values())


def read_by(cls: type) -> dict[str, dict[str, str]]:
    """What its code reads beside itself, by hashes: files under `reads`, variables under `environment`."""
    code = _files(cls)
    variables = {name: value for name, value in reads.environment(code).items() if value is not None}
    found = {"reads": reads.contents(code), "environment": variables}
    return {name: one for name, one in found.items() if one}


def environment_of(cls: type) -> dict[str, str | None]:
    """The environment variables that its code reads -> hash of their value, see `reads.environment`."""
    return reads.environment(_files(cls))


def found_at(identity: Mapping[str, Any]) -> list[str]:
    """Where Python finds the package of a class by its name now; empty for a file that was named by its path."""
    place = str(identity["class"]).partition(":")[0]
    return [] if place.endswith(".py") else own_code.place(place.partition(".")[0])


def _files(cls: type) -> set[Path]:
    return {path for one in _modules(cls) for path in own_code.files(one).values()}


def _modules(cls: type) -> set[str]:
    return {cls.__module__, vars(cls).get("adapted_from", cls).__module__}


@cache
def _identity(cls: type) -> dict[str, Any]:
    """Found once a process: it reads the metadata of every installed distribution."""
    origin = vars(cls).get("adapted_from", cls)
    module, label = origin.__module__, origin.__qualname__
    place, short = module, module.rpartition(".")[2]
    if module.startswith(FILE_MODULE):
        file = Path(sys.modules[module].__file__ or "")
        place, short = file.name, file.stem
    if short.replace("_", "").lower() != label.lower():
        short = f"{short}-{label}"
    installed = [point.name for point in points(RETRIEVERS) if point.value == f"{place}:{label}"]
    found = {"name": installed[0] if installed else short, "class": f"{place}:{label}", **_distribution(module)}
    if origin is not cls:
        function = vars(cls)["adapted_by"]
        found["adapter"] = {"function": function, **_distribution(function.partition(":")[0])}
    return found


@cache
def _owners() -> Mapping[str, list[str]]:
    """Top-level package -> distributions; reading every installed one takes longer than all else in a finished run."""
    return importlib.metadata.packages_distributions()


def _distribution(module: str) -> dict[str, Any]:
    """Distribution and version that `module` belongs to; outside one, or in an editable one, the hash of its code."""
    top = module.partition(".")[0]
    for point in points(RETRIEVERS) + points(ADAPTERS):  # first, as an editable install lists no files
        if point.dist and point.module.partition(".")[0] == top:
            found = {"distribution": point.dist.name, "version": point.dist.version}
            own = top not in OURS and _editable(point.dist)
            return found | ({"source_sha256": own_code.digest(module)} if own else {})
    if not module.startswith(FILE_MODULE) and (owners := _owners().get(top)):
        return {"distribution": owners[0], "version": importlib.metadata.version(owners[0])}
    return {"distribution": None, "version": None, "source_sha256": own_code.digest(module)}


def _editable(dist: importlib.metadata.Distribution) -> bool:
    """Whether it is installed as a folder that is being worked on, so that its version says nothing of its code."""
    with suppress(OSError, ValueError, AttributeError):
        about = json.loads(dist.read_text("direct_url.json") or "{}")
        return bool(about.get("dir_info", {}).get("editable"))
    return False

"""Whose class a retriever is: its name, place, distribution and version, or the hash of its source."""

import copy
import importlib.metadata
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from harness.files import sha256
from harness.plugins.importing import FILE_MODULE

RETRIEVERS = "beir_harness.retrievers"
ADAPTERS = "beir_harness.adapters"


def points(group: str) -> list[EntryPoint]:
    """The entry points of a group by name; imports none of them."""
    return sorted(importlib.metadata.entry_points(group=group), key=lambda point: (point.name, point.value))


def identity_of(cls: type) -> dict[str, Any]:
    """Whose class this is, as JSON: `name` (fit for a tag), `class`, `distribution` and `version` (None outside one).

    Code outside an installed package has `source_sha256`, so that an edited file is another retriever. A class made by
    an adapter goes by the class it was made from, and says under `adapter` which function of which version made it.
    """
    return copy.deepcopy(_identity(cls))


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
    """Distribution and version that `module` belongs to; outside a distribution, the hash of its source."""
    top = module.partition(".")[0]
    for point in points(RETRIEVERS) + points(ADAPTERS):  # first, as an editable install lists no files
        if point.dist and point.module.partition(".")[0] == top:
            return {"distribution": point.dist.name, "version": point.dist.version}
    if not module.startswith(FILE_MODULE) and (owners := _owners().get(top)):
        return {"distribution": owners[0], "version": importlib.metadata.version(owners[0])}
    loaded = sys.modules[module]
    digest = vars(loaded).get("__source_sha256__") or (sha256(Path(loaded.__file__)) if loaded.__file__ else None)
    return {"distribution": None, "version": None, "source_sha256": digest}

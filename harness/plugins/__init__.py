"""Retrievers by name: an entry point, `package.module:Class`, or `./file.py:Class`.

This module knows no retriever. Built-ins come through the same entry points as everybody's; listing them imports
nothing, finding one imports its module and nothing else. A class that is no retriever but something known (an encoder,
say) becomes one through an adapter: an entry point too, a function `adapter(cls) -> retriever class or None`.
"""

import copy
import importlib
import importlib.metadata
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError, unknown
from harness.files import sha256
from harness.plugins import constructor, trust
from harness.plugins.importing import FILE_MODULE, advice, importing, load_file
from harness.retriever import Retriever

RETRIEVERS = "beir_harness.retrievers"
ADAPTERS = "beir_harness.adapters"
METHODS = ("index", "load", "search")


def names() -> dict[str, str]:
    """Every installed retriever: name -> `module:Class`, by name. Imports none of them."""
    return {point.name: point.value for point in _points(RETRIEVERS)}


def find(spec: str) -> type:
    """The retriever class that `spec` names: an installed name, `package.module:Class` or `./file.py:Class`.

    Raises HarnessError: unknown name (with the nearest), missing file, module, class or dependency (with what to
    install), or a class that is no retriever. An exception of the plugin's own code passes through as it is. That a
    file is code is said on stderr before it first runs.
    """
    place, colon, attribute = spec.rpartition(":")
    if not colon:
        return _as_retriever(_load_point(spec))
    if place.endswith(".py") or "/" in place:
        return _as_retriever(_attribute(load_file(Path(place), trust.tell), attribute, place))
    file = f"./{place.replace('.', '/')}.py:{attribute}"
    with importing(spec, place, f"install the package that has it, or name a file: {file}"):
        module = importlib.import_module(place)
    return _as_retriever(_attribute(module, attribute, place))


def make(spec: str | type, arguments: Mapping[str, Any]) -> Retriever:
    """A retriever ready for `index` or `load`; the arguments are checked first, see `constructor.checked`."""
    cls = find(spec) if isinstance(spec, str) else spec
    ready = constructor.checked(cls, arguments)
    try:
        return cls(**ready)  # type: ignore[no-any-return]
    except (ValueError, OSError, ImportError, RuntimeError) as error:  # what a plugin raises when the user can mend it
        what = advice(error) if isinstance(error, ModuleNotFoundError) else str(error)
        raise HarnessError(f"{identity(cls)['name']}: {what}") from error


def arguments(cls: type) -> dict[str, Any]:
    """The constructor's arguments with their defaults."""
    return constructor.defaults(cls)


def runtime(cls: type) -> frozenset[str]:
    """The arguments that change speed and never the ranking."""
    return frozenset(getattr(cls, "runtime", ()))


def content(cls: type) -> frozenset[str]:
    """The arguments that only say where that is whose hash `fingerprint()` has."""
    return frozenset(getattr(cls, "content", ())) if hasattr(cls, "fingerprint") else frozenset()


def shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as others may see them: the path of a file or folder of this machine by its last part."""
    return {name: _short(value) for name, value in arguments.items()}


def _short(value: Any) -> Any:
    if not isinstance(value, str) or "/" not in value.strip("/"):
        return value
    try:
        there = Path(value).expanduser().exists()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return value
    return Path(value).name if there else value


def inputs(cls: type, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags of the systems whose runs the class needs with these arguments, defaults included; makes no instance."""
    offered = getattr(cls, "inputs", None)
    return tuple(offered(arguments) if callable(offered) else getattr(cls, "requires", ()))


def identity(cls: type) -> dict[str, Any]:
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
    installed = [point.name for point in _points(RETRIEVERS) if point.value == f"{place}:{label}"]
    found = {"name": installed[0] if installed else short, "class": f"{place}:{label}", **_distribution(module)}
    if origin is not cls:
        function = vars(cls)["adapted_by"]
        found["adapter"] = {"function": function, **_distribution(function.partition(":")[0])}
    return found


def _points(group: str) -> list[EntryPoint]:
    return sorted(importlib.metadata.entry_points(group=group), key=lambda point: (point.name, point.value))


def _load_point(name: str) -> type:
    if name.endswith(".py"):
        example = Path(name).stem.title().replace("_", "")
        raise HarnessError(f"{name} names a file; name its class too: {name}:{example}")
    points = [point for point in _points(RETRIEVERS) if point.name == name]
    if not points:
        raise unknown("retriever", name, names())
    if len({point.value for point in points}) > 1:
        rivals = " and ".join(f"{_owner(point)} ({point.value})" for point in points)
        raise HarnessError(f"retriever {name!r} is offered by {rivals}; name one of them: package.module:Class")
    point = points[0]
    with importing(name, point.module, f"{_owner(point)} is not whole: install it again"):
        module = importlib.import_module(point.module)
    return _attribute(module, point.attr, point.module)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "the package that offers it"


def _attribute(module: ModuleType, attribute: str, place: str) -> type:
    cls = getattr(module, attribute, None)
    if cls is None:
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        raise unknown(f"class of {place}", attribute, own)
    if not isinstance(cls, type):
        raise HarnessError(f"{place}:{attribute} is no class; name the class, its arguments come with --set")
    return cls


@cache
def _as_retriever(cls: type) -> type:
    """`cls` itself if it has the three methods, else what the first adapter that knows it makes of it."""
    missing = [method for method in METHODS if not callable(getattr(cls, method, None))]
    if not missing:
        return cls
    for point in _points(ADAPTERS):
        with importing(f"{cls.__name__} is no retriever by itself; the adapter {point.name!r}"):
            adapter = point.load()
        try:
            adapted = adapter(cls)
        except (TypeError, ValueError) as error:  # how an adapter says what is wrong with a class of its kind
            raise HarnessError(f"{cls.__name__}: {error}") from error
        if adapted is not None:
            adapted.adapted_from, adapted.adapted_by = cls, point.value
            return adapted  # type: ignore[no-any-return]
    raise HarnessError(
        f"{cls.__name__} is no retriever: it has no {' and no '.join(missing)}; "
        "a retriever has index, load and search, an encoder has encode_queries and encode_docs"
    )


@cache
def _owners() -> Mapping[str, list[str]]:
    """Top-level package -> distributions; reading every installed one takes longer than all else in a finished run."""
    return importlib.metadata.packages_distributions()


def _distribution(module: str) -> dict[str, Any]:
    """Distribution and version that `module` belongs to; outside a distribution, the hash of its source."""
    top = module.partition(".")[0]
    for point in _points(RETRIEVERS) + _points(ADAPTERS):  # first, as an editable install lists no files
        if point.dist and point.module.partition(".")[0] == top:
            return {"distribution": point.dist.name, "version": point.dist.version}
    if not module.startswith(FILE_MODULE) and (owners := _owners().get(top)):
        return {"distribution": owners[0], "version": importlib.metadata.version(owners[0])}
    loaded = sys.modules[module]
    digest = vars(loaded).get("__source_sha256__") or (sha256(Path(loaded.__file__)) if loaded.__file__ else None)
    return {"distribution": None, "version": None, "source_sha256": digest}

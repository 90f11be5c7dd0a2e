"""Retrievers by name: an entry point, `package.module:Class`, or `./file.py:Class`.

This module knows no retriever. Built-ins come through the same entry points as everybody's; listing them imports
nothing, finding one imports its module and nothing else. A class that is no retriever but something known (an encoder,
say) becomes one through an adapter: an entry point too, a function `adapter(cls) -> retriever class or None`.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError, unknown
from harness.plugins import constructor, trust
from harness.plugins.identity import ADAPTERS, RETRIEVERS, found_at, points
from harness.plugins.importing import advice, importing, load_file
from harness.plugins.plugin import Plugin, describe
from harness.plugins.reads import variables
from harness.retriever import Retriever

__all__ = ["Plugin", "describe", "find", "found_at", "make", "names", "shown", "variables"]

METHODS = ("index", "load", "search")


def names() -> dict[str, str]:
    """Every installed retriever: name -> `module:Class`, by name. Imports none of them."""
    return {point.name: point.value for point in points(RETRIEVERS)}


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
        raise HarnessError(f"{describe(cls).name}: {what}") from error


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


def _load_point(name: str) -> type:
    if name.endswith(".py"):
        example = Path(name).stem.title().replace("_", "")
        raise HarnessError(f"{name} names a file; name its class too: {name}:{example}")
    found = [point for point in points(RETRIEVERS) if point.name == name]
    if not found:
        raise unknown("retriever", name, names())
    if len({point.value for point in found}) > 1:
        rivals = " and ".join(f"{_owner(point)} ({point.value})" for point in found)
        raise HarnessError(f"retriever {name!r} is offered by {rivals}; name one of them: package.module:Class")
    point = found[0]
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
    for point in points(ADAPTERS):
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

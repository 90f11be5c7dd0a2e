"""A retriever's arguments: read from `name=value`, checked against its constructor, before anything slow starts.

The constructor's signature is the only description of them: its annotations say the types, its defaults the rest.
"""

import inspect
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from harness.errors import HarnessError, unknown

SCALARS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "null"}


class _Misfit(Exception):
    """A value that an annotation does not admit."""


def defaults(cls: type) -> dict[str, Any]:
    """The arguments that have a default, in the order of the constructor."""
    return {name: p.default for name, p in _parameters(cls).items() if p.default is not p.empty}


def required(cls: type) -> list[str]:
    """The arguments without a default; the contract asks that there be none."""
    return [name for name, p in _parameters(cls).items() if p.default is p.empty]


def parse(cls: type, pairs: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` pairs of the command line: the value as JSON where it is JSON, else as text.

    Text that happens to be JSON stays text where the argument takes only text (`revision=123`).
    Raises HarnessError for a pair without `=` and for a name given twice.
    """
    hints, values = _annotations(cls), dict[str, Any]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise HarnessError(f"{pair!r} sets nothing; write name=value, for example k1=0.9")
        if name in values:
            raise HarnessError(f"argument {name!r} is set twice; keep one")
        try:
            value = json.loads(text)
            values[name] = _fitted(hints.get(name, Any), value)
        except ValueError:
            values[name] = text
        except _Misfit:
            values[name] = text if _takes(hints[name], text) else value
    return values


def checked(cls: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the constructor should get them: names known, types right, the same after a trip through JSON.

    A whole number given for a float becomes a float, so that k1=1 and k1=1.0 are one configuration.
    Raises HarnessError with the nearest known name, or with the types that the argument takes.
    """
    known, hints = _parameters(cls), _annotations(cls)
    for name in arguments:
        if name not in known:
            if not known:
                raise HarnessError(f"{cls.__name__} takes no arguments, so {name!r} cannot be set")
            raise unknown(f"argument of {cls.__name__}", name, known)
    if missing := [name for name in required(cls) if name not in arguments]:
        raise HarnessError(f"{cls.__name__} needs {' and '.join(missing)}; add --set {missing[0]}=…")
    fitted = {}
    for name, value in arguments.items():
        try:
            fitted[name] = _fitted(hints[name], value)
        except _Misfit:
            raise HarnessError(_complaint(cls, name, hints[name], value)) from None
        if not survives_json(value):
            raise HarnessError(f"argument {name!r} of {cls.__name__} is {value!r}, which JSON cannot carry")
    return fitted


def survives_json(value: Any) -> bool:
    """Whether `value` comes back from JSON equal and of the same types (a tuple, NaN, or an int key does not)."""
    try:
        return repr(json.loads(json.dumps(value, allow_nan=False))) == repr(value)
    except (TypeError, ValueError, RecursionError):
        return False


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The named parameters of the constructor; `*args` and `**kwargs` name nothing, so nothing is set through them."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    try:
        signature = inspect.signature(cls, eval_str=True)
    except (NameError, AttributeError):  # annotated with a name that exists only for type checkers
        signature = inspect.signature(cls)
    return {name: p for name, p in signature.parameters.items() if p.kind in kinds}


def _annotations(cls: type) -> dict[str, Any]:
    """The type of every argument: its annotation, else the type of its default, else anything."""
    found = {}
    for name, parameter in _parameters(cls).items():
        found[name] = parameter.annotation
        if parameter.annotation is parameter.empty or isinstance(parameter.annotation, str):
            found[name] = Any if parameter.default in (parameter.empty, None) else type(parameter.default)
    return found


def _fitted(annotation: Any, value: Any) -> Any:
    """`value` as `annotation` wants it. Raises _Misfit. Annotations of other kinds than JSON's admit everything."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _fitted(inner[0], value)
    if origin in (Union, UnionType):
        for option in sorted(inner, key=lambda option: option is float):  # float last: a whole number stays whole
            if _takes(option, value):
                return _fitted(option, value)
        raise _Misfit
    if origin is Literal:
        if any(type(value) is type(option) and value == option for option in inner):
            return value
        raise _Misfit
    if annotation is None or annotation in SCALARS:
        if annotation is float and type(value) is int:
            return float(value)
        if type(value) is not (annotation or NoneType):
            raise _Misfit
        return value
    kind = origin or annotation
    if isinstance(kind, type) and kind is not object and issubclass(kind, Mapping):
        if not isinstance(value, dict):
            raise _Misfit
        return {_fitted(inner[0], k): _fitted(inner[1], v) for k, v in value.items()} if inner else value
    if isinstance(kind, type) and kind is not object and issubclass(kind, Iterable):
        if not isinstance(value, list):
            raise _Misfit
        return [_fitted(inner[0], v) for v in value] if inner else value
    return value


def _takes(annotation: Any, value: Any) -> bool:
    try:
        _fitted(annotation, value)
    except _Misfit:
        return False
    return True


def _complaint(cls: type, name: str, annotation: Any, value: Any) -> str:
    near = get_close_matches(str(value), [str(option) for option in _choices(annotation)], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    given = json.dumps(value, ensure_ascii=False, default=repr)
    return f"argument {name!r} of {cls.__name__} takes {_in_words(annotation)}, not {given}{hint}"


def _choices(annotation: Any) -> list[Any]:
    inner = get_args(annotation)
    return list(inner) if get_origin(annotation) is Literal else [c for option in inner for c in _choices(option)]


def _in_words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(map(_in_words, inner))
    if origin is Literal:
        return " or ".join(map(json.dumps, inner))
    if origin is Annotated:
        return _in_words(inner[0])
    if annotation is None or annotation in SCALARS:
        return SCALARS[annotation or NoneType]
    kind = origin or annotation
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return "a JSON object"
    return f"a list of ({_in_words(inner[0])})" if inner else "a list"

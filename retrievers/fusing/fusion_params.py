"""The parameters of a fusion method: what its function takes, checked before anything is fused."""

import inspect
import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np

from retrievers.fusing.fusion_methods import METHODS, Pool

RANGES = {"k": (0, math.inf), "phi": (0, 1), "sigma": (0, 1), "w": (0, math.inf)}  # both ends included
Fuse = Callable[[Pool], np.ndarray]


def prepare(method: str, params: Mapping[str, Any], systems: int) -> Fuse:
    """The method with its parameters bound: a function from a Pool to the fused scores (C,).

    Raises ValueError for an unknown method or parameter (the nearest is suggested), a missing one, or a value of the
    wrong kind: a number in its range, one number a system, or one list of numbers a system.
    """
    function = METHODS[known("fusion method", method, METHODS)]
    takes = dict(list(inspect.signature(function).parameters.items())[1:])
    for name, value in params.items():
        if not takes:
            raise ValueError(f"method {method} takes no params, so {name!r} cannot be set")
        parameter = takes[known(f"parameter of {method}", name, takes)]
        _check(name, value, parameter.annotation, systems)
    missing = [name for name, parameter in takes.items() if name not in params and parameter.default is parameter.empty]
    if missing:
        names = " and ".join(missing)
        raise ValueError(
            f"method {method} needs params with {names}; `beir-harness tune fusion` finds them on a train split"
        )
    return partial(function, **params)


def known(kind: str, name: str, names: Mapping[str, Any]) -> str:
    """`name` itself; raises ValueError with the nearest of `names` where it is none of them."""
    if name in names:
        return name
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    raise ValueError(
        f"unknown {kind} {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}")
    )


def _check(name: str, value: Any, annotation: Any, systems: int) -> None:
    def number(item: Any) -> bool:
        return type(item) in (int, float) and math.isfinite(item)

    if annotation in (int, float):
        low, high = RANGES.get(name, (-math.inf, math.inf))
        fits = number(value) and low <= value <= high and (annotation is float or type(value) is int)
        wanted = f"a {'whole ' * (annotation is int)}number" + (f" from {low} to {high}" if name in RANGES else "")
    elif annotation == list[float]:
        fits = isinstance(value, list) and len(value) == systems and all(map(number, value))
        wanted = f"a list of {systems} numbers, one a system"
    else:
        fits = (
            isinstance(value, list)
            and len(value) == systems
            and all(isinstance(row, list) and row and all(map(number, row)) for row in value)
        )
        wanted = f"a list of {systems} lists of numbers, one a system"
    if not fits:
        shown = repr(value) if len(repr(value)) < 60 else f"{repr(value)[:60]}…"
        raise ValueError(f"parameter {name!r} is {wanted}, not {shown}")

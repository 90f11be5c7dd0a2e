"""A retriever class for a class that is less: an encoder, a scorer of pairs. Its arguments are those of both."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Parameters = Mapping[str, inspect.Parameter]


def named_parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The parameters of a constructor. Raises TypeError for one that takes *args or **kwargs."""
    parameters = dict(inspect.signature(cls, eval_str=True).parameters)
    if positional := [name for name, p in parameters.items() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]:
        raise TypeError(f"{cls.__name__} takes *{positional[0]}: name its arguments, so that they can be recorded")
    return parameters


def made_for(
    cls: type, base: type, make: Callable[..., Any], theirs: Parameters, without: Sequence[str] = ()
) -> type[Any]:
    """The retriever class that stands for `cls`: a `base` around what `make` gives of the arguments `theirs`.

    The first argument of `base` is that, and `base.refuse(cls, arguments)`, where it is offered, raises
    what can be said before it is made; `without` names further ones that the class has not. An argument that both
    have (`device`, say) goes to both, with the default of `cls`; one that `base` uses in search alone is then lost, as
    the class may mean another thing by it (`dim`, say). `runtime`, `search_only` and `content` are added up.
    """
    ours = dict(list(inspect.signature(base).parameters.items())[1:])
    lost = {name for name in getattr(base, "search_only", ()) if name in theirs} | set(without)
    ours = {name: p for name, p in ours.items() if name not in lost}
    merged = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in {**ours, **theirs}.values()]
    signature = inspect.Signature(sorted(merged, key=lambda p: p.default is not p.empty))

    def names(attribute: str) -> frozenset[str]:
        return frozenset(getattr(base, attribute, ())) - lost | frozenset(getattr(cls, attribute, ()))

    class Made(base):  # type: ignore[misc, valid-type]
        runtime, search_only, content = names("runtime"), names("search_only"), names("content")

        def __init__(self, **arguments: Any) -> None:
            given = signature.bind(**arguments)
            given.apply_defaults()
            if hasattr(base, "refuse"):  # before `make`, which may load a model
                base.refuse(cls, {name: one for name, one in given.arguments.items() if name not in lost})
            inner = make(**{name: value for name, value in given.arguments.items() if name in theirs})
            super().__init__(inner, **{name: value for name, value in given.arguments.items() if name in ours})
            left_out = self.runtime | self.search_only | self.content
            self.shaping = {name: value for name, value in given.arguments.items() if name not in left_out}

    Made.__signature__ = signature  # type: ignore[attr-defined]
    Made.__name__, Made.__qualname__ = cls.__name__, cls.__qualname__
    Made.__module__, Made.__doc__ = cls.__module__, cls.__doc__
    return Made

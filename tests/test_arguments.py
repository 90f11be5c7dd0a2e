"""Arguments as tables: what is read from name=value, what fits an annotation, what is refused and how it says so."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.plugins import constructor as arguments


class Every:
    def __init__(
        self,
        whole: int = 1,
        real: float = 0.5,
        flag: bool = False,
        text: str = "a",
        fields: Literal["flat", "multifield"] = "flat",
        maybe: float | None = None,
        either: int | float | str = 1,
        words: list[str] = [],  # noqa: B006
        table: dict[str, float] = {},  # noqa: B006
        free=0.5,
        noted: Annotated[int, "a note"] = 3,
        late: "int" = 4,
        anything: Any = None,
    ): ...


class Inherits(Every): ...


class Needs:
    def __init__(self, model: str, *rest: int, dim: int = 2, **options: int): ...


class Plain: ...


GOOD = [
    ("whole=3", {"whole": 3}),
    ("real=2", {"real": 2.0}),
    ("real=1e-3", {"real": 0.001}),
    ("flag=true", {"flag": True}),
    ("text=hello world", {"text": "hello world"}),
    ("text=123", {"text": "123"}),
    ("text=null", {"text": "null"}),
    ('text="quoted"', {"text": "quoted"}),
    ("text=a=b", {"text": "a=b"}),
    ("text=", {"text": ""}),
    ("fields=multifield", {"fields": "multifield"}),
    ("maybe=null", {"maybe": None}),
    ("maybe=3", {"maybe": 3.0}),
    ("either=3", {"either": 3}),
    ("either=3.0", {"either": 3.0}),
    ('words=["a", "b"]', {"words": ["a", "b"]}),
    ('table={"a": 1}', {"table": {"a": 1.0}}),
    ("free=1", {"free": 1.0}),
    ("noted=5", {"noted": 5}),
    ("late=5", {"late": 5}),
    ("anything=[1]", {"anything": [1]}),
]
BAD = [
    ("whole=3.0", "'whole' of Every takes a whole number, not 3.0"),
    ("whole=true", "takes a whole number, not true"),
    ("whole=three", 'takes a whole number, not "three"'),
    ("real=true", "takes a number, not true"),
    ("flag=1", "takes true or false, not 1"),
    ("flag=yes", 'takes true or false, not "yes"'),
    ("fields=multfield", 'takes "flat" or "multifield", not "multfield"; did you mean \'multifield\''),
    ("maybe=x", 'takes a number or null, not "x"'),
    ("words=a", 'takes a list of (text), not "a"'),
    ("words=[1]", "takes a list of (text), not [1]"),
    ("table=[1]", "takes a JSON object, not [1]"),
    ("late=x", "takes a whole number"),
    ("real=NaN", "JSON cannot carry"),
    ("anything=Infinity", "JSON cannot carry"),
    ("wohle=3", "unknown argument of Every 'wohle'; did you mean 'whole'"),
    ("whole", "write name=value"),
    ("=3", "write name=value"),
]


@pytest.mark.parametrize("cls", [Every, Inherits])
@pytest.mark.parametrize(("pair", "expected"), GOOD)
def test_a_pair_is_read_as_its_argument_wants_it(cls, pair, expected):
    found = arguments.checked(cls, arguments.parse(cls, [pair]))
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(("pair", "message"), BAD)
def test_a_pair_that_does_not_fit_says_what_would(pair, message):
    with pytest.raises(HarnessError) as caught:
        arguments.checked(Every, arguments.parse(Every, [pair]))
    assert message in str(caught.value)


def test_an_argument_is_set_once():
    with pytest.raises(HarnessError, match="'whole' is set twice"):
        arguments.parse(Every, ["whole=1", "whole=2"])


def test_defaults_and_required():
    assert arguments.defaults(Needs) == {"dim": 2} and arguments.required(Needs) == ["model"]
    assert arguments.defaults(Every)["fields"] == "flat"
    with pytest.raises(HarnessError, match="Needs needs model; add --set model="):
        arguments.checked(Needs, {})
    with pytest.raises(HarnessError, match="did you mean 'dim'"):
        arguments.checked(Needs, {"model": "m", "dmi": 3})  # **options does not make a slip of the pen an argument
    with pytest.raises(HarnessError, match="Plain takes no arguments"):
        arguments.checked(Plain, {"a": 1})


CARRIED = [1, 1.0, [1, "a", None], {"a": [True]}]
LOST = [(1,), {1: 2}, float("nan"), float("inf"), b"x", {1, 2}, object()]


@pytest.mark.parametrize(("value", "survives"), [(v, True) for v in CARRIED] + [(v, False) for v in LOST])
def test_what_survives_json(value, survives):
    assert arguments.survives_json(value) is survives


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_checking_twice_changes_nothing_more(value):
    once = arguments.checked(Every, {"anything": value})
    assert repr(arguments.checked(Every, once)) == repr(once) == repr({"anything": value})


@given(JSON, st.sampled_from(["whole", "real", "flag", "text", "fields", "maybe", "words", "table"]))
def test_a_value_fits_or_is_an_error_for_the_user(value, name):
    try:
        fitted = arguments.checked(Every, {name: value})[name]
    except HarnessError:
        return
    assert fitted == value and arguments.survives_json(fitted)

"""Tags name folders and stand in run files, so they can be neither a path nor two words."""

from typing import Any

import pytest

from harness.errors import HarnessError
from harness.results import tags


@pytest.mark.parametrize("tag", ["bm25", "bm25-k1=0.82", "a", "RetroMAE_BEIR", "x@2,y+z"])
def test_accepts(tag: str) -> None:
    assert tags.check(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", ".", "..", "../x", "a/b", "a\\b", "a b", "a\tb", "-x", ".x", "a..b", "é", "a\0", "a\n", "x" * 81]
)
def test_refuses(tag: str) -> None:
    with pytest.raises(HarnessError, match="tag"):
        tags.check(tag)


@pytest.mark.parametrize(
    ("name", "arguments", "tag"),
    [
        ("bm25", {}, "bm25"),
        ("bm25", {"k1": 0.82, "fields": "multifield"}, "bm25-fields=multifield-k1=0.82"),
        ("dupmae", {"checkpoint": "./deep/my-dupmae"}, "dupmae-checkpoint=my-dupmae"),
        ("fusion", {"systems": ["bm25", "x"]}, "fusion-systems=_bm25,x_"),
        ("./deep/mine.py", {}, "deep_mine.py"),
        ("..", {}, "system"),
    ],
)
def test_default_tags_say_what_differs(name: str, arguments: dict[str, Any], tag: str) -> None:
    made = tags.default(name, arguments)
    assert made == tag
    assert tags.check(made) == made


def test_long_default_tags_stay_distinct() -> None:
    one, other = (tags.default("x", {"prompt": "p" * 200 + end}) for end in "ab")
    assert one != other
    assert tags.check(one) == one

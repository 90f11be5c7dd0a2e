"""Published figures, `reference.csv`, as rows.

dataset    our name of it, or of a group: then the figure is the mean over its members
system     what the source calls it
retriever  the plugin's name; empty where the model alone says it
arguments  name=value, all of which a result must have; alternatives are separated by |. `model=` may be the value of
           any argument of the result, and its owner may be left out
measure    ranx string
value      as printed; kept as text, as its digits say how exact it is
kind       figure: to be reproduced · context: another program or no released checkpoint, only shown ·
           other-corpus: not comparable, see the note · trap: what a known mistake gives, for the diagnosis
note       what to know when a result differs
source     where it was published
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).with_name("reference.csv")
KINDS = ("figure", "context", "other-corpus", "trap")


class Figure(NamedTuple):
    """One published figure; the columns are explained above."""

    dataset: str
    system: str
    retriever: str
    arguments: str
    measure: str
    printed: str
    kind: str
    note: str
    source: str

    @property
    def value(self) -> float:
        return float(self.printed)

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit: how far the true value may be off."""
        return 0.5 * 10.0 ** -len(self.printed.partition(".")[2])


@cache
def figures() -> tuple[Figure, ...]:
    """Every row of the table, in its order."""
    with open(TABLE, encoding="utf-8", newline="") as file:
        return tuple(Figure(*row.values()) for row in csv.DictReader(file))


def is_of(figure: Figure, retriever: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the figure belongs to a retriever of this name with all these arguments, defaults included."""
    if figure.retriever and figure.retriever != retriever:
        return False
    for pair in figure.arguments.split():
        name, _, wanted = pair.partition("=")
        values = list(arguments.values()) if name == "model" else [arguments[name]] if name in arguments else []
        if not any(_equal(option, value) for option in wanted.split("|") for value in values):
            return False
    return True


def _equal(wanted: str, value: Any) -> bool:
    if isinstance(value, str):
        return value == wanted or ("/" in wanted and value.rstrip("/").rpartition("/")[2] == wanted.rpartition("/")[2])
    try:
        return not isinstance(value, bool) and float(wanted) == value
    except ValueError:
        return False

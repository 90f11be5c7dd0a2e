"""The small signs beside a number that say which differences are significant."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

BETTER, WORSE, LEVEL, SHALLOW, SAME, HOLES = "†", "‡", "°", "§", "≈", "¶"
LETTERS = "abcdefghijklmnoprstuvwxyz"  # no q: Unicode's superscript q is missing from most fonts
_SUPERSCRIPT = str.maketrans(
    LETTERS + "0123456789-",
    "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ" + "⁰¹²³⁴⁵⁶⁷⁸⁹⁻",
)


def keys(count: int) -> list[str]:
    """A short name for each of `count` systems: letters while they last, else the numbers from 1."""
    return list(LETTERS[:count]) if count <= len(LETTERS) else [str(number) for number in range(1, count + 1)]


def joined(chosen: Iterable[int], names: Sequence[str]) -> str:
    """The names at the places `chosen` as one mark: letters side by side, numbers with ranges.

    >>> joined([0, 2], ["a", "b", "c"]), joined([0, 1, 2, 6], [str(n) for n in range(1, 31)])
    ('ac', '1-3,7')
    """
    places = sorted(chosen)
    if len(names) <= len(LETTERS):
        return "".join(names[place] for place in places)
    starts = [place for before, place in pairwise([-2, *places]) if place != before + 1]
    ends = [place for place, after in pairwise([*places, len(names) + 1]) if after != place + 1]
    return ",".join(
        names[first] if first == last else f"{names[first]}-{names[last]}"
        for first, last in zip(starts, ends, strict=True)
    )


def superscript(mark: str) -> str:
    """A mark in Unicode's superscript characters; what has none stays as it is."""
    return mark.translate(_SUPERSCRIPT)

"""Cells in LaTeX, and how wide TeX will set them."""

import re
import unicodedata

from harness.views.tables.grid import Text

_ESCAPES = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "–": "--",
        "−": "$-$",
        "†": r"$\dagger$",
        "‡": r"$\ddagger$",
        "°": r"$\circ$",
        "§": r"\S{}",
        "²": r"\textsuperscript{2}",
        "χ": r"$\chi$",
        "≤": r"$\leq$",
        "≈": r"$\approx$",
        "¶": r"\P{}",
        "√": r"$\surd$",
    }
)
KNOWN = {sign for sign in map(chr, _ESCAPES) if sign > "~"} | set("’‘“”…—€™‰№•")
KNOWN |= set("ƒǄǅǆǇǈǉǊǋǌǍǎǏǐǑǒǓǔǢǣǦǧǨǩǰǴǵȘșȚțȲȳȷḂḃḍḞḟḠḡḥḰḱḷṃṅṇṛṣṭẎẏẐẑẞỲỳ")  # LaTeX composes them
_MISSING = set("ĦħĸĿŀŉŦŧſ")  # of Latin-1 and Latin Extended-A, in any encoding
_IN_T1 = set("«»‹›‚„ÐÞðþĄąĐđĘęĮįŊŋŲųǪǫ")  # of Latin, and in LaTeX's encoding T1 alone
MINUS = re.compile(r"(?<![\w.-])-(?=\.?\d)")
POWER = re.compile(r"(?<![\w.-])(\d(?:\.\d+)?)e([+-]\d+)(?![\w.])")
# Computer Modern Roman, in thousandths of the size; Libertine and Times are narrower
_WIDTHS = {"m": 833, "w": 722, "i": 278, "l": 278, "j": 306, "f": 306, "t": 389, "r": 392, "s": 394, "c": 444, "e": 444}
_WIDTHS |= dict.fromkeys("0123456789agovyxz†‡–_", 528) | dict.fromkeys(".,: ", 333) | dict.fromkeys("-[]()", 389)
_WIDTHS |= {"M": 917, "W": 1028, "I": 361}
_SMALL = {10: 1.0, 9: 1.028, 8: 1.063, 7: 1.139, 6: 1.222, 5: 1.361}  # the smaller a Computer Modern, the wider
_BOLD = 1.15
RAISED = {10: 7, 9: 6, 8: 6, 7: 5}  # size of a superscript beside text of a size, as LaTeX declares them


STRETCH, WHOLE = 8, 24  # characters of the pieces of a word without signs; so long a word is left whole


def escape(text: str) -> str:
    """`text` with everything that LaTeX would read as a command or a ligature made printable, and no other sign."""
    return _shown(text).replace("--", "-\0-").replace("--", "-\0-").translate(_ESCAPES).replace("\0", "{}")


def broken(text: str) -> str:
    """As `escape`, and it may be broken after its signs, and where a word without any is too long, within that."""
    words = re.findall(r"[^-=.,/:_ ]+|[-=.,/:_ ]", text)
    size = [len(word) if len(word) <= WHOLE else STRETCH for word in words]
    parts = [word[at : at + step] for word, step in zip(words, size, strict=True) for at in range(0, len(word), step)]
    return "".join(part if part == " " else rf"{escape(part)}\allowbreak{{}}" for part in parts)


def foreign(text: str) -> str:
    """The signs of `text` that pdfTeX has no letters for, each once."""
    beyond = (sign for sign in _shown(text) if sign in _MISSING or (sign > "\u017f" and sign not in KNOWN | _IN_T1))
    return "".join(dict.fromkeys(beyond))


def in_t1(text: str) -> str:
    """The signs of `text` that pdfTeX prints in the encoding T1 and not in its own, each once."""
    return "".join(dict.fromkeys(sign for sign in _shown(text) if sign in _IN_T1))


def _shown(text: str) -> str:
    """Letters and their accents as one sign, and none that controls or turns what is printed."""
    return "".join(sign for sign in unicodedata.normalize("NFC", text) if unicodedata.category(sign)[0] != "C")


def written(cell: Text) -> str:
    """A cell in LaTeX: minus signs as such, powers of ten as such, its mark raised."""
    first, *more = POWER.split(MINUS.sub("−", cell.text))
    powers = zip(more[::3], more[1::3], map(escape, more[2::3]), strict=True)
    plain = escape(first) + "".join(rf"${base}\cdot10^{{{int(power)}}}${rest}" for base, power, rest in powers)
    mark = rf"\textsuperscript{{{escape(cell.mark)}}}" if cell.mark else ""
    return (rf"\textbf{{{plain}}}" if cell.bold else plain) + mark


def points(cell: Text, size: int) -> float:
    """At most how wide a cell is at a type size, in points."""
    text = POWER.sub(r"\1 x 10\2", cell.text)
    return _points(text, size) * (_BOLD if cell.bold else 1) + _points(cell.mark, RAISED[size])


def _points(text: str, size: int) -> float:
    return sum(_WIDTHS.get(sign, 500 if "a" <= sign <= "z" else 790) for sign in text) / 1000 * size * _SMALL[size]

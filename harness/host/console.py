"""Consoles that cannot show every character: what they lack is written in those that they have, and nothing fails."""

import codecs
import sys

PLAIN = {
    "–": "-", "—": "-", "−": "-", "…": "...", "†": "+", "‡": "++", "°": "o", "§": "S", "✓": "ok", "✗": "x", "≈": "~",
    "≤": "<=", "→": "->", "⇥": "tab", "∅": "0", "·": ".", "²": "2", "³": "3", "√": "sqrt ", "∞": "inf",
    "“": '"', "”": '"', "χ": "chi", "α": "alpha", "’": "'",
} | dict(zip("ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "abcdefghijklmnoprstuvwxyz0123456789-", strict=True))  # fmt: skip


def prepare(escaped: bool = False) -> None:
    """Have standard output and error write what their encoding lacks in other characters, as `PLAIN` has them.

    What stands in no table, and with `escaped` everything, becomes the escape that JSON reads: \\u20ac.
    """
    codecs.register_error("beir-harness", lambda error: (_written(error, escaped), error.end))  # type: ignore[attr-defined]
    for stream in (sys.stdout, sys.stderr):
        encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").replace("_", "")
        if hasattr(stream, "reconfigure") and not encoding.startswith("utf"):
            stream.reconfigure(errors="beir-harness")


def _written(error: UnicodeError, escaped: bool) -> str:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_one(sign, escaped) for sign in error.object[error.start : error.end])


def _one(sign: str, escaped: bool) -> str:
    if not escaped and sign in PLAIN:
        return PLAIN[sign]
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

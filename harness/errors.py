"""What the harness raises when the cause is outside it; the command line prints the message without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class HarnessError(Exception):
    """Something the user can mend: the message says what is wrong, where, and the cure."""


LONGEST = 1000  # characters that the contents of a file may take in a message


class BadInput(HarnessError):
    """A file that cannot be read as what it should be; `line` counts from 1.

    What the file holds may stand in `what`: it is cut, and shown without control characters, which steer terminals.
    """

    def __init__(self, path: Path | str, line: int | None, what: str) -> None:
        what = printable(what)
        self.path, self.line, self.what = Path(path), line, what
        super().__init__(f"{path}:{line}: {what}" if line else f"{path}: {what}")

    def __reduce__(self) -> tuple[type["BadInput"], tuple[Path, int | None, str]]:
        return BadInput, (self.path, self.line, self.what)


def printable(text: str) -> str:
    """`text` of at most LONGEST characters and a few, its middle left out, every unprintable one but a newline escaped.

    >>> printable("red \\x1b[31m")
    'red \\\\x1b[31m'
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 3 :]}"
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def unknown(kind: str, name: str, known: Iterable[str]) -> HarnessError:
    """The error for a name that is not among `known`, with the nearest one suggested."""
    names = sorted(known)
    alike = {known.lower(): known for known in names}
    near = [alike[match] for match in get_close_matches(name.lower(), alike, n=1, cutoff=0.5)]
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"known: {listed}"
    return HarnessError(f"unknown {kind} {name!r}; {hint}")


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "query"), counted(6980, "query"), counted(2, "dataset")
    ('1 query', '6980 queries', '2 datasets')
    """
    return f"{count} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """`query` -> `queries`, `system` -> `systems`."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"

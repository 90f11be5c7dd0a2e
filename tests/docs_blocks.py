"""The fenced blocks of a Markdown page, and the shell script that runs them.

```sh                       is run, in the order of the page, in one folder for the page
```sh title="needs …"       is not run; its beir-harness commands are parsed
```text after such a block  is what it prints, line by line; … stands for anything in a line, alone in one for any lines
```python                   is run
```python title="x.py"      is written to the file x.py before what follows; so is any other block with a file's name
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r'^ *```(\w*)(?: title="([^"]*)")?\s*$')
MARK = "@@@@ block"


class Block(NamedTuple):
    """One fenced block; `line` is where it begins, `printed` what the page says that it prints."""

    line: int
    language: str
    title: str
    text: str
    printed: str = ""

    @property
    def runs(self) -> bool:
        return self.language in ("sh", "python") and not self.title

    @property
    def is_file(self) -> bool:
        return bool(re.fullmatch(r"[\w./-]+\.\w+", self.title))


def blocks(page: Path) -> list[Block]:
    """Every fenced block of the page, a `text` block joined to the one that prints it."""
    found: list[Block] = []
    opened: tuple[int, str, str] | None = None
    lines: list[str] = []
    last = 0  # where the last block ended
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not (fence := FENCE.match(line)):
            lines.append(line)
            continue
        if opened is None:
            opened = number, fence[1], fence[2] or ""
        else:
            text = "\n".join(lines) + "\n"
            if opened[1] == "text" and found and found[-1].runs and opened[0] == last + 1:
                found[-1] = found[-1]._replace(printed=text)
            else:
                found.append(Block(*opened, text))
            opened, last = None, number
        lines = []
    assert opened is None, f"{page.name}: the block of line {opened and opened[0]} is not closed"
    return found


def script(page: list[Block], folder: Path) -> str:
    """A bash script that runs the page's blocks in `folder` and prints a mark before each; writes their sources."""
    steps = ["set -eo pipefail"]
    for number, block in enumerate(page):
        place = folder / f".block-{number}"
        place.write_text(block.text, encoding="utf-8")
        if block.is_file:
            steps.append(f"mkdir -p {shlex.quote(str(Path(block.title).parent))}")
            steps.append(f"cp {place} {shlex.quote(block.title)}")
        elif block.runs:
            steps.append(f"echo '{MARK} {number}'")
            steps.append(f"source {place}" if block.language == "sh" else f"python {place}")
    return "\n".join(steps)


def outputs(printed: str) -> dict[int, str]:
    """Block number -> what it printed, from the output of `script`."""
    parts = re.split(rf"^{MARK} (\d+)$\n?", printed, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def first_missing(expected: str, printed: str) -> str | None:
    """The first line of `expected` that `printed` does not have, after those before it; None if all are there.

    Without a line … between them, two lines that follow each other have to follow each other.
    """
    lines = printed.splitlines()
    at, anywhere = 0, True
    for wanted in expected.splitlines():
        if wanted.strip() == "…":
            anywhere = True
            continue
        pattern = re.compile(".*".join(map(re.escape, wanted.rstrip().split("…"))))
        places = range(at, len(lines) if anywhere else min(at + 1, len(lines)))
        place = next((place for place in places if pattern.fullmatch(lines[place].rstrip())), None)
        if place is None:
            return wanted
        at, anywhere = place + 1, False
    return None


def command_lines(block: Block) -> list[list[str]]:
    """The words of every beir-harness command of a shell block; lines ending in a backslash are joined."""
    text = block.text.replace("\\\n", " ")
    words = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [line[1:] for line in words if line and line[0] == "beir-harness"]

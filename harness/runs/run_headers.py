"""Comments in run files: those of ir_metadata (Breuer et al., SIGIR 2022) are YAML, and their fields are kept.

# ir_metadata.start
# platform:
#   software: …
# ir_metadata.end
"""

from collections.abc import Sequence
from typing import Any

import yaml

LARGEST = 1 << 16  # characters of a header; a long one has a tenth
START, END = "ir_metadata.start", "ir_metadata.end"


def is_comment(line: bytes, columns: Sequence[bytes], begun: bool = False) -> bool:
    """Whether a line, cut into `columns`, is no document.

    A query's id may begin with #, or be no more than that. Once documents have `begun`, a # has to stand alone, for
    what follows it closely may be a document that was cut short.
    """
    return line.startswith(b"#") and not is_document(columns) and (columns[0] == b"#" or not begun)


def is_document(columns: Sequence[bytes]) -> bool:
    """Whether these are the six columns of a run file, rank and score numbers."""
    try:
        float(columns[3]), float(columns[4])
    except (IndexError, ValueError):
        return False
    return len(columns) == 6


def fields(comments: Sequence[str]) -> dict[str, Any]:
    """What the comment lines of a file say in ir_metadata's form, every value as text; empty where they say nothing.

    YAML that can't be read is kept as it stands, under `unread`.
    """
    lines = [line.removeprefix("#").removeprefix(" ").rstrip() for line in comments]
    marks = {mark: lines.index(mark) for mark in (START, END) if mark in lines}
    inside = lines[marks.get(START, -1) + 1 : marks.get(END, len(lines))]
    text = "\n".join(inside)[:LARGEST]
    if not text.strip():
        return {}
    try:
        found = yaml.load(text, _Plain)  # noqa: S506 - a loader that makes nothing but text, lists and tables
    except (yaml.YAMLError, RecursionError, ValueError):
        found = None
    return found if isinstance(found, dict) else {"unread": text}


class _Plain(yaml.BaseLoader):
    """Values are text, and nothing is said by reference, for what refers to itself swells without end."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        return {str(name): value for name, value in super().construct_mapping(node, deep=True).items()}

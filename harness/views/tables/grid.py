"""A table as text: cells in rows, cut into blocks that fit a line, written as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.views.tables.marks import superscript

WIDTH = 120  # characters of a line in a terminal; the same everywhere, so that a table is the same everywhere


@dataclass(frozen=True)
class Text:
    """One cell: what it says, whether it is the best, and the mark that is raised beside it."""

    text: str
    bold: bool = False
    mark: str = ""

    def markdown(self) -> str:
        """The cell in Markdown, its mark in superscript characters."""
        plain = self.text.replace("|", r"\|")
        return (f"**{plain}**" if self.bold else plain) + superscript(self.mark)


@dataclass(frozen=True)
class Grid:
    """`rows` of cells under `head`; the first `fixed` columns name the row, are flush left and stand in every block."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    fixed: int = 1

    def blocks(self, width: int = WIDTH) -> "list[Grid]":
        """The grid cut between columns into grids no wider than `width` characters in Markdown, if that can be."""
        wide = self._widths()
        named = list(range(self.fixed))
        start = sum(wide[column] + 3 for column in named) + 1
        cuts: list[list[int]] = [[]]
        used = start
        for column in range(self.fixed, len(self.head)):
            if cuts[-1] and used + wide[column] + 3 > width:
                cuts.append([])
                used = start
            cuts[-1].append(column)
            used += wide[column] + 3
        return [self._only([*named, *cut]) for cut in cuts]

    def markdown(self) -> str:
        """A Markdown table whose columns also line up as plain text."""
        wide = self._widths()
        rule = ["-" * width if column < self.fixed else "-" * (width - 1) + ":" for column, width in enumerate(wide)]
        lines = [self.head, rule, *([cell.markdown() for cell in row] for row in self.rows)]
        return "\n".join(
            "| "
            + " | ".join(
                text.ljust(width) if column < self.fixed else text.rjust(width)
                for column, (text, width) in enumerate(zip(line, wide, strict=True))
            )
            + " |"
            for line in lines
        )

    def _widths(self) -> list[int]:
        cells = [self.head, *([cell.markdown() for cell in row] for row in self.rows)]
        return [max(3, *(len(line[column]) for line in cells)) for column in range(len(self.head))]

    def _only(self, columns: Sequence[int]) -> "Grid":
        return Grid(
            tuple(self.head[column] for column in columns),
            tuple(tuple(row[column] for column in columns) for row in self.rows),
            self.fixed,
        )

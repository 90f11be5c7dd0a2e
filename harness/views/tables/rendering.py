"""Leaderboards as text in four formats, and the folder of tables that is generated from the scores."""

import csv
import io
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from harness import files, results
from harness.errors import unknown
from harness.leaderboard import Leaderboard, build
from harness.leaderboard.holes import with_holes
from harness.leaderboard.spread import with_spread
from harness.measures import parse
from harness.results import seeds
from harness.views.tables import captions, paper, tables
from harness.views.tables.grid import Grid
from harness.views.tables.tables_json import as_json

FORMATS = {"md": "md", "csv": "csv", "latex": "tex", "json": "json"}  # format -> ending of its files


def render(boards: Sequence[Leaderboard], form: str, without: Collection[str] = ()) -> str:
    """Leaderboards as one text, ended by a line feed; the same boards give the same text. JSON is always a list.

    `without` may name columns, "average" and "rank", that Markdown and LaTeX leave out.
    """
    if form == "md":
        return "\n".join(_markdown(board, without) for board in boards)
    if form == "latex":
        return paper.latex(boards, without=without)
    if form == "json":
        return json.dumps([as_json(board) for board in boards], indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "csv":
        return _csv(boards)
    raise unknown("format", form, FORMATS)


def write_tables(results_folder: Path, tables_folder: Path, merge_seeds: bool = False) -> list[Path]:
    """Write one table per measure and format, of every finished result, to `tables_folder`; returns the files.

    Nothing but the manifests and scores goes into them: the same results give the same bytes.
    """
    found, _ = results.read(results_folder, strict=True)  # an unfinished run is no part of what is committed
    if merge_seeds:
        found = seeds.merge(found)
    written = []
    for measure in dict.fromkeys(name for result in found for name in result.measures):
        board = with_holes(with_spread(build(found, measure), found), found)
        for form, ending in FORMATS.items():
            written.append(tables_folder / f"{parse(measure).slug}.{ending}")
            files.write_bytes(written[-1], render([board], form).encode())
    return written


def _markdown(board: Leaderboard, without: Collection[str] = ()) -> str:
    parts = [f"### {captions.title(board)}", *_blocks(tables.main_grid(board, without))]
    parts.append("\n".join(f"- {line}" for line in captions.caption(board)))
    if over := tables.over_grid(board):
        parts += [*_blocks(over), "\n".join(f"- {line}" for line in captions.over_caption(board))]
    parts.append("\n".join(f"- Note: {note}" for note in board.notes))
    parts.append(f"`{board.signature}`")
    return "\n\n".join(part for part in parts if part) + "\n"


def _blocks(grid: Grid) -> list[str]:
    return [block.markdown() for block in grid.blocks()]


def _csv(boards: Sequence[Leaderboard]) -> str:
    """One line per measure and system: scores, then what is significant in words, then the signature."""
    rows = []
    for board in boards:
        better = tables.beaten(board)
        for row in board.rows():
            tag = row["system"]
            row = {"measure": board.measure, **row}
            for name in (column.name for column in board.columns if len(column.matrices) == 1):
                row[f"{name}: better than"] = _listed(board, better.get((tag, name), []))
                row[f"{name}: worse than"] = _listed(board, [o for o in board.tags if tag in better.get((o, name), [])])
            row |= {f"{c.name}: run ends at": c.shallow.get(tag) for c in board.columns if c.shallow}
            rows.append({**row, "signature": board.signature})
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{v:.6f}" if isinstance(v, float) else v for name, v in row.items()} for row in rows)
    return stream.getvalue()


def _listed(board: Leaderboard, chosen: Collection[str]) -> str:
    return " ".join(tag for tag in board.tags if tag in chosen)

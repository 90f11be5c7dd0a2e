"""LaTeX tables compile, and say what the Markdown says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import results as stored
from harness.leaderboard import Leaderboard, build
from harness.views.tables.grid import Grid
from harness.views.tables.rendering import render
from harness.views.tables.tables import main_grid, over_grid
from made_results import systems

SHIFTS = {"a": 0.0, "bm25_k1=0.9": 0.02, "c": 0.2}
PAGE = (
    "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"
)


def board(folder: Path, count: int = 3, baseline: str | None = None) -> Leaderboard:
    shifts = SHIFTS if count == 3 else {f"s{n}": n / 100 for n in range(count)}
    found, notes = stored.read(systems(folder, {"scifact": 30, "nfcorpus": 20, "own": 9}, shifts))
    return build(found, "ndcg@10", baseline, notes=notes)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "baseline"), [(3, None), (3, "a"), (40, None)])
def test_tables_compile(tmp_path: Path, count: int, baseline: str | None) -> None:
    if shutil.which("pdflatex") is None or not _has("booktabs.sty"):
        pytest.skip("needs LaTeX: apt-get install texlive-latex-base texlive-latex-recommended")
    (tmp_path / "page.tex").write_text(PAGE % render([board(tmp_path / "r", count, baseline)], "latex"))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 1000


def _has(style: str) -> bool:
    return subprocess.run(["kpsewhich", style], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("baseline", [None, "a"])
def test_latex_and_markdown_have_the_same_cells(tmp_path: Path, baseline: str | None) -> None:
    made = board(tmp_path, baseline=baseline)
    grids = [main_grid(made), over_grid(made)]
    for grid in grids:
        assert grid is not None
        assert _plain_latex(grid) == _plain_markdown(grid)


def _plain_latex(grid: Grid) -> list[list[str]]:
    body = grid.latex().split("\\midrule\n")[1].split("\\bottomrule")[0]
    rows = [line.removesuffix(" \\\\").split(" & ") for line in body.strip().split("\n")]
    return [[_unlatexed(cell) for cell in row] for row in rows]


def _unlatexed(cell: str) -> str:
    cell = re.sub(r"\\textsuperscript\{([^}]*)\}", r"^\1", cell)
    cell = re.sub(r"\\textbf\{([^}]*)\}", r"*\1*", cell)
    for latex, plain in (
        ("$\\dagger$", "†"),
        ("$\\ddagger$", "‡"),
        ("$\\circ$", "°"),
        ("--", "–"),
        ("\\_", "_"),
        ("\\textless{}", "<"),
    ):
        cell = cell.replace(latex, plain)
    return cell


def _plain_markdown(grid: Grid) -> list[list[str]]:
    """From the cells themselves: bold as *…*, the mark after ^; `Text.markdown` is checked against them too."""
    rows = []
    for row, line in zip(grid.rows, grid.markdown().split("\n")[2:], strict=True):
        shown = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert [cell.markdown() for cell in row] == [text.strip() for text in shown]
        rows.append([(f"*{c.text}*" if c.bold else c.text) + (f"^{c.mark}" if c.mark else "") for c in row])
    return rows

"""How every figure looks, and how it becomes a file without dates or random names in it."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import files
from harness.errors import HarnessError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe, Ito: Color Universal Design (2008); told apart with any kind of colour vision, and by lightness in grey.
BETTER, WORSE, NEUTRAL, INK, GRID = "#0072B2", "#D55E00", "#7A7A7A", "#1B1F24", "#E1E4E8"
WIDTH = 6.3  # inches, the text width of an A4 or letter page
ROW = 0.24  # inches of a line of a list
NO_DATES: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
}
NO_GLYPH = re.compile(r"Glyph (\d+) .*missing from font")  # a warning of matplotlib
FONT = "DejaVu Sans"  # comes with matplotlib, so a figure does not depend on the machine's fonts
WIDER = (  # what has the signs that it lacks, where one is installed
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "Noto Sans SC", "PingFang SC", "Hiragino Sans",
    "Microsoft YaHei", "Malgun Gothic", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
RC: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.edgecolor": NEUTRAL,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    "pdf.fonttype": 42,
    "svg.hashsalt": "beir-harness",
    "svg.fonttype": "path",
}


@contextmanager
def styled(height: float, width: float = WIDTH) -> Iterator[tuple["Figure", "Axes"]]:
    """A figure of so many inches with one axes, in the style of this module; no window, no global state."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(RC | fonts()):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def fonts() -> dict[str, list[str]]:
    """The font, and behind it the installed ones that are asked for a sign that it lacks."""
    from matplotlib.font_manager import fontManager

    here = {font.name for font in fontManager.ttflist}
    return {"font.family": [FONT, *(name for name in WIDER if name in here)]}


@contextmanager
def missing_signs() -> Iterator[list[str]]:
    """Collects, by the end, the signs that the font lacked in what was drawn, in place of a warning for each."""
    signs: list[str] = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield signs
    for one in told:
        if not (found := NO_GLYPH.match(str(one.message))):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        elif (sign := chr(int(found[1]))) not in signs:
            signs.append(sign)


def save(figure: "Figure", path: Path) -> None:
    """Write `figure` in the format that the ending of `path` names, atomically.

    Raises HarnessError for an ending other than png, pdf and svg.
    """
    import matplotlib

    form = check(path)
    buffer = io.BytesIO()
    with matplotlib.rc_context(RC | fonts()):
        figure.savefig(buffer, format=form, dpi=200, metadata=NO_DATES[form])
    files.write_bytes(path, buffer.getvalue())


def check(path: Path) -> str:
    """The format that the ending of `path` names. Raises HarnessError for another than png, pdf and svg."""
    form = path.suffix.lower().removeprefix(".")
    if form not in NO_DATES:
        raise HarnessError(f"{path}: a figure is written as {', '.join(NO_DATES)}; end the file's name in one of them")
    return form


def listed(axes: "Axes", labels: list[str]) -> None:
    """Turn the vertical axis into a list, first label on top, without lines across."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)

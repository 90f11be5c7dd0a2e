"""A leaderboard as a paper prints it: a `table` in LaTeX with the rules of booktabs, as wide as the page allows.

Several measures of the same systems stand side by side. The caption is short and explains the marks that are there;
where the numbers come from, and the notes, are comments in the source.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from harness.errors import counted, unknown
from harness.leaderboard import Leaderboard
from harness.measures import display, parse
from harness.statistics.ties import EQUAL
from harness.views.tables import captions, tables
from harness.views.tables.grid import Text
from harness.views.tables.marks import BETTER, HOLES, SAME, SHALLOW, WORSE, keys
from harness.views.tables.tex import broken, escape, foreign, in_t1, points, written
from harness.views.tables.wording import CORRECTION_NAMES, NONE, rank_text

WIDTHS = {"one": 238.5, "two": 505.5}  # points: 84 and 178 mm, a column of ACM's page and its two
SETTINGS = ((9, 4.0), (9, 3.0), (8, 3.0), (8, 2.0), (7, 2.0))  # type size and half the space between columns, in points
DIGITS = 3
LONGEST = 24  # characters of a word of the caption that is left whole


class Column(NamedTuple):
    """One column: what stands above its group, its own head, its cells from top to bottom."""

    over: str
    head: str
    cells: tuple[Text, ...]
    named: bool = False  # names the row: in every block
    align: str = "l"  # as scores are, so that their points stand one under the other whatever is raised beside them


def latex(
    boards: Sequence[Leaderboard], width: str | None = None, without: Collection[str] = (), digits: int = DIGITS
) -> str:
    """One table of `boards`, one a measure, `width` one or two columns of a page; without it, one where that fits.

    What fits in no type of at least 7 points is cut into several blocks, one under the other. Rows are in the order of
    the first measure. Raises HarnessError for another width.
    """
    if width is not None and width not in WIDTHS:
        raise unknown("width", width, WIDTHS)
    tags = tuple(dict.fromkeys(tag for board in boards for tag in board.tags))
    columns = _columns(boards, tags, without, digits)
    chosen, (size, gap), blocks = _fitted(columns, width)
    star = "*" if chosen == "two" else ""
    tabulars = "\n\n\\medskip\n".join(_tabular(block, size, WIDTHS[chosen]) for block in blocks)
    return "\n".join(
        [
            *_comments(boards),
            rf"\begin{{table{star}}}[t]",
            r"\centering",
            rf"\caption{{{_caption(boards, tags, without)}}}",
            rf"\label{{tab:{'-'.join(_plain(parse(board.measure).slug) for board in boards)}}}",
            rf"\fontsize{{{size}}}{{{size * 1.2:.1f}}}\selectfont",
            rf"\setlength{{\tabcolsep}}{{{gap:g}pt}}",
            tabulars,
            rf"\end{{table{star}}}",
            "",
        ]
    )


def _columns(boards: Sequence[Leaderboard], tags: Sequence[str], without: Collection[str], digits: int) -> list[Column]:
    """Names, then average and rank, then a group a dataset; with one dataset there are no groups."""
    names = list(dict.fromkeys(column.name for board in boards for column in board.columns))
    heads = [display(board.measure) for board in boards]
    several = len(names) > 1
    found = [Column("", "System", tuple(map(Text, tags)), named=True)]
    if boards[0].baseline is None and any(board.family for board in boards):
        found.insert(0, Column("", "", tuple(map(Text, keys(len(tags)))), named=True))
    raised = [tables.marks(board, tags) for board in boards]

    def group(name: str, cells: Sequence[tuple[Text, ...]], align: str = "l") -> Iterator[Column]:
        for head, column in zip(heads, cells, strict=True):
            lone = name in names and not several  # the caption names the dataset
            if len(heads) > 1:
                yield Column("" if lone else name, head, column, align=align)
            else:
                yield Column("", head if lone else name, column, align=align)

    if several and "average" not in without and any(board.averages for board in boards):
        found += group("Average", [_averages(board, tags, digits) for board in boards])
    ranks = [tuple(Text(rank_text(board.ranks.get(tag))) for tag in tags) for board in boards]
    ranked = "rank" not in without and any(board.ranks for board in boards)
    if several and ranked:
        found += group("Rank", ranks, "c")
    for name in names:
        found += group(
            name,
            [
                tuple(_cell(board, tag, name, marks.get((tag, name), ""), digits) for tag in tags)
                for board, marks in zip(boards, raised, strict=True)
            ],
        )
    if not several and len(boards) == 1:
        details = zip(*(tables.details(boards[0], tag, digits) for tag in tags), strict=True)
        found += [
            Column("", head, column) for head, column in zip(tables.detail_heads(boards[0]), details, strict=True)
        ]
    if not several and ranked:
        found += group("Rank", ranks, "c")
    return found


def _averages(board: Leaderboard, tags: Sequence[str], digits: int) -> tuple[Text, ...]:
    top = max(board.averages.values(), default=0.0)
    return tuple(_number(board.averages.get(tag), top, digits) for tag in tags)


def _number(value: float | None, top: float, digits: int, mark: str = "") -> Text:
    return Text(NONE) if value is None else Text(f"{value:.{digits}f}", top - value <= EQUAL, mark)


def _cell(board: Leaderboard, tag: str, column: str, mark: str, digits: int) -> Text:
    cell = board.cells.get((tag, column))
    if cell is None:
        return Text(NONE)
    signs = SHALLOW if cell.depth else ""
    signs += SAME if cell.equal and not cell.best and board.baseline is None else ""
    return Text(f"{cell.mean:.{digits}f}", cell.best, signs + mark)


def _fitted(columns: Sequence[Column], width: str | None) -> tuple[str, tuple[int, float], list[list[Column]]]:
    """The width of the page, type size and space in which the table stands in one block; else in how many it has to."""
    for one in [width] if width else WIDTHS:
        for size, gap in SETTINGS if one == (width or "two") else SETTINGS[:3]:
            if _wide(columns, size, gap, WIDTHS[one]) <= WIDTHS[one]:
                return one, (size, gap), [list(columns)]
    chosen = width or "two"
    size, gap = SETTINGS[2]
    named = [column for column in columns if column.named]
    blocks = [list(named)]
    for column in columns[len(named) :]:
        if len(blocks[-1]) > len(named) and _wide([*blocks[-1], column], size, gap, WIDTHS[chosen]) > WIDTHS[chosen]:
            blocks.append(list(named))
        blocks[-1].append(column)
    return chosen, (size, gap), blocks


def _wide(columns: Sequence[Column], size: int, gap: float, page: float) -> float:
    """At most how wide a table is, in points."""
    total = 2 * gap * (len(columns) - 1)
    for over, group in groupby(columns, key=lambda column: column.over):
        inside = [_column_points(column, size, page) for column in group]
        between = 2 * gap * (len(inside) - 1)
        total += max(sum(inside) + between, min(points(Text(over), size), _longest_name(page))) - between
    return total


def _column_points(column: Column, size: int, page: float) -> float:
    head = min(points(Text(column.head), size), _longest_name(page))
    wide = max(points(cell, size) for cell in column.cells)
    return max(head, min(wide, _longest_name(page)) if column.named else wide)


def _longest_name(page: float) -> float:
    """What the name of a system or a dataset may take of the page before it is broken."""
    return page / 3


def _tabular(columns: Sequence[Column], size: int, page: float) -> str:
    """A `tabular` with the rules of booktabs; groups have a head of their own."""
    spec = "".join(column.align for column in columns)
    heads = []
    if any(column.over for column in columns):
        above, rules, at = [], [], 1
        for over, group in groupby(columns, key=lambda column: column.over):
            count = len(list(group))
            above += [rf"\multicolumn{{{count}}}{{c}}{{{_named(over, size, page, 'b')}}}"] if over else [""] * count
            rules += [rf"\cmidrule(lr){{{at}-{at + count - 1}}}"] if over else []
            at += count
        heads += [" & ".join(above) + r" \\", "".join(rules)]
    heads.append(" & ".join(_named(column.head, size, page, "b") for column in columns) + r" \\")
    rows = [
        " & ".join(
            _named(one.text, size, page) if c.named else written(one) for c, one in zip(columns, row, strict=True)
        )
        for row in zip(*(column.cells for column in columns), strict=True)
    ]
    begin = rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}"
    body = [rf"{{}}{row} \\" if row.startswith(("[", "*")) else rf"{row} \\" for row in rows]  # not of the \\ before it
    return "\n".join([begin, r"\toprule", *heads, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"])


def _named(name: str, size: int, page: float, align: str = "t") -> str:
    """A name, broken where it is too long for a line; `align` says which of its lines is that of the row."""
    if points(Text(name), size) <= (most := _longest_name(page)):
        return escape(name)
    return rf"\parbox[{align}]{{{most:.0f}pt}}{{\raggedright {broken(name)}\strut}}"


def _caption(boards: Sequence[Leaderboard], tags: Sequence[str], without: Collection[str]) -> str:
    """What is shown, then a sentence for the marks that are there."""
    first = boards[0]
    names = list(dict.fromkeys(column.name for board in boards for column in board.columns))
    where = f"on {names[0]}" if len(names) == 1 else f"on {len(names)} datasets"
    said = [f"{_listed([display(board.measure) for board in boards])} of {counted(len(tags), 'system')} {where}."]
    if families := [board for board in boards if board.family]:
        raised = "".join(mark for board in boards for mark in tables.marks(board, tags).values())
        sizes = list(dict.fromkeys(f"{len(board.family):,}" for board in families))
        tested = (
            f"({captions.tested(first.test, first.correction)} over {_listed(sizes)} "
            f"comparison{'s' * (sizes != ['1'])}{' a measure' * (len(boards) > 1)}, p ≤ {first.alpha:g})"
        )
        claims = [(BETTER, "significantly better"), (WORSE, "significantly worse")]
        if first.baseline is None:
            claim = "letters name the systems that are significantly worse"
        else:
            claim = _listed([f"{sign} {words}" for sign, words in claims if sign in raised], ", ")
            claim += f" than {first.baseline}"
        nothing = "no difference" + f" to {first.baseline}" * (first.baseline is not None) + " is significant"
        said.append(f"Best in bold; {claim if raised.strip(SAME) else nothing} {tested}.")
    else:
        said.append("Best in bold.")
    if any(cell.depth for board in boards for cell in board.cells.values()):
        said.append(f"{SHALLOW} the run ends before the measure does: not compared with deeper runs.")
    if first.margin is not None:
        what = first.baseline or "the best"
        family = counted(len(first.family), "comparison")
        said.append(f"{SAME} equal to {what} within {first.margin:g} (two one-sided t-tests, Holm over {family}).")
    if len(names) > 1 and "average" not in without and first.averages and len(first.shared) < len(names):
        said.append(f"Average over {_listed(first.shared)}.")
    if first.these and "rank" not in without:
        pairs = counted(len(first.these.pairs), "pair")
        said.append(
            "Rank: what sign flips of the queries leave open of the order of averages "
            f"({CORRECTION_NAMES[first.these.correction]} over {pairs}{' a measure' * (len(boards) > 1)})."
        )
    elif len(names) == 1 and first.family and "rank" not in without:
        said.append(f"Rank: what {captions.all_pairs(first)} ({captions.behind_ranks(first)}).")
    words = (broken(word) if len(word) > LONGEST else escape(word) for word in " ".join(said).split(" "))
    return " ".join(words).replace(r"p $\leq$ ", r"p~$\leq$~")


def _comments(boards: Sequence[Leaderboard]) -> list[str]:
    """What a reader of the source may want to know."""
    lines = [r"needs \usepackage{booktabs}"]
    if signs := in_t1(_names(boards)):
        lines.append(rf"needs \usepackage[T1]{{fontenc}} in pdfLaTeX, for {signs}")
    lines += [warning] if (warning := unprintable(boards)) else []
    for board in boards:
        lines += [f"{captions.title(board)}: {board.signature}"]
        lines += [line.removeprefix(HOLES).strip() for line in captions.holes(board)]
        lines += [f"Note: {note}" for note in board.notes]
    return [f"% {' '.join(line.split())}" for line in dict.fromkeys(lines)]


def unprintable(boards: Sequence[Leaderboard]) -> str:
    """What to know before a table is set whose names hold signs that pdfLaTeX has no letters for; else empty."""
    why, cure = "for which pdfLaTeX has no letters", "set the table in LuaLaTeX with a font that has them"
    return f"names hold {signs}, {why}: {cure}" if (signs := foreign(_names(boards))) else ""


def _names(boards: Sequence[Leaderboard]) -> str:
    return "".join(name for board in boards for name in (*board.tags, *(column.name for column in board.columns)))


def _listed(parts: Sequence[str], last: str = " and ") -> str:
    """`a, b and c`"""
    return last.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _plain(text: str) -> str:
    return "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in text.replace("@", "")).strip("-")

"""What stands in a printed leaderboard: its rows, its columns and their marks."""

from collections.abc import Collection, Sequence

from harness.leaderboard import Leaderboard
from harness.statistics.across_datasets import Contest
from harness.statistics.macro_average import AveragePair
from harness.statistics.pairwise import Comparison
from harness.statistics.ties import EQUAL
from harness.views.tables.captions import percent, reference
from harness.views.tables.grid import Grid, Text
from harness.views.tables.marks import BETTER, HOLES, LEVEL, SAME, SHALLOW, WORSE, joined, keys
from harness.views.tables.wording import CORRECTION_NAMES, NONE, effect, number, p_text, rank_text, signed, span


def beaten(board: Leaderboard) -> dict[tuple[str, str], list[str]]:
    """(system, dataset) -> the systems that it is significantly better than, within the family."""
    found: dict[tuple[str, str], list[str]] = {}
    for comparison in board.family:
        if comparison.significant:
            better = comparison if comparison.difference > 0 else comparison.turned()
            found.setdefault((better.first, better.dataset), []).append(better.second)
    return found


def main_grid(board: Leaderboard, without: Collection[str] = ()) -> Grid:
    """Systems by datasets; with a single dataset there is room for intervals and the difference to the baseline.

    `without` may name the columns "average" and "rank".
    """
    raised = marks(board, board.tags)
    names = keys(len(board.tags))
    lettered = board.baseline is None
    single = len(board.columns) == 1
    head = ["", "System"] if lettered else ["System"]
    average_here, rank_here = not single and "average" not in without, "rank" not in without
    if average_here:
        head.append("Average")
    if not single and rank_here:
        head.append("Rank")
    sparse = _sparse(board)
    head += [column.name + HOLES * (column.name in sparse) for column in board.columns]
    if single:
        head += [*detail_heads(board), *["Rank"] * rank_here]
    rows = []
    top = max(board.averages.values(), default=0.0)
    for name, tag in zip(names, board.tags, strict=True):
        row = [Text(name), Text(tag)] if lettered else [Text(tag)]
        if average_here:
            average = board.averages.get(tag)
            row.append(Text(number(average), average is not None and top - average <= EQUAL))
        rank = [Text(rank_text(board.ranks.get(tag)))] * rank_here
        row += [] if single else rank
        row += [_cell(board, tag, c.name, raised.get((tag, c.name), ""), c.name in sparse) for c in board.columns]
        row += [*details(board, tag), *rank] if single else []
        rows.append(tuple(row))
    return Grid(tuple(head), tuple(rows), fixed=2 if lettered else 1)


def over_grid(board: Leaderboard) -> Grid | None:
    """Each system over datasets against the baseline, or else against the best average; None for a single dataset."""
    over = board.over
    if over is None:
        return None
    against = reference(board)
    sides: dict[str, Contest] = {}
    for pair in over.pairs:
        if against in (pair.first, pair.second):
            side = pair.turned() if pair.first == against else pair
            sides[side.first] = side
    ranks = dict(zip(over.tags, over.mean_ranks, strict=True))
    averages = averaged(board, against)
    rows = []
    for tag in (tag for tag in board.tags if tag in ranks):
        row = [tag]
        if tag in averages:
            ahead = averages[tag]
            row += [signed(ahead.difference, 4), span(ahead.interval, "+"), p_text(ahead.corrected)]
        else:
            row += [NONE] * 3
        row.append(f"{ranks[tag]:.2f}")
        if tag in sides:
            found = sides[tag]
            row += [str(found.wins), str(found.ties), str(found.losses), p_text(found.corrected)]
        else:
            row += [NONE] * 4
        rows.append(tuple(Text(cell) for cell in row))
    heads = ("Average", f"{percent(board)} interval", "p, these", "Mean rank", "Wins", "Ties", "Losses")
    return Grid(("System", *heads, "p, like these"), tuple(rows))


def averaged(board: Leaderboard, other: str) -> dict[str, AveragePair]:
    """System -> its average against that of `other`, with an interval; empty without an average of several."""
    pairs = board.these.with_intervals if board.these else ()
    turned = [pair.turned() if pair.first == other else pair for pair in pairs]
    return {pair.first: pair for pair in turned if pair.second == other}


def _sparse(board: Leaderboard) -> set[str]:
    """The columns in which every score rests on few judgments: marked once, at their head."""
    cells = board.cells.keys()
    return {column.name for column in board.columns} - {column for tag, column in cells - board.holes.keys()}


def _cell(board: Leaderboard, tag: str, column: str, mark: str, sparse: bool) -> Text:
    cell = board.cells.get((tag, column))
    if cell is None:
        return Text(NONE)
    signs = (SHALLOW if cell.depth else "") + (HOLES if (tag, column) in board.holes and not sparse else "")
    signs += LEVEL if cell.level and not cell.best else ""
    signs += SAME if cell.equal and not cell.best and board.baseline is None else ""
    return Text(number(cell.mean), cell.best, signs + mark)


def marks(board: Leaderboard, tags: Sequence[str]) -> dict[tuple[str, str], str]:
    """(system, column) -> mark, from the significant comparisons of the family; letters go by the order of `tags`."""
    if board.baseline is not None:
        return {
            (c.first, c.dataset): (BETTER if c.difference > 0 else WORSE) * c.significant + SAME * c.equivalent
            for c in board.family
            if c.significant or c.equivalent
        }
    names = keys(len(tags))
    place = {tag: at for at, tag in enumerate(tags)}
    return {cell: joined([place[tag] for tag in others], names) for cell, others in beaten(board).items()}


def detail_heads(board: Leaderboard) -> list[str]:
    """The heads of what `details` has."""
    interval = f"{percent(board)} interval"
    if len(board.columns[0].matrices) > 1:
        return []
    if board.baseline is None:
        return [interval]
    return [interval, f"vs {board.baseline}", interval, f"p ({CORRECTION_NAMES[board.correction]})", "d_z"]


def details(board: Leaderboard, tag: str, digits: int = 4) -> list[Text]:
    """What stands to the right of the score when there is one dataset: its interval, the difference to the baseline."""
    column = board.columns[0]
    tested = len(column.matrices) == 1
    cells = [span(board.cells[tag, column.name].interval, digits=digits)] if tested else []
    if tested and board.baseline is not None:
        cells += _difference(next((c for c in board.family if c.first == tag), None), digits)
    return [Text(text) for text in cells]


def _difference(found: Comparison | None, digits: int) -> list[str]:
    if found is None:
        return [NONE] * 4
    return [
        signed(found.difference, digits),
        span(found.interval, "+", digits),
        p_text(found.corrected),
        effect(found.effect_size, 2),
    ]

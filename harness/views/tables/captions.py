"""The sentences under a leaderboard that make it readable alone: what its marks, ranks and averages claim."""

import math
from statistics import median

from harness.errors import counted
from harness.leaderboard import Leaderboard, strong
from harness.measures import display
from harness.statistics.max_t import DRAWS as FLIPS
from harness.statistics.pairwise import unsure
from harness.statistics.permutation import COUNTED, DRAWS, ENOUGH
from harness.statistics.significance import TESTS
from harness.views.tables.marks import BETTER, HOLES, LEVEL, SAME, SHALLOW, WORSE
from harness.views.tables.wording import CORRECTION_NAMES, p_text


def title(board: Leaderboard) -> str:
    """`nDCG@10 on 3 datasets`"""
    if len(board.columns) == 1:
        return f"{display(board.measure)} on {board.columns[0].name}"
    return f"{display(board.measure)} on {len(board.columns)} datasets"


def averaged_over(board: Leaderboard) -> str:
    """Which datasets the average is over, and which systems have none as they lack some of these."""
    count, without = len(board.averages), [tag for tag in board.tags if tag not in board.averages]
    if not without:
        return f"Average over the datasets that all the systems here have: {', '.join(board.shared)}."
    return (
        f"Average over the datasets that {count} of the {len(board.tags)} systems have: {', '.join(board.shared)}. "
        f"{', '.join(without)} {'lacks' if len(without) == 1 else 'lack'} some of these, so no average, and "
        f"{'comes' if len(without) == 1 else 'come'} last."
    )


def caption(board: Leaderboard) -> list[str]:
    """What the marks, ranks and averages of the main table mean."""
    lines = []
    several = len(board.columns) > 1
    if several and board.averages:
        lines.append(averaged_over(board))
    elif several:
        lines.append("No average: no dataset has results of two systems as deep as the measure looks.")
    grouped = [column for column in board.columns if len(column.matrices) > 1]
    lines += [
        f"{column.name} is the mean of its {len(column.matrices)} datasets and counts as one; it carries no marks, "
        "because such a mean has no test on queries."
        for column in grouped
    ]
    apart = {column.unit for column in board.columns if column.unit != column.name and column.name in board.shared}
    lines += [f"In the average the datasets of {unit} count as one." for unit in sorted(apart) if several]
    if board.family:
        claim = (
            f"{BETTER} significantly better, {WORSE} significantly worse than {board.baseline}"
            if board.baseline
            else "A superscript names the systems that are significantly worse"
        )
        lines.append(
            f"{claim}: {tested(board.test, board.correction)} over the "
            f"{counted(len(board.family), 'comparison')} of this table, p ≤ {board.alpha:g}."
        )
        lines += [*_apart(board), *_planned(board)]
        lines.append(
            f"{LEVEL} not separable from the best (bold) of its dataset: "
            f"{behind_ranks(board)} over {counted(len(board.pairs), 'pair')}, those of all datasets."
        )
        if board.margin is not None:
            of = f"to {board.baseline}" if board.baseline else "to the best of its dataset"
            lines.append(
                f"{SAME} equal {of} within {board.margin:g}: two one-sided t-tests, Holm over "
                f"{counted(len(board.family), 'comparison')}, p ≤ {board.alpha:g}."
            )
        if board.test == "permutation" and board.correction != "maxt":
            lines.append(drawn(board))
    if any(column.shallow for column in board.columns):
        lines.append(
            f"{SHALLOW} the run ends before {display(board.measure)} does: not compared with deeper runs, and its "
            "dataset is in no average."
        )
    lines += holes(board)
    if board.these:
        lines.append(
            f"Rank: for these datasets; what sign flips of the queries of all datasets, by the average, leave open "
            f"({CORRECTION_NAMES[board.these.correction]} over {counted(len(board.these.pairs), 'pair')}, "
            f"{percent(board)}). The next table also asks what holds for datasets like these."
        )
    elif board.ranks:
        lines.append(f"Rank: what {all_pairs(board)} ({behind_ranks(board)}, {percent(board)}).")
    return lines


def _apart(board: Leaderboard) -> list[str]:
    """Why an interval leaves out 0 where nothing is claimed; empty where none does, or no difference is shown."""
    if len(board.columns) > 1 or board.baseline is None:
        return []
    open_ones = [one for one in board.family if one.interval and one.corrected > board.alpha]
    if not any(low > 0 or high < 0 for low, high in (one.interval for one in open_ones if one.interval)):
        return []
    return [
        f"The interval of a difference looks at it alone; it may leave out 0 where the correction for "
        f"{counted(len(board.family), 'comparison')} leaves the difference open."
    ]


def over_caption(board: Leaderboard) -> list[str]:
    """What the second table says; empty where there is only one dataset."""
    over = board.over
    if over is None:
        return []
    count, pairs, most = len(over.datasets), len(over.pairs), len(over.tags) - 1
    lines = []
    if board.these:
        lines.append(
            f"For these {len(board.these.strata)} datasets: difference of averages against {reference(board)}, "
            f"bootstrap interval, p of sign flips within queries, datasets fixed "
            f"({CORRECTION_NAMES[board.these.correction]} over {counted(pairs, 'pair')})."
        )
    lines.append(
        f"For datasets like these: the {count} datasets of the {'average' if len(board.columns) > 1 else 'mean'}, each "
        f"one observation: wins, ties, losses and Wilcoxon signed-rank test against {reference(board)}; "
        f"Holm over {counted(pairs, 'pair')}."
    )
    if over.friedman and over.critical_difference:
        out_of_reach = f": none can, as {most} is the most by which {len(over.tags)} systems differ"
        lines.append(
            f"Friedman χ² = {over.friedman[0]:.3f}, p = {p_text(over.friedman[1])}; systems whose mean ranks differ by "
            f"{over.critical_difference:.3f} or more are apart (Nemenyi, alpha {board.alpha:g})"
            f"{'' if over.separable else out_of_reach}."
        )
    if (smallest := pairs * 2.0 ** (1 - count)) > board.alpha:
        least = min(smallest, 1.0)
        lines.append(
            f"{count} datasets are too few to separate any of {counted(pairs, 'pair')}: "
            f"after the correction p is {least:.3g} at best."
        )
    return lines


def all_pairs(board: Leaderboard) -> str:
    """`paired t-tests of all pairs leave open`"""
    return f"{'sign flip' if board.correction == 'maxt' else TESTS[board.test]}s of all pairs leave open"


def behind_ranks(board: Leaderboard) -> str:
    """The correction behind ranks and levels."""
    return CORRECTION_NAMES[strong(board.correction)]


def tested(test: str, correction: str) -> str:
    """`paired t-test, Holm`; max-T brings its own test."""
    if correction == "maxt":
        return f"sign flips of whole queries ({FLIPS:,}), step-down max-T"
    return f"{TESTS[test]}, {CORRECTION_NAMES[correction]}"


def drawn(board: Leaderboard) -> str:
    """How sure the p of a permutation test are, and which verdicts rest on that."""
    named = [f"{c.first} and {c.second} on {c.dataset}" for c in unsure(board.family, board.alpha)]
    turned = f"other draws could turn the verdict on {'; '.join(named)}" if named else "no verdict hangs on the draws"
    return (
        f"p is exact where at most {COUNTED} queries differ, else from at most {DRAWS:,} random sign patterns: its "
        f"standard error is {1 / math.sqrt(ENOUGH):.1%} of p, below {ENOUGH / DRAWS:g} √(p / {DRAWS:,}); {turned}."
    )


def percent(board: Leaderboard) -> str:
    """`95 %`"""
    return f"{100 * (1 - board.alpha):g} %"


def reference(board: Leaderboard) -> str:
    """The system that the tests over datasets are shown against: the baseline, else the best average."""
    assert board.over is not None
    return board.baseline if board.baseline in board.over.tags else board.tags[0]


def _planned(board: Leaderboard) -> list[str]:
    """What differences the family was able to find: one sentence, datasets by their middle pair."""
    found: dict[str, list[float]] = {}
    for comparison in board.family:
        if (least := comparison.detectable(board.smallest_alpha())) is not None and least > 0:
            found.setdefault(comparison.dataset, []).append(least)
    if not found:
        return []
    highest = max(1.0, *(cell.mean for cell in board.cells.values()))  # of a score that ends at 1 no difference is more
    middle = {name: median(values) for name, values in found.items()}
    listed = ", ".join(f"{name} {one:.3f}" if one <= highest else f"{name} none" for name, one in middle.items())
    return [
        f"Found four times of five, at the first step of that correction (p ≤ {board.smallest_alpha():.2g}), are true "
        f"differences from here on, smaller ones less often (middle pair): {listed}."
    ]


def holes(board: Leaderboard) -> list[str]:
    """Which datasets have few judgments, and what the best system there would have if all else were relevant."""
    if not board.holes:
        return []
    said = []
    for column in board.columns:
        here = {tag: hole for (tag, name), hole in board.holes.items() if name == column.name}
        if here:
            tag = max(here, key=lambda one: (here[one].mean, one))
            shares = sorted(hole.judged for hole in here.values())
            span = f"{shares[0]:.2f}" + (f"–{shares[-1]:.2f}" if len(shares) > 1 else "")
            at_most = here[tag].if_relevant
            known = "" if at_most is None else f" ({tag} {here[tag].mean:.3f} to {at_most:.3f})"
            said.append(f"{column.name} {span}{known}")
    return [
        f"{HOLES} less than 90 % of the first ten documents are judged; at the head of a column, of all its systems. "
        "The share that is, and the mean of the best such system if no unjudged document were relevant, and if all "
        f"were: {'; '.join(said)}."
    ]

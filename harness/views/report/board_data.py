"""A leaderboard as the page's scripts read it: systems and columns by number, differences in units of 1e-5."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from harness.leaderboard import Leaderboard, costs
from harness.leaderboard.columns import Column
from harness.leaderboard.summary import Summary
from harness.measures import display
from harness.results import Result
from harness.results.means import MeansOnly
from harness.statistics.cliques import cliques
from harness.statistics.pairwise import Comparison
from harness.statistics.significance import TESTS
from harness.views.tables.tables_json import rounded, significant
from harness.views.tables.wording import CORRECTION_NAMES

STEP = 1e-5  # of differences and their interval ends


def board_data(
    board: Leaderboard, groups: Sequence[Summary], results: Sequence[Result], means_only: Sequence[MeansOnly]
) -> dict[str, Any]:
    """Everything a measure's page draws. Comparisons are all pairs of a column in the order of `combinations`."""
    tags = list(board.tags)
    comparisons = {(c.dataset, c.first, c.second): c for c in board.pairs}
    chosen = {tag: board.against(tag) for tag in tags}
    judged = {(c.dataset, c.first, c.second): c for family in chosen.values() for c in family}
    extra = means_only_rows(means_only, board)
    return {
        "measure": board.measure,
        "display": display(board.measure),
        "alpha": board.alpha,
        "test": board.test,
        "correction": CORRECTION_NAMES[board.correction],
        "tested": tested_by(board),
        "margin": board.margin,
        "family": len(board.pairs),
        "families": [len(chosen[tag]) for tag in tags],
        "tags": tags + list(extra),
        "meansOnly": len(extra),
        "columns": [
            _column(board, column, tags, comparisons, judged, list(extra.values())) for column in board.columns
        ],
        "groups": [_group(board, group, tags, extra) for group in groups],
        "axes": [{"name": axis.name, "label": axis.label, "unit": axis.unit} for axis in costs.AXES],
        "costs": _costs(board, groups, results, tags),
    }


def tested_by(board: Leaderboard) -> str:
    """The name of the test behind the corrected p; max-T brings its own."""
    return "sign flips of whole queries" if board.correction == "maxt" else TESTS[board.test]


def means_only_rows(means_only: Sequence[MeansOnly], board: Leaderboard) -> dict[str, dict[str, float]]:
    """Means-only systems: tag -> column -> mean, where all datasets of the column are there; none that has a run."""
    rows: dict[str, dict[str, float]] = {}
    have = {(one.tag, one.dataset): one.scores[board.measure] for one in means_only if board.measure in one.scores}
    for tag in sorted({tag for tag, _ in have} - set(board.tags)):
        values = {}
        for column in board.columns:
            parts = [have.get((tag, matrix.dataset)) for matrix in column.matrices]
            known = [part for part in parts if part is not None]
            if len(known) == len(parts):
                values[column.name] = sum(known) / len(known)
        if values:
            rows[tag] = values
    return rows


def _column(
    board: Leaderboard,
    column: Column,
    tags: Sequence[str],
    comparisons: Mapping[tuple[str, str, str], Comparison],
    judged: Mapping[tuple[str, str, str], Comparison],
    extra: Sequence[Mapping[str, float]],
) -> dict[str, Any]:
    cells = [board.cells.get((tag, column.name)) for tag in tags]
    single = len(column.matrices) == 1
    data: dict[str, Any] = {
        "name": column.name,
        "datasets": [matrix.dataset for matrix in column.matrices],
        "queries": sum(len(matrix.query_ids) for matrix in column.matrices),
        "mean": [cell and rounded(cell.mean) for cell in cells] + [rounded(row.get(column.name)) for row in extra],
        "interval": [cell and cell.interval and [rounded(end) for end in cell.interval] for cell in cells],
        "rank": [cell and cell.rank for cell in cells],
        "level": [bool(cell and cell.level) for cell in cells],
        "equal": [bool(cell and cell.equal and not cell.best) for cell in cells],
        "holes": [
            (hole := board.holes.get((tag, column.name))) and [rounded(hole.judged), rounded(hole.if_relevant)]
            for tag in tags
        ],
    }
    if single:
        matrix = column.matrices[0]
        alike = [tag for tag in matrix.tags if tag not in matrix.shallow]
        found = [comparisons[column.name, *pair] for pair in combinations(alike, 2)]
        # The same in the family of all comparisons with the second, and with the first, as the baseline.
        second = [judged[c.dataset, c.first, c.second] for c in found]
        first = [judged[c.dataset, c.second, c.first] for c in found]
        data["systems"] = [tags.index(tag) for tag in alike]
        data["pairs"] = {
            "difference": [_steps(c.difference) for c in found],
            "low": [c.interval and _steps(c.interval[0]) for c in found],
            "high": [c.interval and _steps(c.interval[1]) for c in found],
            "p": [_short(c.p) for c in found],
            "corrected": [_short(c.corrected, board.alpha) for c in found],
            "againstSecond": [_short(c.corrected, board.alpha) for c in second],
            "againstFirst": [_short(c.corrected, board.alpha) for c in first],
            "least": [rounded(c.detectable(board.smallest_alpha())) for c in found],
            "wins": [c.wins for c in found],
            "losses": [c.losses for c in found],
        }
        if board.margin is not None:
            sides = {"equal": found, "equalSecond": second, "equalFirst": first}
            data["pairs"] |= {name: [int(c.equivalent) for c in family] for name, family in sides.items()}
    return data


def _group(
    board: Leaderboard, group: Summary, tags: Sequence[str], extra: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    names = [column.name for column in board.columns]
    at = {tag: tags.index(tag) for tag in group.tags}
    data: dict[str, Any] = {
        "name": group.name,
        "columns": [names.index(column.name) for column in group.columns],
        "shared": [names.index(column.name) for column in group.shared],
        "average": [rounded(group.averages.get(tag)) for tag in tags]
        + [rounded(group.average(values)) for values in extra.values()],
        "rank": [group.ranks.get(tag) for tag in tags],
        "these": _these(group, at, board.alpha) if group.these else None,
        "over": None,
    }
    if over := group.over:
        best = sorted(zip(over.mean_ranks, over.tags, strict=True))
        apart = over.critical_difference
        data["over"] = {
            "datasets": list(over.datasets),
            "systems": [at[tag] for tag in over.tags],
            "meanRank": [rounded(rank) for rank in over.mean_ranks],
            "least": min(1.0, len(over.pairs) * 2.0 ** (1 - len(over.datasets))),  # no corrected p can be smaller
            "friedman": over.friedman and [rounded(over.friedman[0]), significant(over.friedman[1])],
            "criticalDifference": rounded(apart),
            "order": [at[tag] for _, tag in best],
            "rank": [over.ranks.get(tag) for tag in tags],
            "cliques": cliques([rank for rank, _ in best], apart) if apart else [],
            "pairs": {
                "wins": [pair.wins for pair in over.pairs],
                "losses": [pair.losses for pair in over.pairs],
                "lead": [rounded(pair.lead) for pair in over.pairs],
                "p": [_short(pair.p) for pair in over.pairs],
                "corrected": [_short(pair.corrected, board.alpha) for pair in over.pairs],
            },
        }
    return data


def _these(group: Summary, at: Mapping[str, int], alpha: float) -> dict[str, Any]:
    """The tests of the average, for these datasets; pairs in the order of `combinations`."""
    assert group.these is not None
    pairs = group.these.with_intervals
    first_step = alpha / max(1, len(pairs))
    return {
        "systems": [at[tag] for tag in group.these.tags],
        "queries": sum(map(len, group.these.strata)),
        "correction": CORRECTION_NAMES["maxt" if group.these.correction == "maxt" else "holm"],
        "pairs": {
            "difference": [_steps(pair.difference) for pair in pairs],
            "low": [pair.interval and _steps(pair.interval[0]) for pair in pairs],
            "high": [pair.interval and _steps(pair.interval[1]) for pair in pairs],
            "p": [_short(pair.p) for pair in pairs],
            "corrected": [_short(pair.corrected, alpha) for pair in pairs],
            "least": [rounded(pair.detectable(first_step)) for pair in pairs],
        },
    }


def _costs(
    board: Leaderboard, groups: Sequence[Summary], results: Sequence[Result], tags: Sequence[str]
) -> list[dict[str, Any]]:
    """For every group and column and every axis: [system, quality, cost, on the front] of the systems that say it."""
    matrices = [matrix for column in board.columns for matrix in column.matrices]
    scopes = [(f"{group.name}: average", group.averages, group.members) for group in groups if group.averages]
    for column in board.columns:
        means = {tag: board.cells[tag, column.name].mean for tag in column.tags}
        scopes.append((column.name, means, {matrix.dataset for matrix in column.matrices}))
    return [
        {
            "name": name,
            "queries": sum(len(matrix.query_ids) for matrix in matrices if matrix.dataset in datasets),
            "axes": [
                [
                    [tags.index(point.tag), rounded(point.quality), float(f"{point.cost:.6g}"), int(point.front)]
                    for point in costs.points(results, quality, datasets, axis)
                ]
                for axis in costs.AXES
            ],
        }
        for name, quality, datasets in scopes
        if quality
    ]


def _steps(value: float) -> int:
    return round(value / STEP)


def _short(p: float, alpha: float = 0.0) -> float:
    """Three significant digits, more where rounding would carry p across `alpha`; never 0, which no test can give."""
    short = max(float(f"{p:.3g}"), 1e-99)
    return short if (short <= alpha) == (p <= alpha) else p

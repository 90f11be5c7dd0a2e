"""A leaderboard as JSON: everything that is printed, and the numbers behind it."""

import math
from typing import Any

from harness.leaderboard import Hole, Leaderboard
from harness.leaderboard.comparison import Measured
from harness.statistics.pairwise import Comparison


def as_json(board: Leaderboard) -> dict[str, Any]:
    """The whole leaderboard as a JSON value; scores with 6 digits, p with 6 significant ones, null where undefined."""
    return {
        "measure": board.measure,
        "signature": board.signature,
        "test": board.test,
        "correction": board.correction,
        "alpha": board.alpha,
        "baseline": board.baseline,
        "family": len(board.family),
        "pairs_behind_ranks": len(board.pairs),
        **({"margin": board.margin} if board.margin is not None else {}),
        "systems": [
            {"tag": tag, "average": rounded(board.averages.get(tag)), "rank": board.ranks.get(tag)}
            for tag in board.tags
        ],
        "average_over": list(board.shared),
        "columns": [
            {
                "name": column.name,
                "unit": column.unit,
                "datasets": [
                    {"name": matrix.dataset, "queries": len(matrix.query_ids), "means": _means(board, matrix)}
                    for matrix in column.matrices
                ],
            }
            for column in board.columns
        ],
        "cells": [
            {
                "system": tag,
                "column": column.name,
                "mean": rounded(cell.mean),
                "interval": _pair(cell.interval),
                "best": cell.best,
                "level_with_best": cell.level,
                "rank": cell.rank,
                **({"run_ends_at": cell.depth} if cell.depth else {}),
                **({"equal_to_best": cell.equal} if board.margin is not None else {}),
                **_hole(board.holes.get((tag, column.name))),
            }
            for tag in board.tags
            for column in board.columns
            if (cell := board.cells.get((tag, column.name)))
        ],
        "comparisons": [
            comparison_json(comparison, board.alpha, board.smallest_alpha()) for comparison in board.family
        ],
        "these_datasets": _these(board),
        "over_datasets": _over(board),
        "notes": list(board.notes),
    }


def comparison_json(comparison: Comparison, alpha: float, family_alpha: float) -> dict[str, Any]:
    """One comparison of two systems on one dataset; what it could find alone, and at a family's first step."""
    equal = {"equivalence_p": significant(comparison.equivalence or 0.0), "equivalent": comparison.equivalent}
    return {
        "dataset": comparison.dataset,
        "first": comparison.first,
        "second": comparison.second,
        "queries": comparison.queries,
        "difference": rounded(comparison.difference),
        "interval": _pair(comparison.interval),
        "effect_size": rounded(comparison.effect_size),
        "dominance": rounded(comparison.dominance),
        "wins": comparison.wins,
        "ties": comparison.ties,
        "losses": comparison.losses,
        "p": significant(comparison.p),
        "p_error": float(f"{comparison.error:.6g}"),
        "p_corrected": significant(comparison.corrected),
        "significant": comparison.significant,
        "detectable": rounded(comparison.detectable(alpha)),
        "detectable_in_family": rounded(comparison.detectable(family_alpha)),
        **({} if comparison.equivalence is None else equal),
    }


def measured_json(measured: Measured, alpha: float, family: int) -> dict[str, Any]:
    """One measure's comparison as a JSON value; `family` is the number of measures."""
    return {
        "measure": measured.measure,
        "first_mean": rounded(measured.first_mean),
        "second_mean": rounded(measured.second_mean),
        **comparison_json(measured.comparison, alpha, alpha / family),
        "queries_that_differ_most": [
            {
                "query_id": query.query_id,
                "first": rounded(query.first),
                "second": rounded(query.second),
                "difference": rounded(query.first - query.second),
                "text": query.text,
            }
            for query in measured.queries
        ],
    }


def rounded(value: float | None) -> float | None:
    """Six digits, beyond which machines may differ; None for what is not a finite number. -0 becomes 0."""
    return None if value is None or not math.isfinite(value) else round(value, 6) + 0.0


def significant(p: float) -> float:
    """Six significant digits; 1e-99 stands for anything smaller, as no test can give 0."""
    return max(float(f"{p:.6g}"), 1e-99)


def _pair(interval: tuple[float, float] | None) -> list[float | None] | None:
    return None if interval is None else [rounded(end) for end in interval]


def _means(board: Leaderboard, matrix: Any) -> dict[str, float | None]:
    return {tag: rounded(matrix.mean(tag)) for tag in board.tags if tag in matrix.tags}


def _hole(hole: Hole | None) -> dict[str, Any]:
    if hole is None:
        return {}
    return {"judged_of_ten": rounded(hole.judged), "mean_if_unjudged_relevant": rounded(hole.if_relevant)}


def _these(board: Leaderboard) -> dict[str, Any] | None:
    these = board.these
    if these is None:
        return None
    return {
        "datasets": len(these.strata),
        "queries": sum(map(len, these.strata)),
        "test": "sign flips within queries, datasets fixed",
        "correction": these.correction,
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "difference": rounded(pair.difference),
                "interval": _pair(pair.interval),
                "p": significant(pair.p),
                "p_corrected": significant(pair.corrected),
                "significant": pair.significant,
                "detectable": rounded(pair.detectable(board.alpha)),
                "detectable_in_family": rounded(pair.detectable(board.alpha / len(these.pairs))),
            }
            for pair in these.with_intervals
        ],
    }


def _over(board: Leaderboard) -> dict[str, Any] | None:
    over = board.over
    if over is None:
        return None
    return {
        "datasets": list(over.datasets),
        "mean_ranks": {tag: rounded(rank) for tag, rank in zip(over.tags, over.mean_ranks, strict=True)},
        "friedman_chi2": rounded(over.friedman[0]) if over.friedman else None,
        "friedman_p": significant(over.friedman[1]) if over.friedman else None,
        "nemenyi_critical_difference": rounded(over.critical_difference),
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "wins": pair.wins,
                "ties": pair.ties,
                "losses": pair.losses,
                "lead": rounded(pair.lead),
                "wilcoxon_p": significant(pair.p),
                "wilcoxon_p_corrected": significant(pair.corrected),
                "significant": pair.significant,
            }
            for pair in over.pairs
        ],
    }

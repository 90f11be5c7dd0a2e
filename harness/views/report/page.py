"""What the template of a measure's page needs; the first view is complete without scripts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.errors import plural
from harness.leaderboard import Leaderboard
from harness.measures import display
from harness.published.reproduction import Verdict
from harness.views.tables.captions import averaged_over, drawn
from harness.views.tables.wording import CORRECTION_NAMES, number, rank_text

FILTERS: dict[str, Callable[..., Any]] = {
    "score": number,
    "rank": lambda rank: rank_text(tuple(rank) if rank else None),
    "counted": lambda value, noun: f"{value:,} {noun if value == 1 else plural(noun)}",
    "signed": lambda value: f"{value + 0.0:+.4f}" if round(value, 4) else "0.0000",
}
STATUS_SIGNS = {"ok": "✓", "close": "≈", "differs": "✗", "not comparable": "∅", "context": "·"}


def baseline_of(tags: Sequence[str], wanted: str | None) -> str:
    """What a chart or list compares with at first, of `tags` from best to worst: the one asked for, bm25, the worst."""
    return next((tag for tag in (wanted, "bm25") if tag in tags), None) or tags[-1]


def context(
    board: Leaderboard, data: Mapping[str, Any], verdicts: Sequence[Verdict], shared: Mapping[str, Any]
) -> dict[str, Any]:
    """The template's variables; `data` is what the page's scripts get, so that both show the same numbers."""
    every = data["groups"][0]
    tags = data["tags"]
    columns = data["columns"]
    by_average = any(average is not None for average in every["average"]) or not columns
    sorted_by = every["average"] if by_average else columns[0]["mean"]
    order = sorted(range(len(tags)), key=lambda at: (sorted_by[at] is None, -(sorted_by[at] or 0.0), at))
    best = [max((mean for mean in column["mean"][: len(board.tags)]), key=lambda m: m or 0.0) for column in columns]
    rows = [
        {
            "at": at,
            "tag": tags[at],
            "tested": at < len(board.tags),
            "average": every["average"][at],
            "rank": every["rank"][at] if at < len(board.tags) else None,
            "cells": [
                {
                    "mean": column["mean"][at],
                    "best": at < len(board.tags) and column["mean"][at] is not None and column["mean"][at] == top,
                    "level": at < len(board.tags) and column["level"][at],
                    "equal": at < len(board.tags) and column["equal"][at],
                }
                for column, top in zip(columns, best, strict=True)
            ],
        }
        for at in order
    ]
    return {
        "board": board,
        "display": display(board.measure),
        "shared": shared,
        "data": data,
        "rows": rows,
        "by_average": by_average,
        "averaged_over": averaged_over(board),
        "queries": sum(column["queries"] for column in columns),
        "test": data["tested"],
        "drawn": drawn(board) if board.test == "permutation" and board.pairs else "",
        "verdicts": [verdict for verdict in verdicts if verdict.status != "no figure"],
        "without_figure": sum(verdict.status == "no figure" for verdict in verdicts),
        "signs": STATUS_SIGNS,
        "shown_measure": display,
        "default_baseline": baseline_of(board.tags, shared["baseline"]),
        "chosen_baseline": shared["baseline"],
        "correction": CORRECTION_NAMES[board.correction],
        "averages": data["groups"][0]["these"],
    }

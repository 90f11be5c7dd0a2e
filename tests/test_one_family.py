"""Table, figure and page correct the same family: against every baseline they mark the same differences."""

import argparse
from pathlib import Path

import pytest

from harness import results
from harness.commands import plot
from harness.leaderboard import build
from harness.views.report.board_data import board_data

RESULTS = Path(__file__).parents[1] / "results"
SYSTEMS = ("bm25", "minilm", "rrf", "retromae-mini", "rrf-bm25-minilm")


def table(found: list, baseline: str) -> dict[tuple[str, str], int]:
    """(system, dataset) -> 1 for †, -1 for ‡."""
    family = build(found, "ndcg@10", baseline).family
    return {(c.first, c.dataset): 1 if c.difference > 0 else -1 for c in family if c.significant}


def figure(found: list, baseline: str, tags: list[str]) -> dict[tuple[str, str], int]:
    """What the dots that `plot differences` fills say, one figure for each system."""
    parser = argparse.ArgumentParser()
    plot.add_arguments(parser)
    marks = {}
    for tag in tags:
        drawn = plot.figure(
            parser.parse_args(["differences", "--output", "x.png", "--baseline", baseline, "--system", tag]), found
        )
        (axes,) = drawn.axes
        for line in axes.lines:
            if line.get_marker() == "o" and line.get_markerfacecolor() != "white":
                dataset = axes.get_yticklabels()[int(line.get_ydata()[0])].get_text().partition("  n ")[0]
                marks[tag, dataset] = 1 if line.get_xdata()[0] > 0 else -1
    return marks


def page(found: list, baseline: str) -> dict[tuple[str, str], int]:
    """What the page's script marks when that system is chosen to compare with."""
    board = build(found, "ndcg@10")
    data = board_data(board, board.groups(), found, [])
    at, marks = data["tags"].index(baseline), {}
    for column in data["columns"]:
        systems, pairs = column["systems"], column["pairs"]
        places = [(i, j) for i in range(len(systems)) for j in range(i + 1, len(systems))]
        for place, (i, j) in enumerate(places):
            first, second, difference = systems[i], systems[j], pairs["difference"][place]
            if second == at and pairs["againstSecond"][place] <= data["alpha"]:
                marks[data["tags"][first], column["name"]] = 1 if difference > 0 else -1
            if first == at and pairs["againstFirst"][place] <= data["alpha"]:
                marks[data["tags"][second], column["name"]] = 1 if difference < 0 else -1
    assert data["families"][at] == len(board.against(baseline)) == 7 * (len(data["tags"]) - 1)
    return marks


@pytest.mark.parametrize("baseline", SYSTEMS)
def test_table_figure_and_page_mark_the_same(baseline: str) -> None:
    found, _ = results.read(RESULTS)
    tags = sorted({result.tag for result in found} - {baseline})
    marks = table(found, baseline)
    assert marks and figure(found, baseline, tags) == marks == page(found, baseline)


def test_vaswani_against_bm25_as_the_table_has_it() -> None:
    found, _ = results.read(RESULTS)
    assert table(found, "bm25")["rrf-bm25-minilm", "vaswani"] == 1
    assert figure(found, "bm25", ["rrf-bm25-minilm"])["rrf-bm25-minilm", "vaswani"] == 1


@pytest.mark.parametrize("correction", ["holm", "bonferroni", "bh"])
def test_a_board_knows_the_family_of_every_baseline(correction: str) -> None:
    found = results.select(results.read(RESULTS)[0], ["cacm", "cisi"])
    assert list(build(found, "map", "minilm", "t", correction).family) == build(
        found, "map", "bm25", "t", correction
    ).against("minilm")


def test_a_short_p_stays_on_its_side_of_alpha() -> None:
    from harness.views.report.board_data import _short

    assert _short(0.050004, 0.05) == 0.050004 and _short(0.04996, 0.05) <= 0.05 and _short(0.0123456, 0.05) == 0.0123

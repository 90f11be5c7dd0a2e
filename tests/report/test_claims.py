"""What the page claims: one family a view, its size and correction beside every mark, and why two views may differ."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_browser import column, opened
from test_site import whole

from harness import results as stored
from harness.cli import main
from harness.leaderboard import build
from harness.views.report import site as report_site
from made_results import systems

DATASETS = {"scifact": 60, "nfcorpus": 60, "own": 12}
SHIFTS = {"base": 0.0, "like": 0.001, "good": 0.16, "best": 0.2}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole(systems(tmp_path_factory.mktemp("claims") / "r", DATASETS, SHIFTS))


def made(results: Path, correction: str, margin: float | None, baseline: str | None) -> Path:
    output = results.parent / f"site-{correction}-{margin}-{baseline}"
    report_site.write(results, output, ["ndcg@10"], correction=correction, margin=margin, baseline=baseline)
    return output


def data(site: Path) -> Any:
    return json.loads((site / "data/board-0.js").read_text().partition(",")[2].removesuffix(");\n"))


@pytest.mark.parametrize("correction", ["holm", "maxt"])
@pytest.mark.parametrize("margin", [None, 0.08])
def test_the_page_says_what_the_leaderboard_says(results: Path, correction: str, margin: float | None) -> None:
    page = data(made(results, correction, margin, None))
    found = stored.read(results)[0]
    board = build(found, "ndcg@10", None, correction=correction, margin=margin)
    tags = page["tags"]
    for at in page["columns"]:
        for place, tag in enumerate(tags):
            cell = board.cells[tag, at["name"]]
            assert (at["level"][place], tuple(at["rank"][place])) == (cell.level, cell.rank)
            assert at["equal"][place] == (cell.equal and not cell.best)
    for baseline in tags:
        family = build(found, "ndcg@10", baseline, correction=correction, margin=margin).family
        assert page["families"][tags.index(baseline)] == len(family)
        for one in family:
            at = next(column for column in page["columns"] if column["name"] == one.dataset)
            i, j = at["systems"].index(tags.index(one.first)), at["systems"].index(tags.index(baseline))
            low, high, n = min(i, j), max(i, j), len(at["systems"])
            place, side = low * (2 * n - low - 1) // 2 + high - low - 1, "Second" if i < j else "First"
            assert at["pairs"][f"against{side}"][place] == pytest.approx(one.corrected, rel=1e-2)
            assert (at["pairs"][f"against{side}"][place] <= page["alpha"]) == one.significant
            assert margin is None or at["pairs"][f"equal{side}"][place] == one.equivalent


@pytest.mark.parametrize("correction", ["holm", "maxt"])
def test_ranks_and_marks_of_a_table_are_one_family(results: Path, correction: str) -> None:
    board = build(stored.read(results)[0], "ndcg@10", correction=correction)
    assert board.pairs == board.family


@pytest.mark.browser
def test_every_mark_has_its_family_beside_it(tab: Any, results: Path) -> None:
    opened(tab, made(results, "maxt", 0.08, None))
    legend = tab.inner_text(".legend")
    assert "not separable from the best: sign flips of whole queries, step-down max-T over 18 comparisons" in legend
    assert "equal to the best within 0.08: two one-sided t-tests, Holm over 18 comparisons" in legend
    tab.select_option("#baseline", label="base")
    legend = tab.inner_text(".legend")
    assert "worse than base: sign flips of whole queries, step-down max-T over 9 comparisons" in legend
    assert "not separable" not in legend
    assert tab.evaluate("getComputedStyle(document.querySelector('td.level, td'), '::after').content") == "none"
    marks = dict(zip(column(tab, 0), column(tab, 3), strict=True))
    assert "≈" in marks["like"] and "▲" in marks["best"]
    assert "9 comparisons with base" in tab.inner_text("#differences-chart .how")


@pytest.mark.browser
def test_the_page_opens_compared_with_the_baseline(tab: Any, results: Path) -> None:
    opened(tab, made(results, "holm", None, "like"))
    assert tab.inner_text("#baseline-name") == "like"
    assert tab.evaluate("document.querySelector('#second').selectedOptions[0].textContent") == "like"
    assert tab.evaluate("location.hash") == ""
    tab.goto((made(results, "holm", None, "like") / "queries.html").as_uri())
    tab.wait_for_selector("#query h2")
    assert (tab.input_value("#first"), tab.input_value("#second")) == ("best", "like")


@pytest.mark.browser
def test_a_card_says_why_an_interval_leaves_out_0_and_nothing_is_claimed(tab: Any, results: Path) -> None:
    site = made(results, "holm", None, None)
    page, told = data(site), 0
    opened(tab, site)
    for at, one in enumerate(page["columns"]):
        top = one["mean"].index(max(one["mean"]))
        for row in range(len(page["tags"])):
            tab.click(f"#board tbody tr[data-at='{row}'] td:nth-child({at + 4})")
            said = tab.inner_text("#card")
            other = top if row != top else one["mean"].index(sorted(one["mean"])[-2])
            low, high = sorted((one["systems"].index(row), one["systems"].index(other)))
            place = low * (2 * len(page["tags"]) - low - 1) // 2 + high - low - 1
            without = one["pairs"]["low"][place] > 0 or one["pairs"]["high"][place] < 0
            assert ("leaves out 0. Corrected for 18 comparisons, the difference isn't significant" in said) == (
                without and "Not separable" in said
            )
            assert "Holm over 18 comparisons" in said
            told += "leaves out 0" in said
            if wanted := re.search(r"like this one with some ([\d,]+) queries", said):
                least, gap = one["pairs"]["least"][place], 1e-5 * one["pairs"]["difference"][place]
                estimate = one["queries"] * (least / gap) ** 2
                assert (
                    int(wanted[1].replace(",", "")) == pytest.approx(estimate, rel=0.06) and estimate > one["queries"]
                )
            tab.keyboard.press("Escape")
    assert told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--baseline", "bask"], "unknown baseline 'bask'; did you mean 'base'?"),
        (["--correction", "bh"], "there is no 'bh'; there is holm, maxt"),
        (["--margin", "0"], "0 is not between 0 and 1"),
    ],
)
def test_what_a_page_can_not_claim(results: Path, words: list[str], says: str, capsys: pytest.CaptureFixture) -> None:
    try:
        assert main(["report", "--results", str(results), "--output", str(results.parent / "no"), *words]) == 2
    except SystemExit as stopped:
        assert stopped.code == 2
    assert says in capsys.readouterr().err

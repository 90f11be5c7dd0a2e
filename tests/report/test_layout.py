"""The page on a phone, on a wide screen and on paper: what is written can be read, and nothing is cut."""

import io
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from test_browser import opened
from test_site import whole

from harness.datasets import dataset_table
from harness.views.report import site as report_site
from made_results import systems

pytestmark = pytest.mark.browser
SIZES = {width: {"viewport": {"width": width, "height": 900}} for width in (380, 800, 1400)}
each_size = pytest.mark.parametrize("tab", SIZES.values(), indirect=True, ids=map(str, SIZES))
SYSTEMS = {"bm25": 0.0, "a-dense-encoder": 0.05, "rrf-bm25-dense": 0.1, "late-interaction-v2": 0.12, "other": 0.02}
DATASETS = list(dataset_table.groups()["beir"])[:18]


@pytest.fixture(scope="session")
def broad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of 18 datasets and 5 systems, which all say what they cost."""
    results = systems(tmp_path_factory.mktemp("broad") / "r", dict.fromkeys(DATASETS, 12), SYSTEMS)
    costs = {tag: 5.0 * 1.1**at for at, tag in enumerate(SYSTEMS)}
    whole(results, costs=lambda tag: {"index": {"index_bytes": 1}, "search": {"latency": {"p50_ms": costs[tag]}}})
    report_site.write(results, results.parent / "site", ["ndcg@10", "mrr@10"])
    return results.parent / "site"


def said(pages: Any) -> str:
    """The text of a PDF without white space, and without the ligatures that a font makes."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", "".join(page.extract_text() for page in pages)))


@each_size
def test_a_chart_keeps_its_size_and_can_be_scrolled_where_it_is_wider(tab: Any, broad: Path) -> None:
    drawings = opened(tab, broad).eval_on_selector_all(
        ".drawing",
        """all => all.map(one => {
          const image = one.firstChild, scale = image.getBoundingClientRect().width / image.viewBox.baseVal.width;
          return [12 * scale, one.scrollWidth <= one.clientWidth || one.tabIndex === 0] })""",
    )
    assert len(drawings) == 3
    assert all(size >= 11 and reachable for size, reachable in drawings)
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]


@each_size
def test_no_words_of_a_chart_lie_on_others(tab: Any, broad: Path) -> None:
    opened(tab, broad)
    for select, option in [("#cost-axis", "0"), ("#cost-axis", "1"), ("#where", "3"), ("#where", "")]:
        tab.select_option(select, option)
        overlaps = tab.eval_on_selector_all(
            ".drawing svg",
            """all => all.flatMap(image => {
              const all = [...image.querySelectorAll("text")];
              const words = all.map(one => [one.textContent, one.getBoundingClientRect()]);
              return words.flatMap(([a, p], at) => words.slice(at + 1).filter(([b, q]) =>
                p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 3 && q.top < p.bottom - 3)
                .map(([b]) => a + " on " + b)) })""",
        )
        assert overlaps == []


@each_size
def test_the_chosen_tab_is_in_view(tab: Any, site: Path) -> None:
    for name in ("index.html", "map.html", "queries.html"):
        box = opened(tab, site, name).locator(".top nav [aria-current]").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= tab.viewport_size["width"]


@pytest.mark.parametrize("tab", [SIZES[1400]], indirect=True)
def test_a_wide_screen_is_used(tab: Any, broad: Path) -> None:
    for name in ("leaderboard", "differences", "pairs", "ranks", "cost"):
        right = opened(tab, broad).eval_on_selector_all(
            f"#{name} p, #{name} table, #{name} svg",
            "all => Math.max(...all.map(one => one.getBoundingClientRect().right))",
        )
        assert right > 1000, name


def test_the_average_is_no_bolder_than_the_rest(tab: Any, broad: Path) -> None:
    weights = opened(tab, broad).eval_on_selector_all(
        "#board td.average", "all => all.map(one => getComputedStyle(one).fontWeight)"
    )
    assert set(weights) == {"400"}


@pytest.mark.parametrize("tab", [{}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_on_paper_every_column_is_there_shaded_and_light(tab: Any, broad: Path, paper: str) -> None:
    reader = pytest.importorskip("pypdf", reason="needs pypdf: pip install pypdf")
    opened(tab, broad).select_option("#where", "")
    pages = reader.PdfReader(io.BytesIO(tab.pdf(format=paper))).pages
    text = said(pages)
    for name in DATASETS:
        assert text.count(name) >= 2, name  # a column, and a line of the differences
    for tag in SYSTEMS:
        assert text.count(tag) >= 4, tag
    drawn = b"".join(page.get_contents().get_data() for page in pages)
    colours = {
        tuple(round(float(part) * 255) for part in found.split()) for found in re.findall(rb"((?:[\d.]+ ){3})rg", drawn)
    }
    assert {(0xCF, 0xE4, 0xF5), (0xE3, 0xEF, 0xF9)} <= colours  # the best, and what is level with it
    assert (0x14, 0x18, 0x1D) not in colours  # the dark page
    assert tab.locator(".parts").count() == 0  # the screen is as it was


def test_a_filtered_table_is_printed_as_it_is_shown(tab: Any, broad: Path) -> None:
    reader = pytest.importorskip("pypdf", reason="needs pypdf: pip install pypdf")
    opened(tab, broad).fill("#filter", "dense")
    text = said(reader.PdfReader(io.BytesIO(tab.pdf())).pages)
    assert "late-interaction" not in text.partition("Differences")[0]


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of systems and datasets whose names have no place to break."""
    names = {"own": 12, "x" * 90: 12, "Köln — «data» & <b>": 12}
    results = systems(tmp_path_factory.mktemp("odd") / "r", names, {"a": 0.0, "y" * 80: 0.1, "[x]": 0.2})
    report_site.write(results, results.parent / "site", ["ndcg@10"])
    return results.parent / "site"


@each_size
def test_no_name_is_too_long_for_the_page(tab: Any, odd: Path) -> None:
    for name in ("index.html", "queries.html"):
        opened(tab, odd, name)
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

"""The page in a real browser, opened from disk: sort, filter, explain, keyboard, phone, dark mode."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 380, "height": 800}, "has_touch": True, "is_mobile": True}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "tablet": {"viewport": {"width": 800, "height": 900}},
    "wide": {"viewport": {"width": 1400, "height": 900}},
}


def opened(tab: Any, site: Path, name: str = "index.html") -> Any:
    tab.goto((site / name).as_uri())
    tab.wait_for_selector("#pairs-chart table, #query h2")
    return tab


def column(tab: Any, number: int) -> list[str]:
    return tab.eval_on_selector_all(
        "#board tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{number}].innerText.trim())"
    )


@pytest.mark.parametrize(("button", "number"), [("average", 1), ("0", 3), ("1", 4)])
def test_a_click_sorts_down_and_another_one_up(tab: Any, site: Path, button: str, number: int) -> None:
    opened(tab, site).click("[data-sort=tag]")
    tab.click(f"[data-sort='{button}']")
    shown = column(tab, number)
    assert shown == sorted(shown, reverse=True)
    assert tab.locator("th[aria-sort=descending] button").get_attribute("data-sort") == button
    tab.click(f"[data-sort='{button}']")
    assert column(tab, number) == shown[::-1]


def test_systems_sort_by_name_and_the_rank_follows_the_column(tab: Any, site: Path) -> None:
    opened(tab, site).click("[data-sort=tag]")
    assert column(tab, 0) == ["alpha", "beta", "delta", "gamma"]
    tab.click("[data-sort='0']")
    assert tab.inner_text("#rank-head") == "Rank in hostile"
    assert column(tab, 2)[0] in ("1", "1–2")


def test_filter_by_name(tab: Any, site: Path) -> None:
    opened(tab, site).fill("#filter", "TA")
    assert sorted(column(tab, 0)) == ["beta", "delta"]
    assert tab.inner_text("#count") == "2 of 4 systems"


def test_hover_explains_a_number_and_leaves_again(tab: Any, site: Path) -> None:
    opened(tab, site).hover("#board tbody tr:last-child td:nth-child(4)")
    said = tab.inner_text("#card")
    for part in (
        "on hostile",
        "Rank",
        "Significantly worse than alpha",
        "Difference",
        "p corrected",
        "won",
        "Holm over 12 comparisons",
    ):
        assert part in said
    tab.hover("h1")
    assert tab.is_hidden("#card")


def test_a_baseline_marks_what_is_significant(tab: Any, site: Path) -> None:
    opened(tab, site).select_option("#baseline", label="gamma")
    marks = dict(zip(column(tab, 0), column(tab, 3), strict=True))
    assert "▲" in marks["alpha"]
    assert marks["gamma"].strip("0.123456789°") == ""
    tab.select_option("#baseline", "")
    assert not any("▲" in text for text in column(tab, 3))


def test_the_keyboard_alone_reaches_and_explains_every_number(tab: Any, site: Path) -> None:
    opened(tab, site).focus(".scroll")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.tagName") == "TD":
            break
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        tab.keyboard.press(key)
    assert tab.evaluate("document.activeElement.parentElement.rowIndex") == 2
    tab.keyboard.press("Enter")
    assert "on hostile" in tab.inner_text("#card")
    assert tab.evaluate("document.activeElement.textContent") == "Close"
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open] pre")
    assert "beir-harness score" in tab.inner_text("dialog details[open] pre")
    tab.keyboard.press("Escape")
    tab.wait_for_selector("dialog:not([open])", state="attached")
    tab.keyboard.press("Escape")
    assert tab.is_hidden("#card")


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_a_tap_on_a_phone_opens_a_sheet_that_does_not_hide_the_number(tab: Any, site: Path) -> None:
    opened(tab, site).tap("#board tbody tr:last-child td:nth-child(4)")
    sheet, cell = tab.locator("#card").bounding_box(), tab.locator("#board td.open").bounding_box()
    assert (sheet["x"], sheet["width"]) == (0, 380)
    assert cell["y"] + cell["height"] <= sheet["y"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= 380
    tab.tap("#card button")
    assert tab.is_hidden("#card")


@pytest.mark.parametrize("tab", [{"color_scheme": "dark"}], indirect=True)
def test_dark_as_the_system_wishes_and_the_choice_is_kept(tab: Any, site: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    assert opened(tab, site).evaluate(background) == "rgb(20, 24, 29)"
    tab.click("#theme")
    assert tab.evaluate(background) == "rgb(255, 255, 255)"
    assert opened(tab, site, "map.html").evaluate(background) == "rgb(255, 255, 255)"


def test_charts_follow_their_choices(tab: Any, site: Path) -> None:
    opened(tab, site).select_option("#first", label="gamma")
    tab.select_option("#second", label="alpha")
    assert tab.inner_text("#differences-chart p").startswith("gamma minus alpha, nDCG@10: 0 significantly above")
    tab.select_option("#where", label="all systems on other")
    assert "every system minus alpha on other" in tab.inner_text("#differences-chart p")
    tab.select_option("#pairs-where", "other")
    assert tab.locator("#pairs-chart tbody td").count() == 16
    assert "Friedman test over 2 datasets" in tab.inner_text("#ranks-chart")


@pytest.mark.parametrize("tab", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_the_table_can_be_read(tab: Any, site: Path) -> None:
    tab.goto((site / "index.html").as_uri())
    assert tab.locator("#board tbody tr").count() == 4
    assert tab.inner_text("#board tbody tr:first-child th") == "alpha"


@pytest.mark.parametrize("name", ["index.html", "queries.html"])
@pytest.mark.parametrize("tab", LOOKS.values(), indirect=True, ids=LOOKS)
def test_axe_finds_nothing(tab: Any, site: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    opened(tab, site, name)
    if name == "index.html":
        tab.click("#board tbody tr:last-child td:nth-child(4)")
        tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    # The page's policy forbids that axe fetches the style sheets; it sees them as they are applied.
    found = axe.Axe().run(tab, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []

"""The view is in the address: a link opens it, back returns to the one before, and no link does more than that."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from test_browser import column, opened

pytestmark = pytest.mark.browser
VIEW = {"systems": "alp, ta", "baseline": "gamma", "sort": "other", "order": "up", "minus": "alpha", "on": "hostile",
        "pairs": "other", "cost": "Size of the index"}  # fmt: skip
HOSTILE = [
    "%",
    "%E0%A4%A",
    "a=1&&&=&b",
    "baseline=" + "x" * 100_000,
    urlencode(dict.fromkeys(VIEW, "<img src=x onerror=window.pwned=1>")),
    urlencode(dict.fromkeys(VIEW, "\"]'; window.pwned = 1 //")),
    urlencode(
        {"__proto__": "1", "constructor": "x", "sort": "__proto__", "order": "toString", "baseline": "hasOwnProperty"}
    ),
]


def address(tab: Any) -> dict[str, str]:
    return {key: one[0] for key, one in parse_qs(tab.evaluate("location.hash.slice(1)")).items()}


def at(tab: Any, site: Path, page: str, fragment: str) -> Any:
    tab.goto("about:blank")
    tab.goto((site / page).as_uri() + "#" + fragment)
    tab.wait_for_selector("#pairs-chart table, #query h2")
    return tab


def view(tab: Any) -> list[Any]:
    """What a reader sees of the leaderboard and the charts."""
    return [column(tab, 0), column(tab, 3), tab.inner_text("#differences-chart"), tab.inner_text("#pairs-chart")]


def test_what_is_chosen_can_be_sent_to_a_colleague(tab: Any, site: Path) -> None:
    opened(tab, site).fill("#filter", "alp, ta")
    tab.select_option("#baseline", label="gamma")
    tab.click("[data-sort='1']")
    tab.click("[data-sort='1']")
    tab.select_option("#second", label="alpha")
    tab.select_option("#where", label="all systems on hostile")
    tab.select_option("#pairs-where", "other")
    assert address(tab) == {key: VIEW[key] for key in VIEW if key != "cost"}
    seen, link = view(tab), tab.evaluate("location.hash.slice(1)")
    assert view(at(tab, site, "index.html", link)) == seen
    assert tab.inner_text("#count") == "3 of 4 systems"
    assert tab.get_attribute("th[aria-sort=ascending] button", "data-sort") == "1"


def test_back_returns_to_the_view_before(tab: Any, site: Path) -> None:
    opened(tab, site)
    seen = [view(tab)]
    for choose in (
        lambda: tab.select_option("#baseline", label="gamma"),
        lambda: tab.click("[data-sort='0']"),
        lambda: tab.select_option("#where", label="all systems on other"),
    ):
        choose()
        seen.append(view(tab))
    for expected in seen[-2::-1]:
        tab.go_back()
        tab.wait_for_function("old => document.querySelector('#differences-chart').innerText === old", arg=expected[2])
        assert view(tab) == expected
    assert address(tab) == {}
    tab.go_forward()
    assert tab.input_value("#baseline") != "" and address(tab) == {"baseline": "gamma"}


def test_a_view_as_it_came_has_a_plain_address(tab: Any, site: Path) -> None:
    opened(tab, site).select_option("#baseline", label="gamma")
    tab.select_option("#baseline", "")
    assert tab.url == (site / "index.html").as_uri()


def test_the_view_goes_along_to_another_measure(tab: Any, site: Path) -> None:
    opened(tab, site).select_option("#baseline", label="gamma")
    tab.click("text=MAP")
    tab.wait_for_selector("#pairs-chart table")
    assert tab.url.endswith("map.html#baseline=gamma")
    assert tab.evaluate("document.querySelector('#baseline').selectedOptions[0].textContent") == "gamma"


def test_a_link_that_is_followed_on_the_open_page_is_shown(tab: Any, site: Path) -> None:
    opened(tab, site).evaluate("location.hash = 'systems=gam&sort=other'")
    tab.wait_for_function("document.querySelector('#count').textContent === '1 of 4 systems'")
    assert tab.get_attribute("th[aria-sort=descending] button", "data-sort") == "1"


@pytest.mark.parametrize("fragment", HOSTILE, ids=range(len(HOSTILE)))
def test_no_link_does_more_than_choose(tab: Any, site: Path, fragment: str) -> None:
    plain = view(opened(tab, site))
    at(tab, site, "index.html", fragment)
    assert tab.evaluate("window.pwned") is None
    assert tab.locator("#board img, main script").count() == 0
    tab.fill("#filter", "")
    assert view(tab) == plain
    at(tab, site, "queries.html", fragment)
    assert tab.evaluate("window.pwned") is None


def test_queries_open_on_the_best_against_the_baseline(tab: Any, site: Path) -> None:
    opened(tab, site, "queries.html")
    assert (tab.input_value("#first"), tab.input_value("#second")) == ("alpha", "delta")
    assert address(tab).keys() == {"dataset", "first", "second", "measure", "query"}


def test_queries_keep_order_and_text_in_the_address_and_go_back(tab: Any, site: Path) -> None:
    opened(tab, site, "queries.html").select_option("#order", "low")
    tab.fill("#search", "plain")
    names = tab.locator("#list button").evaluate_all("all => all.map(one => one.dataset.query)")
    link = tab.evaluate("location.hash.slice(1)")
    assert (address(tab)["order"], address(tab)["text"]) == ("low", "plain")
    tab.click("#list li:nth-child(3) button")
    assert address(tab)["query"] == names[2]
    tab.go_back()
    tab.wait_for_function(
        "name => document.querySelector('#list [aria-current]')?.dataset.query !== name", arg=names[2]
    )
    assert tab.evaluate("location.hash.slice(1)") == link
    at(tab, site, "queries.html", link)
    assert tab.locator("#list button").evaluate_all("all => all.map(one => one.dataset.query)") == names

"""The per-query browser in a real browser, with texts that try to break out of it."""

import re
from pathlib import Path
from typing import Any

import hostile
import pytest
from test_browser import PHONE, opened

pytestmark = pytest.mark.browser


def chosen(tab: Any, site: Path, query: str, first: str = "alpha", second: str = "gamma") -> Any:
    where = f"#dataset=hostile&first={first}&second={second}&measure=ndcg%4010&query={query}"
    tab.goto((site / "queries.html").as_uri() + where)
    tab.wait_for_function("query => document.querySelector('#query h2')?.textContent === 'Query ' + query", arg=query)
    return tab


def test_no_text_or_id_becomes_markup(tab: Any, site: Path) -> None:
    for query in hostile.QUERIES:
        chosen(tab, site, query)
        tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.goto((site / "index.html").as_uri())
    tab.click("#board tbody tr:first-child td:nth-child(4)")
    chosen(tab, site, "q1")
    assert hostile.SCRIPT in tab.inner_text("#query blockquote")
    assert tab.evaluate("window.pwned") is None
    assert tab.evaluate("document.querySelectorAll('#query img, #query script, #list img').length") == 0


def test_a_script_that_got_in_would_not_run(tab: Any, site: Path, tmp_path: Path) -> None:
    """The second line of defence: the page's policy, should a text ever become markup."""
    for path in site.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(site)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    page = tmp_path / "index.html"
    page.write_text(page.read_text().replace("<h1>", "<script>window.pwned = 1</script><h1>"))
    heard: list[str] = []
    fresh = tab.context.browser.new_page()
    fresh.on("console", lambda message: heard.append(message.text))
    fresh.goto(page.as_uri())
    assert fresh.evaluate("window.pwned") is None
    assert any("Content Security Policy" in text for text in heard)
    fresh.close()


def test_lists_say_what_is_known_of_each_document(tab: Any, site: Path) -> None:
    chosen(tab, site, "p1")
    at = list(hostile.QUERIES).index("p1")
    found = tab.eval_on_selector_all(
        "#query .pair > div:first-child ol.hits:not(.missed) > li",
        "items => items.map(item => [item.querySelector('.meta span:nth-of-type(2)').textContent, item.className])",
    )
    assert len(found) == 10
    grades = dict(zip(hostile.judged(at), (2, 1, 1, 0), strict=True))
    for doc_id, style in found:
        known = {None: "unjudged", 0: "wrong"}.get(grades.get(doc_id), "relevant")
        assert style == known, doc_id


def test_what_a_system_missed_is_named_with_its_rank(tab: Any, site: Path) -> None:
    heads = []
    for query in list(hostile.QUERIES)[4:]:
        chosen(tab, site, query)
        heads += tab.locator("#query .pair > div:last-child ol.missed .meta b").all_inner_texts()
    assert heads
    assert all(re.fullmatch(r"rank (1[1-9]|2[0-9])|not retrieved", head) for head in heads)


def test_a_megabyte_is_cut_with_a_notice(tab: Any, site: Path) -> None:
    chosen(tab, site, "q3")
    assert "The query has 1,080,000 characters; the first 2,000 are shown." in tab.inner_text("#query .notice")
    assert max(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 200_000


def test_right_to_left_text_keeps_its_direction(tab: Any, site: Path) -> None:
    chosen(tab, site, "q2")
    assert tab.evaluate("getComputedStyle(document.querySelector('#query blockquote')).unicodeBidi") == "plaintext"
    assert "🦊" in tab.inner_text("#query blockquote")


def test_queries_come_by_difference_and_can_be_searched(tab: Any, site: Path) -> None:
    chosen(tab, site, "p1")
    gaps = [float(text.replace("−", "-").replace("±", "")) for text in tab.locator("#list .gap").all_inner_texts()]
    assert len(gaps) == len(hostile.QUERIES)
    assert [abs(gap) for gap in gaps] == sorted((abs(gap) for gap in gaps), reverse=True)
    tab.select_option("#order", "loss")
    worst = [float(text.replace("−", "-").replace("±", "")) for text in tab.locator("#list .gap").all_inner_texts()]
    assert worst == sorted(gaps)
    tab.fill("#search", "plain 3")
    assert tab.locator("#list li").count() == 1


def test_from_a_number_to_its_queries(tab: Any, site: Path) -> None:
    opened(tab, site).click("#board tbody tr:last-child td:nth-child(4)")
    last = tab.inner_text("#board tbody tr:last-child th")
    tab.click("#card .acts a")
    tab.wait_for_selector("#query .pair")
    assert tab.input_value("#first") == last
    assert tab.input_value("#second") == "alpha"


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_on_a_phone_one_list_stands_above_the_other(tab: Any, site: Path) -> None:
    chosen(tab, site, "p1")
    left, right = (tab.locator(f"#query .pair > div:nth-child({n})").bounding_box() for n in (1, 2))
    assert right["y"] >= left["y"] + left["height"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= 380

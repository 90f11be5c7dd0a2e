"""One query of two systems, worked out by hand; the same for the page and for the terminal."""

import dataclasses
import json
from pathlib import Path

import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import datasets
from harness import results as stored
from harness.cli import main
from harness.records import Query, ScoredDoc
from harness.runs import order
from harness.views import query_browser, query_text
from harness.views.query_browser import Judgments, Missed, Ranked, clipped, view
from harness.views.report import queries

RUN = order([ScoredDoc("q", f"d{n}", 30.0 - n) for n in range(1, 13)], [Query("q", "")], 1000)


@pytest.mark.parametrize(
    ("grades", "level", "top", "missed", "in_all"),
    [
        ({"d1": 1, "d2": 0}, 1, {"d1": 1, "d2": 0}, [], 0),
        ({"d11": 1, "d12": 2, "gone": 2}, 1, {}, [("d12", 2, 12), ("gone", 2, None), ("d11", 1, 11)], 3),
        ({"d11": 1, "d12": 2}, 2, {}, [("d12", 2, 12)], 1),
        ({"d11": 0}, 1, {}, [], 0),
        ({f"x{n:02}": 1 for n in range(60)}, 1, {}, [(f"x{n:02}", 1, None) for n in range(50)], 60),
    ],
)
def test_what_is_found_and_missed(grades: dict, level: int, top: dict, missed: list, in_all: int) -> None:
    found = view(RUN, Judgments({"q": grades}, level), "q")
    assert found.top == tuple(Ranked(f"d{n}", n, 30.0 - n, top.get(f"d{n}")) for n in range(1, 11))
    assert found.missed == tuple(Missed(*one) for one in missed)
    assert (found.missed_in_all, found.retrieved) == (in_all, 12)


def test_a_query_without_results() -> None:
    found = view(RUN, Judgments({"other": {"d1": 1}}, 1), "other")
    assert (found.top, found.missed, found.retrieved) == ((), (Missed("d1", 1, None),), 0)


@given(st.text(max_size=60), st.integers(1, 12))
def test_clipped_says_the_length_exactly_where_it_cut(text: str, length: int) -> None:
    shown, characters = clipped(text, length)
    assert len(shown) <= length
    flat = " ".join(text.split())
    assert flat.startswith(shown.rstrip())
    assert characters in (0, len(text))
    if not characters:
        assert shown == flat


def test_the_own_document_is_named_where_the_rules_drop_it(data_dir: Path) -> None:
    """No collection of this size has the rule in the table; the flag is what the table would set."""
    plain = datasets.load("hostile", [data_dir])
    for dataset, dropped in ((plain, False), (dataclasses.replace(plain, exclude_self=True), True)):
        records, _ = queries._details(dataset, [], ["__proto__", "q1"], {})
        assert [record["own"] for record in records] == [dropped, False]  # __proto__ is also a document


def printed(made: Path, data_dir: Path, capsys: pytest.CaptureFixture, *more: str) -> str:
    folders = ["--results", str(made), "--data-dir", str(data_dir), "--offline"]
    assert main(["compare", "alpha", "gamma", "--dataset", "hostile", *folders, *more]) == 0
    return str(capsys.readouterr().out)


def test_the_terminal_shows_both_lists(made: Path, data_dir: Path, capsys: pytest.CaptureFixture) -> None:
    shown = printed(made, data_dir, capsys, "--query", "p1")
    data = json.loads(printed(made, data_dir, capsys, "--query", "p1", "--json"))
    assert "### Query p1 of hostile\n\nplain question 1\n\nnDCG@10 " in shown
    assert "3 relevant of 4 judged documents" in shown
    for tag in ("alpha", "gamma"):
        for one in data["systems"][tag]["top"]:
            sign = "?" if one["grade"] is None else "✓" if one["grade"] else "✗"
            assert f"{one['rank']:>4} {sign} {one['doc_id']}"[:50] in shown
    assert max(map(len, shown.splitlines())) <= 120


def test_no_document_steers_the_terminal(made: Path, data_dir: Path, capsys: pytest.CaptureFixture) -> None:
    shown = printed(made, data_dir, capsys, "--query", "q2")
    assert not {"\u202e", "\u2028", "\x1b"} & set(shown)


def test_a_megabyte_of_query_is_cut(made: Path, data_dir: Path, capsys: pytest.CaptureFixture) -> None:
    shown = printed(made, data_dir, capsys, "--query", "q3")
    assert "(1,080,000 characters)" in " ".join(shown.split())
    assert len(shown) < 8_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--query", "p11"], "unknown query of hostile 'p11'; did you mean 'p1'?")],
)
def test_what_cannot_be_shown(
    made: Path, data_dir: Path, capsys: pytest.CaptureFixture, arguments: list[str], says: str
) -> None:
    folders = ["--results", str(made), "--data-dir", str(data_dir)]
    assert main(["compare", "alpha", "gamma", "--dataset", "hostile", *folders, *arguments]) == 2
    assert says in capsys.readouterr().err


def test_page_and_terminal_agree(made: Path, data_dir: Path, site: Path) -> None:
    dataset = datasets.load("hostile", [data_dir])
    pair = [
        result for result in stored.read(made)[0] if result.dataset == "hostile" and result.tag in ("alpha", "gamma")
    ]
    index = json.loads((site / "queries/0/index.js").read_text().partition(",")[2].removesuffix(");\n"))
    for at, (query_id, _) in enumerate(index["queries"]):
        page = json.loads((site / f"queries/0/{at}.js").read_text().partition(",")[2].removesuffix(");\n"))
        terminal = query_text.look_up(dataset, pair, query_id)
        for tag in ("alpha", "gamma"):
            system = page["systems"][index["tags"].index(tag)]
            assert [page["docs"][doc][0] for doc, _, _ in system["top"]] == [
                one["doc_id"] for one in terminal["systems"][tag]["top"]
            ]
            assert system["missedInAll"] == terminal["systems"][tag]["missed_in_all"]
    assert list(query_browser.documents(dataset, ["nowhere"])) == []
    assert len(index["queries"]) == len(hostile.QUERIES)

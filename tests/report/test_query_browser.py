"""One query of two systems, worked out by hand; the same for the page and for the terminal."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

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
from harness.views.kept import kept
from harness.views.query_browser import Judgments, Missed, Ranked, clipped, view
from harness.views.report import queries
from harness.views.report import site as report_site

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


def bare(made: Path, target: Path, *without: str) -> Path:
    """A copy of a results folder as a clone has it: without run files, and without what else is named."""
    shutil.copytree(made, target, ignore=shutil.ignore_patterns("run.trec.gz"))
    for place in target.glob("runs/*/*/manifest.json"):
        body = json.loads(place.read_text())
        for name in without:
            (place.parent / name).unlink()
            del body["files"][name]
        body.pop("sha256")
        place.write_text(json.dumps(body))
    return target


def test_what_a_clone_knows_is_what_the_run_says_but_for_ids_below_the_list(made: Path, data_dir: Path) -> None:
    judged = query_browser.judgments(datasets.load("hostile", [data_dir]))
    for result in stored.select(stored.read(made)[0], ["hostile"]):
        run = query_browser.read_run(result)
        for query_id, one in kept(result, list(hostile.QUERIES)).items():
            whole = view(run, judged, query_id)
            below = [dataclasses.replace(miss, doc_id="") for miss in whole.missed]
            assert one.view == dataclasses.replace(whole, missed=tuple(below))
            assert (one.judged, one.relevant) == (4, 3)


def test_a_clone_shows_ids_scores_and_grades(made: Path, data_dir: Path, tmp_path: Path) -> None:
    site = report_site.write(bare(made, tmp_path / "r"), tmp_path / "site", ["ndcg@10"])
    assert site.notes and all("Texts are not shown: " in note for note in site.notes)
    judged = query_browser.judgments(datasets.load("hostile", [data_dir]))
    index = script_data(tmp_path / "site/queries/0/index.js")
    assert index["detailed"] and (tmp_path / "r/runs/alpha/hostile/top.trec.gz").stat().st_size < 5_000
    for at, (query_id, _) in enumerate(index["queries"]):
        page = script_data(tmp_path / f"site/queries/0/{at}.js")
        for system in page["systems"]:
            assert len(system["top"]) == 10
            for doc, _, grade in system["top"]:
                assert judged.by_query[query_id].get(page["docs"][doc][0]) == grade


@pytest.mark.parametrize("without", [["top.trec.gz"], ["judged.tsv.gz", "top.trec.gz"]])
def test_an_older_clone_says_that_it_has_no_documents(made: Path, tmp_path: Path, without: list[str]) -> None:
    site = report_site.write(bare(made, tmp_path / "r", *without), tmp_path / "site", ["ndcg@10"])
    assert (
        sum("Nor are rankings: no system has its run or its first documents here" in note for note in site.notes) == 1
    )
    assert not script_data(tmp_path / "site/queries/0/index.js")["detailed"]


def test_the_terminal_shows_what_a_clone_has(
    made: Path, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    whole = json.loads(printed(made, data_dir, capsys, "--query", "p1", "--json"))
    data = json.loads(printed(bare(made, tmp_path / "r"), data_dir, capsys, "--query", "p1", "--json"))
    for tag in ("alpha", "gamma"):
        assert data["systems"][tag]["top"] == whole["systems"][tag]["top"]
        assert data["systems"][tag]["missed_in_all"] == whole["systems"][tag]["missed_in_all"]


def script_data(path: Path) -> Any:
    """What a data script of the site hands to the page."""
    return json.loads(path.read_text().partition(",")[2].removesuffix(");\n"))


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
    index = script_data(site / "queries/0/index.js")
    for at, (query_id, _) in enumerate(index["queries"]):
        page = script_data(site / f"queries/0/{at}.js")
        terminal = query_text.look_up(dataset, pair, query_id)
        for tag in ("alpha", "gamma"):
            system = page["systems"][index["tags"].index(tag)]
            assert [page["docs"][doc][0] for doc, _, _ in system["top"]] == [
                one["doc_id"] for one in terminal["systems"][tag]["top"]
            ]
            assert system["missedInAll"] == terminal["systems"][tag]["missed_in_all"]
    assert list(query_browser.documents(dataset, ["nowhere"])) == []
    assert len(index["queries"]) == len(hostile.QUERIES)

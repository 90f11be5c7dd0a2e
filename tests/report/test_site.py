"""The site as files: self-contained, safe, reproducible; and what becomes of results that are odd."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import hostile
import pytest

from harness.cli import main
from harness.errors import BadInput, HarnessError
from harness.views.report import site as report_site
from made_results import add, systems

RETRIEVER = {"name": "bm25", "class": "x:Y", "arguments": {}, "all_arguments": {}}
WHOLE = {"retriever": RETRIEVER, "queries": {"judged": 1, "answered": 1}}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def whole(results: Path, costs: Callable[[str], dict] = lambda tag: {}) -> Path:
    """Add what a real manifest has and `made_results` leaves out; `costs` of a system's results."""
    for path in results.glob("runs/*/*/manifest.json"):
        body = json.loads(path.read_text()) | WHOLE
        path.write_text(json.dumps(body | {"costs": costs(body["tag"])}))
    return results


def written(results: Path, output: Path, **options: object) -> dict[str, str]:
    report_site.write(whole(results), output, **options)  # type: ignore[arg-type]
    return {name: body.decode() for name, body in files(output).items()}


def test_everything_that_a_page_loads_lies_in_the_folder(site: Path) -> None:
    for page in site.glob("*.html"):
        for address in re.findall(r'(?:src|href)="([^"]*)"', page.read_text()):
            assert not re.match(r"[a-z]+:|//", address), address
            assert address.startswith("#") or (site / address).is_file(), address


def test_no_text_of_the_collection_is_markup_in_any_file(site: Path) -> None:
    for name, body in files(site).items():
        assert b"<script>window.pwned" not in body, name
        assert b"<img src=x" not in body, name


def test_the_same_results_give_the_same_bytes(site: Path, made: Path, data_dir: Path, tmp_path: Path) -> None:
    report_site.write(made, tmp_path / "again", ["ndcg@10", "map"], data_dirs=[data_dir])
    assert files(tmp_path / "again") == files(site)


def test_the_first_view_has_the_numbers_of_the_leaderboard(site: Path) -> None:
    rows = re.findall(
        r'<th scope="row" class="system">(\w+)</th>\n<td class="average">([\d.]+)', (site / "index.html").read_text()
    )
    assert [tag for tag, _ in rows][:2] == ["alpha", "beta"]
    assert [score for _, score in rows] == sorted((score for _, score in rows), reverse=True)


@pytest.mark.parametrize(
    ("name", "body"),
    [("notes.txt", "mine"), ("index.html", "somebody's page")],
)
def test_a_folder_with_other_things_is_left_alone(made: Path, tmp_path: Path, name: str, body: str) -> None:
    (tmp_path / name).write_text(body)
    with pytest.raises(HarnessError, match="holds no earlier report; name a new folder"):
        report_site.write(made, tmp_path)
    assert files(tmp_path) == {name: body.encode()}


def test_a_new_report_clears_the_old_one_away_and_nothing_else(tmp_path: Path) -> None:
    results = whole(systems(tmp_path / "r", {"scifact": 10, "nfcorpus": 10}, {"a": 0, "b": 0.1}))
    output = tmp_path / "site"
    report_site.write(results, output)
    (output / "mine.txt").write_text("kept")
    report_site.write(results, output, ["ndcg@10"], ["scifact"], ["a"])
    left = files(output)
    assert left.pop("mine.txt") == b"kept"
    assert not {"mrr-10.html", "data/made-1.js", "queries/1/index.js"} & left.keys()


def test_a_page_that_somebody_changed_is_no_page_of_the_report(tmp_path: Path) -> None:
    results = whole(systems(tmp_path / "r", {"scifact": 10}, {"a": 0, "b": 0.1}))
    report_site.write(results, tmp_path / "site")
    (tmp_path / "site" / "mrr-10.html").write_text("with my notes")
    (tmp_path / "site" / "queries.html").unlink()
    report_site.write(results, tmp_path / "site", ["ndcg@10"])
    assert (tmp_path / "site" / "mrr-10.html").read_text() == "with my notes"


MARKERS = [
    "{",
    "[" * 100_000,
    "[]",
    "7",
    "{}",
    '{"files": null}',
    '{"files": ["mine.html"]}',
    '{"files": {"mine.html": null}}',
    '{"files": {"mine.html": {"bytes": 4}}}',
    '{"files": {"../mine.html": {"bytes": 4, "sha256": "SUM"}}}',
    '{"files": {"sub/../../mine.html": {"bytes": 4, "sha256": "SUM"}}}',
    '{"files": {"OUTSIDE": {"bytes": 4, "sha256": "SUM"}}}',
    '{"files": {"mine.html\\u0000": {"bytes": 4, "sha256": "SUM"}}}',
]


@pytest.mark.parametrize("marker", MARKERS)
def test_what_no_report_has_written_clears_nothing_away(made: Path, tmp_path: Path, marker: str) -> None:
    output = tmp_path / "site"
    (output / "sub").mkdir(parents=True)
    mine = [tmp_path / "mine.html", output / "mine.html"]
    for path in mine:
        path.write_text("mine")
    text = marker.replace("OUTSIDE", str(mine[0])).replace("SUM", hashlib.sha256(b"mine").hexdigest())
    (output / report_site.MARKER).write_text(text)
    with pytest.raises(BadInput, match=r"report\.json: is not the record of a report .*; name a new folder"):
        report_site.write(made, output)
    assert all(path.read_text() == "mine" for path in mine)


@pytest.mark.parametrize("link", ["assets", "assets/report.css", "index.html"])
def test_no_report_is_written_or_cleared_away_through_a_link(made: Path, tmp_path: Path, link: str) -> None:
    output, victim = tmp_path / "site", tmp_path / "victim"
    victim.mkdir()
    (victim / "report.css").write_text("mine")
    (output / link).parent.mkdir(parents=True)
    (output / link).symlink_to(victim if link == "assets" else victim / "report.css")
    record = {"bytes": 4, "sha256": hashlib.sha256(b"mine").hexdigest()}
    body = {"files": {"assets/report.css": record, "index.html": record}}
    (output / report_site.MARKER).write_text(json.dumps(body))
    with pytest.raises(BadInput, match="is a link, which no report has made; name a new folder"):
        report_site.write(made, output)
    assert files(victim) == {"report.css": b"mine"} and (output / link).is_symlink()


def test_texts_that_are_not_at_hand_are_said_to_be(made: Path, tmp_path: Path) -> None:
    done = report_site.write(made, tmp_path / "site", ["ndcg@10"])
    assert any("Texts are not shown" in note for note in done.notes)


def test_another_version_of_a_collection_is_not_shown(made: Path, data_dir: Path, tmp_path: Path) -> None:
    hostile.collection(tmp_path / "data/hostile")
    with open(tmp_path / "data/hostile/corpus.jsonl", "a", encoding="utf-8") as file:
        file.write('{"_id": "new", "title": "", "text": "more"}\n')
    done = report_site.write(made, tmp_path / "site", ["ndcg@10"], ["hostile"], data_dirs=[tmp_path / "data"])
    assert "is not the version that was scored" in done.notes[0]


def test_a_run_that_is_not_at_hand_is_said_to_be(made: Path, data_dir: Path, tmp_path: Path) -> None:
    for path in made.glob("runs/*/hostile/*"):
        if path.suffix in (".gz", ".json") and ("alpha" not in path.parts or "trec" not in path.name):
            target = tmp_path / "r" / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    done = report_site.write(tmp_path / "r", tmp_path / "site", ["ndcg@10"], data_dirs=[data_dir])
    assert done.notes[0].startswith("The runs of alpha are not in the results folder")


def test_what_holds_for_several_datasets_is_said_once(made: Path, tmp_path: Path) -> None:
    for path in made.rglob("*"):
        if path.is_file() and path.name not in ("run.trec.gz", "top.trec.gz"):
            target = tmp_path / "r" / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    done = report_site.write(tmp_path / "r", tmp_path / "site", ["ndcg@10"])
    said = [note for note in done.notes if "Nor are rankings" in note]
    assert len(said) == 1 and len([note for note in done.notes if "Texts are not shown" in note]) > 1


def test_a_half_written_pair_is_left_out_with_a_note(tmp_path: Path) -> None:
    results = systems(tmp_path / "r", {"scifact": 10}, {"a": 0, "b": 0.1})
    (results / "runs/b/scifact/manifest.json").unlink()
    page = written(results, tmp_path / "site")["index.html"]
    assert "b on scifact is not finished (no manifest.json) and is left out" in page
    assert "1 system · 1 dataset · 10 queries" in page


def test_systems_on_different_datasets(tmp_path: Path) -> None:
    add(tmp_path / "r", "a", "scifact", [0.1, 0.2])
    add(tmp_path / "r", "b", "nfcorpus", [0.1, 0.2])
    page = written(tmp_path / "r", tmp_path / "site")["index.html"]
    assert "No average: no dataset has results of two systems as deep as the measure looks." in page
    assert (
        page.count("aria-sort") == 1
        and "aria-sort" not in page.partition('data-sort="average"')[0].rpartition("<th")[2]
    )


@pytest.mark.parametrize(("count", "queries"), [(1, 5), (1, 1), (2, 1), (60, 4)])
def test_one_system_one_query_sixty_systems(tmp_path: Path, count: int, queries: int) -> None:
    results = systems(
        tmp_path / "r", {"scifact": queries, "nfcorpus": queries}, {f"s{n}": n / 100 for n in range(count)}
    )
    page = written(results, tmp_path / "site", measures=["ndcg@10"])["index.html"]
    assert len(re.findall(r"<tr data-at=", page)) == count


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": 99}, "has schema 99, this version reads up to 1; upgrade"),
        ({"tag": "other"}, "which is not where it lies"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_an_error(
    tmp_path: Path, change: dict, says: str, capsys: pytest.CaptureFixture
) -> None:
    place = add(tmp_path / "r", "a", "scifact", [0.1, 0.2]) / "manifest.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | change))
    assert main(["report", "--results", str(tmp_path / "r"), "--output", str(tmp_path / "site")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_means_from_elsewhere_stand_apart(tmp_path: Path) -> None:
    results = systems(tmp_path / "r", {"scifact": 10}, {"a": 0, "b": 0.1})
    (tmp_path / "SciFact.json").write_text(
        json.dumps({"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": 0.99}]}})
    )
    assert main(["import", str(tmp_path / "SciFact.json"), "--tag", "theirs", "--results", str(results)]) == 0
    page = written(results, tmp_path / "site")["index.html"]
    row = re.search(r'<tr[^>]* class="means">.*?</tr>', page, re.S)
    assert row is not None
    assert "theirs <small>means only</small>" in row[0]
    assert "<td>0.9900</td>" in row[0]
    assert "nothing about them could be tested" in page


@pytest.mark.slow
def test_serve_until_interrupted(tmp_path: Path) -> None:
    results = whole(systems(tmp_path / "r", {"scifact": 10}, {"a": 0, "b": 0.1}))
    words = ["report", "--results", str(results), "--output", str(tmp_path / "site"), "--serve", "--port", "0"]
    with subprocess.Popen([sys.executable, "-m", "harness", *words], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        address = server.stdout.readline().split()[0]
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == (tmp_path / "site/index.html").read_bytes()
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 130

"""Names in the results folder of a stranger try to become markup: tags, datasets, notes, versions, arguments."""

import json
from pathlib import Path

import pytest

from harness.views.report import site as report_site
from made_results import add

MARKUP = "\"'><script>window.pwned=1<!--<img src=x onerror=alert(1)>&amp;"
QUERIES = ["</script><script>window.pwned=2", "'\"><img src=x>"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every file of a report on such a folder."""
    results, output = tmp_path_factory.mktemp("r"), tmp_path_factory.mktemp("site") / "out"
    for tag in ("plain", f"tag{MARKUP}"):
        for dataset in ("scifact", f"data{MARKUP}"):
            note = f"note{MARKUP}</script>"
            retriever = {"name": note, "class": note, "arguments": {note: note}, "all_arguments": {note: note}}
            add(
                results, tag, dataset, [0.1 if tag == "plain" else 0.2, 0.3], QUERIES,
                notes=[note], retriever=retriever, queries={"judged": 2, "answered": 1}, versions={note: note},
                machine={"processor": note, "cores": 2}, git={"commit": note, "dirty": True}, unit=note, split=note,
                facts={note: note}, created=note, tie_band={"ndcg@10": [0.1, 0.2]},
            )  # fmt: skip
    report_site.write(results, output)
    return {
        path.relative_to(output).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in output.rglob("*")
        if path.is_file()
    }


def test_no_name_is_markup_in_any_file(pages: dict[str, str]) -> None:
    said = 0
    for name, text in pages.items():
        for markup in ("<script>window.pwned", "<img src=x", "</script><script>window"):
            assert markup not in text, name
        said += "window.pwned" in text
    assert said, "the names are shown somewhere"


def test_no_name_is_a_file(pages: dict[str, str]) -> None:
    assert not [name for name in pages if set(name) & set("<>\"'&")]


def test_a_note_of_a_half_written_folder_is_escaped_too(tmp_path: Path) -> None:
    add(
        tmp_path / "r",
        "plain",
        "scifact",
        [0.1, 0.2],
        queries={"judged": 2, "answered": 2},
        retriever={"name": "x", "arguments": {}},
    )
    (tmp_path / "r" / "runs" / f"x{MARKUP}" / "scifact").mkdir(parents=True)
    body = json.loads((tmp_path / "r/runs/plain/scifact/manifest.json").read_text())
    assert body["tag"] == "plain"
    report_site.write(tmp_path / "r", tmp_path / "out")
    assert "<script>window.pwned" not in (tmp_path / "out/index.html").read_text()

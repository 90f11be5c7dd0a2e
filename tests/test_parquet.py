"""A folder of parquet files is a collection."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import toy
from harness import datasets
from harness.cli import main
from harness.errors import BadInput
from toy_sources import DOCS, QRELS, QUERIES, parquet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Parquet as MTEB has it, with the records of the toy collection and some that are no English."""
    return parquet(tmp_path / "parquet" / "toys")


def test_a_folder_of_parquet_is_the_collection_that_it_holds(folder: Path, tmp_path: Path) -> None:
    found = datasets.load(str(folder))
    assert [(doc.doc_id, doc.title, doc.text) for doc in found.docs()] == [
        (d["_id"], d["title"], d["text"]) for d in DOCS
    ]
    assert {query.query_id: query.text for query in found.queries()} == QUERIES
    assert found.qrels() == QRELS and found.name == "toys" == datasets.name_of(str(folder))
    laid = toy.write(tmp_path / "toys")
    with open(laid / "corpus.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(doc) + "\n" for doc in DOCS[len(toy.DOCS) :])  # escaped: other bytes, same records
    ours, theirs = found.facts(), datasets.load(str(laid)).facts()
    assert ours["records_sha256"] == theirs["records_sha256"]
    assert ours["collection_sha256"] != theirs["collection_sha256"]
    assert ours["source"] == str(folder)


def test_it_is_read_once_and_again_when_it_has_changed(folder: Path) -> None:
    first, second = datasets.load(str(folder)), datasets.load(str(folder))
    assert first.folder == second.folder
    parquet(folder, {"note": ["x"] * len(QUERIES)})
    assert datasets.load(str(folder)).folder != first.folder


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"text": "body"}, r"queries-00000-of-00001.parquet: has no column .text. .*; there is _id, body"),
        ({"score": "points"}, r"test-00000-of-00001.parquet: has no column 'score' \(nor relevance, label, grade\)"),
        ({"corpus-id": "document"}, r"lacks qrels among"),
    ],
)  # fmt: skip
def test_a_parquet_without_a_column(tmp_path: Path, columns: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        datasets.load(str(parquet(tmp_path / "odd", **columns)))
    assert not list(tmp_path.rglob("*.tmp"))  # nothing half made is left


def test_a_cut_parquet_and_a_grade_that_is_none(folder: Path) -> None:
    path = folder / "data" / "test-00000-of-00001.parquet"
    pq.write_table(pa.table({"query-id": ["q1"], "corpus-id": ["d1"], "score": [0.5]}), path)
    with pytest.raises(BadInput, match=r"the grade 0.5 of 'q1' is no whole number"):
        datasets.load(str(folder))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadInput, match="is no parquet file"):
        datasets.load(str(folder))


def test_splits_of_parquet(folder: Path) -> None:
    other = folder / "data" / "dev-00000-of-00001.parquet"
    pq.write_table(pa.table({"query-id": ["q1"], "corpus-id": ["d1"], "score": [1]}), other)
    assert len(datasets.load(str(folder)).qrels()) == len(QRELS)
    dev = datasets.load(f"{folder}@dev")
    assert dev.name == "toys@dev" and len(dev.qrels()) == 1
    with pytest.raises(BadInput, match="has judgments of dev, test; write NAME#SPLIT"):
        datasets.load(f"{folder}@train")


def test_excluded_ids_of_brights_queries(tmp_path: Path) -> None:
    ids = [["d5"], ["N/A"], [], ["d1", "d2"]]
    assert datasets.load(str(parquet(tmp_path / "bright", {"excluded_ids": ids}))).excluded() == {
        "q1": {"d5"},
        "日本": {"d1", "d2"},
    }


def test_two_sources_with_other_records_are_not_compared(folder: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").write_text("q1 Q0 d2 1 3 x\n")
    assert main(["score", "run", "--dataset", str(folder), "--tag", "one"]) == 0
    table = pq.read_table(folder / "corpus" / "corpus-00000-of-00001.parquet").to_pylist()
    table[0]["text"] = "another text"
    pq.write_table(pa.Table.from_pylist(table), folder / "corpus" / "corpus-00000-of-00001.parquet")
    assert main(["score", "run", "--dataset", str(folder), "--tag", "two"]) == 0
    assert main(["leaderboard"]) == 2
    assert "one and two can't be compared on toys: documents" in capsys.readouterr().err
    assert main(["leaderboard", "--system", "one"]) == 0


def test_main_job(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "bm25", "--dataset", "sample", "--dataset", str(folder)]) == 0
    assert main(["leaderboard", "--measure", "RBP(p=.8)", "--measure", "nDCG@20"]) == 0
    said = capsys.readouterr().out
    assert "RBP(p=0.8) on 2 datasets" in said and "nDCG@20 on 2 datasets" in said

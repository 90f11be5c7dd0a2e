"""A split is not its collection: results on `scifact` and on `scifact@train` never meet in one cell, mean or test."""

import json
from pathlib import Path

import pytest

import made_results
from harness import cli, datasets, results
from harness.errors import HarnessError
from harness.leaderboard import build
from harness.views.report import site

TEST, TRAIN = [0.1, 0.4, 0.4, 0.7, 0.2, 0.6], [0.8, 0.9, 0.6, 0.94, 0.7, 0.9]


def better(scores: list[float]) -> list[float]:
    return [score + 0.05 + 0.001 * at for at, score in enumerate(scores)]


def two_splits(folder: Path, name: str, other: str) -> list[results.Result]:
    for tag, change in (("bm25", list), ("mine", better)):
        made_results.add(folder, tag, name, change(TEST), unit=name.partition("@")[0])
        made_results.add(folder, tag, other, change(TRAIN), unit=other.partition("@")[0], split=other.partition("@")[2])
    return results.read(folder)[0]


@pytest.mark.parametrize(("name", "other"), [("scifact", "scifact@train"), ("mine", "mine@dev")])
def test_another_split_is_a_column_and_a_unit_of_its_own(tmp_path: Path, name: str, other: str) -> None:
    board = build(two_splits(tmp_path, name, other), "ndcg@10", "bm25")
    assert [(column.name, column.unit) for column in board.columns] == [(name, name), (other, other)]
    assert board.cells["bm25", name].mean == pytest.approx(sum(TEST) / 6)
    assert board.cells["bm25", other].mean == pytest.approx(sum(TRAIN) / 6)
    assert [(c.dataset, c.significant) for c in board.family] == [(name, True), (other, True)]


@pytest.mark.parametrize("other", ["scifact@train", "mine@dev", "cqadupstack-gis@train"])
def test_a_dataset_scored_on_another_split_alone_keeps_its_marks(tmp_path: Path, other: str) -> None:
    for tag, change in (("bm25", list), ("mine", better)):
        made_results.add(tmp_path, tag, other, change(TRAIN), unit=other.partition("@")[0], split="train")
    board = build(results.read(tmp_path)[0], "ndcg@10")
    (column,) = board.columns
    assert column.name == other == board.family[0].dataset
    assert board.cells["mine", other].rank == (1, 1) and board.cells["bm25", other].rank == (2, 2)
    assert not board.cells["bm25", other].level


def test_the_page_shows_other_splits(tmp_path: Path) -> None:
    """It died with a KeyError where a dataset was scored on another split alone."""
    folder = collection(tmp_path / "data" / "mycol", "dev")
    (tmp_path / "plugin.py").write_text(PLUGIN)
    for tag in ("a", "b"):
        run = ["run", f"{tmp_path / 'plugin.py'}:Mine", "--tag", tag, "--results", str(tmp_path / "results")]
        assert cli.main([*run, "--dataset", f"{folder}@dev"]) == 0
    assert site.write(tmp_path / "results", tmp_path / "site").index.is_file()


def test_groups_and_names_mean_the_usual_split(tmp_path: Path) -> None:
    found = two_splits(tmp_path, "scifact", "scifact@train")
    named = {"beir": "scifact", "scifact": "scifact", "scifact@test": "scifact", "scifact@train": "scifact@train"}
    for name, meant in named.items():
        assert {result.dataset for result in results.select(found, [name])} == {meant}


def test_one_name_for_all_ways_to_say_a_dataset(tmp_path: Path) -> None:
    for name, splits in {"mine": ["test", "dev"], "only": ["dev"], "scifact": ["test"]}.items():
        for split in splits:
            (tmp_path / name / "qrels").mkdir(parents=True, exist_ok=True)
            (tmp_path / name / "qrels" / f"{split}.tsv").write_text("")
        (tmp_path / name / "corpus.jsonl").write_text("")
    for asked, name in {
        "mine": "mine", "mine@test": "mine", "mine@dev": "mine@dev", "only": "only", "only@dev": "only@dev",
        f"{tmp_path}/mine/": "mine", f"{tmp_path}/mine@dev": "mine@dev", f"{tmp_path}/mine@test": "mine",
        f"{tmp_path}/scifact@test": "scifact", "scifact@test": "scifact", "trec-dl-2019@test": "trec-dl-2019",
        "msmarco-dev@dev": "msmarco-dev", "msmarco-dev@test": "msmarco-dev@test", "absent": "absent",
    }.items():  # fmt: skip
        assert datasets.name_of(asked, [tmp_path]) == name
    with pytest.raises(HarnessError, match="write name@split"):
        datasets.name_of("@train")


def test_a_failure_lies_where_the_result_will(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """`mycol@test` is `mycol`: no second folder that haunts every later table as an unfinished pair."""
    folder = collection(tmp_path / "data" / "mycol")
    (tmp_path / "plugin.py").write_text(PLUGIN)
    run = ["run", f"{tmp_path / 'plugin.py'}:Mine", "--tag", "mine", "--data-dir", str(tmp_path / "data")]
    run += ["--results", str(tmp_path / "results")]
    for name in ("mycol@test", "mycol", str(folder)):
        (tmp_path / "fail").write_text("")
        assert cli.main([*run, "--dataset", name, "--overwrite"]) == 1
        assert [path.name for path in (tmp_path / "results" / "runs" / "mine").iterdir()] == ["mycol"]
        (tmp_path / "fail").unlink()
        assert cli.main([*run, "--dataset", name, "--json"]) == 0
        assert [path.name for path in (tmp_path / "results" / "runs" / "mine").iterdir()] == ["mycol"]
    capsys.readouterr()
    assert cli.main([*run, "--dataset", "mycol", "--dataset", "mycol@test", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1  # one pair, though it is named twice


def collection(folder: Path, *splits: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "tea"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "tea"}\n')
    for split in ("test", *splits):
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    return folder


PLUGIN = """
from pathlib import Path

from harness.records import ScoredDoc


class Mine:
    runtime = frozenset()

    def index(self, docs, folder):
        (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))

    def load(self, folder):
        self.ids = (folder / "ids").read_text().split()

    def search(self, queries, k):
        if (Path(__file__).parent / "fail").exists():
            raise RuntimeError("as it was told")
        for query in queries:
            yield from (ScoredDoc(query.query_id, doc_id, 1.0) for doc_id in self.ids[:k])
"""

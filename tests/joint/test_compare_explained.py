"""`compare --query --explain`: the retriever is made again from its result, and the parts sum to the run's score."""

import json
from pathlib import Path

import pytest

import toy
from harness import results
from harness.cli import main
from harness.runs import read_run
from harness.views import query_text
from joint.tiny import save


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two systems on the toy collection, with a results folder where they lie."""
    monkeypatch.chdir(tmp_path)
    save(Path("tiny"))
    toy.write(Path("toys"))
    for score in ("joint", "ot"):
        system = ["dupmae", "--set", "checkpoint=tiny", "--set", f"score={score}", "--tag", score]
        assert main(["run", *system, "--dataset", "toys"]) == 0
    assert main(["run", "bm25", "--dataset", "toys"]) == 0
    return tmp_path


def explained(capsys: pytest.CaptureFixture[str], first: str, second: str) -> dict:
    capsys.readouterr()
    command = [
        "compare",
        first,
        second,
        "--dataset",
        "toys",
        "--data-dir",
        ".",
        "--query",
        "q1",
        "--explain",
        "2",
        "--json",
    ]
    assert main(command) == 0
    return json.loads(capsys.readouterr().out)["explained"]


def test_parts_sum_to_the_scores_of_the_run(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = explained(capsys, "joint", "ot")
    for tag, [*documents] in said.items():
        ids, scores = read_run(results.at(made / "results" / "runs" / tag / "toys").folder / "run.trec.gz")["q1"]
        assert [one["doc_id"] for one in documents] == ids[:2]
        assert [one["score"] for one in documents] == pytest.approx(scores[:2].tolist(), rel=3e-3, abs=3e-2)
        assert [one["run"] for one in documents] == pytest.approx(scores[:2].tolist())
        assert all(("[CLS]" in dict(one["parts"])) == (tag == "joint") for one in documents)


def test_parts_that_are_of_something_else_are_said(made: Path) -> None:
    one = {"doc_id": "d1", "score": 2.0, "run": 2.0004, "parts": [("[CLS]", 2.0)]}
    assert query_text.explanation("joint", [one]) == ["", "joint: d1 2.0000 (2.0004 in the run)", "    2.0000  [CLS]"]
    assert "note: further apart than a store of 16 bits" in query_text.explanation("joint", [one | {"run": 3.0}])[2]


def test_who_takes_no_score_apart_says_so(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, "bm25", "ot")["bm25"] == "bm25: bm25 takes no score apart"
    assert (
        main(["compare", "bm25", "ot", "--dataset", "toys", "--data-dir", ".", "--query", "q1", "--explain", "1"]) == 0
    )
    said = capsys.readouterr().out
    assert "note: not explained: bm25: bm25 takes no score apart" in said and "\not: " in said
    assert main(["compare", "bm25", "ot", "--dataset", "toys", "--data-dir", ".", "--explain", "1"]) == 2


def test_a_checkpoint_that_changed_or_went_explains_nothing(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(Path("tiny"), k=4)
    assert "has changed since" in explained(capsys, "joint", "ot")["joint"]
    Path("tiny").rename("elsewhere")
    assert "'tiny' is not a folder" in explained(capsys, "joint", "ot")["joint"]

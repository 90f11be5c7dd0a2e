"""Five functions for notebooks: the same numbers as the commands print."""

from pathlib import Path

import pandas as pd
import pytest

import toy
from harness import frames
from harness import results as stored
from harness.cli import main
from harness.leaderboard import build
from made_results import systems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return systems(tmp_path, {"scifact": 30, "nfcorpus": 20}, {"a": 0.0, "b": 0.05, "c": 0.2})


def test_results(folder: Path) -> None:
    frame = frames.results(folder)
    assert frame[["system", "dataset"]].to_numpy().tolist() == [
        [tag, name] for tag in "abc" for name in ("nfcorpus", "scifact")
    ]
    assert {"ndcg@10", "mrr@10", "latency_p50_ms", "index_bytes"} <= set(frame.columns)


def test_scores(folder: Path) -> None:
    frame = frames.scores("ndcg@10", ["scifact"], ["a", "b"], folder)
    assert list(frame.columns) == ["system", "dataset", "query_id", "score"]
    means = frames.results(folder).set_index(["system", "dataset"])["ndcg@10"]
    assert frame.groupby(["system", "dataset"])["score"].mean().to_dict() == pytest.approx(
        {("a", "scifact"): means["a", "scifact"], ("b", "scifact"): means["b", "scifact"]}
    )


def test_leaderboard(folder: Path) -> None:
    board = build(stored.read(folder)[0], "ndcg@10", baseline="a")
    frame = frames.leaderboard(baseline="a", folder=folder)
    pd.testing.assert_frame_equal(frame, board.frame())
    assert len(frame.attrs["comparisons"]) == len(board.family) == 4
    assert frame.attrs["signature"] == board.signature
    assert str(frame)  # pandas compares attrs when it prints


def test_compare(folder: Path) -> None:
    frame = frames.compare("c", "a", "scifact", folder=folder)
    assert frame["difference"].is_monotonic_decreasing
    assert frame["difference"].mean() == pytest.approx(frame.attrs["difference"])
    assert (frame.attrs["measure"], frame.attrs["queries"]) == ("ndcg@10", 30)
    assert frame.attrs["wins"] == (frame["difference"] > 0).sum()


def test_run(tmp_path: Path) -> None:
    toy.write(tmp_path / "toy")
    (tmp_path / "x.trec").write_text("q1 Q0 d2 1 3 t\nq1 Q0 d5 2 2 t\nq2 Q0 d3 1 1 t\n")
    arguments = ["--dataset", f"{tmp_path / 'toy'}/", "--tag", "t", "--results", str(tmp_path / "r")]
    assert main(["score", str(tmp_path / "x.trec"), *arguments]) == 0
    frame = frames.run("t", "toy", 1, [tmp_path], tmp_path / "r")
    assert frame.to_numpy().tolist() == [["q1", 1, "d2", 3.0, 2], ["q2", 1, "d3", 1.0, 1]]
    deep = frames.run("t", "toy", 10, [tmp_path], tmp_path / "r")
    assert deep["relevance"].isna().tolist() == [False, True, False]
    (tmp_path / "toy").rename(tmp_path / "elsewhere")  # where it lay is remembered
    bare = frames.run("t", "toy", 10, [], tmp_path / "r")
    assert "relevance" not in bare.columns
    assert "no relevance" in bare.attrs["notes"][0]
    (tmp_path / "elsewhere").rename(tmp_path / "toy")
    qrels = tmp_path / "toy" / "qrels" / "test.tsv"
    qrels.write_text(qrels.read_text().replace("\t2", "\t3"))  # other judgments under the same name
    other = frames.run("t", "toy", 10, [tmp_path], tmp_path / "r")
    assert "relevance" not in other.columns and "qrels_sha256 is another" in other.attrs["notes"][0]

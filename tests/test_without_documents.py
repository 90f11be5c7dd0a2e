"""Runs scored where only queries and judgments are at hand."""

import json
from pathlib import Path

import pytest

import toy
from foreign import notes, score, zeros, zeros_run
from harness import datasets, results
from harness.cli import main
from harness.errors import BadInput


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def judged_only(place: Path) -> Path:
    zeros(place / "zeros", 120)
    (place / "zeros" / "corpus.jsonl").unlink()
    return place


def test_a_run_is_scored_where_only_queries_and_judgments_are(judged_only: Path, capsys: pytest.CaptureFixture) -> None:
    where = ["--data-dir", "."]
    for tag, dataset in (("mine", "zeros/"), ("other", "zeros")):
        assert score(judged_only, zeros_run(0.25), *where, tag=tag, dataset=dataset) == 0
    body = json.loads(Path("results/runs/mine/zeros/manifest.json").read_text())
    assert (body["data"]["docs"], body["data"]["collection_sha256"], body["scores"]["ndcg@10"]) == (None, None, 0.75)
    assert body["data"]["unknown_docs"] is None
    assert body["notes"] == [  # most of a sound run is not judged; that no document of a query is, is rarer
        "the collection is not at hand, so ids can't be checked, such as '0': 90 of the run's 120 documents are judged "
        "for some query, and in 30 of its 120 queries none is"
    ]
    for words in ("leaderboard", "compare mine other --dataset zeros/", "report --output site", "verify"):
        assert main([*words.split(), "--results", "results", *(where if words[0] in "cr" else [])]) == 0
    assert (
        main(["compare", "mine", "other", "--dataset", "zeros", "--query", "q000", "--results", "results", *where]) == 0
    )
    assert "1 ? 0" in capsys.readouterr().out  # it lost its zeros, and there are no documents to say more
    assert "alone are shown" in (judged_only / "site" / "data").parent.joinpath("queries", "0", "index.js").read_text()


def test_without_documents_a_run_of_none_that_is_judged_is_refused(
    judged_only: Path, capsys: pytest.CaptureFixture
) -> None:
    strange = zeros_run(0.0).replace(" Q0 ", " Q0 x")
    assert score(judged_only, strange, dataset="zeros/") == 2
    assert (
        "0 of the run's 120 documents are judged for some query, and in 120 of its 120 queries none is; its ids"
        in capsys.readouterr().err
    )
    few = "\n".join(strange.splitlines()[:70]) + "\n"
    assert score(judged_only, few, dataset="zeros/") == 0
    assert "'x000': 0 of the run's 70 documents are judged" in notes(dataset="zeros")[0]


def test_what_needs_documents_says_so(judged_only: Path, capsys: pytest.CaptureFixture) -> None:
    for dataset in ("zeros/", "zeros"):
        assert main(["run", "bm25", "--dataset", dataset, "--data-dir", ".", "--results", "results"]) == 1
        assert "there is no corpus.jsonl or corpus.jsonl.gz" in capsys.readouterr().err
    with pytest.raises(BadInput, match="the documents are needed here"):
        datasets.load("zeros/", documents=False).docs()


def test_the_judgments_of_the_table_s_datasets_are_enough(shared: Path, tmp_path: Path, monkeypatch) -> None:
    """Real judgments: nothing of scoring needs a document."""
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    folder = shared / "collections" / "queries-and-qrels-only" / "beir-fiqa"
    dataset = datasets.load(str(folder), documents=False)
    lines = [
        f"{qrel.query_id} Q0 {qrel.doc_id} 1 {n} t" for n, qrel in enumerate(dataset.qrels()) if qrel.relevance > 0
    ]
    (tmp_path / "run").write_text("\n".join(lines))
    words = ["score", str(tmp_path / "run"), "--tag", "perfect", "--dataset", str(folder), "--results", str(tmp_path)]
    assert main(words) == 0
    (one,), _ = results.read(tmp_path)
    assert one.means["ndcg@10"] == 1.0 and len(one.scores("ndcg@10")) == 648

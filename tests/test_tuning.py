"""Tuning: the splits it refuses, and the parameters it finds on a collection small enough to know them."""

import argparse
import json
import shlex

import pytest

from harness import cli, datasets
from harness.commands import tune as command
from harness.errors import HarnessError
from harness.running import tuning
from harness.running.foreign import score_file

QUERIES = [f"q{number}" for number in range(6)]


@pytest.fixture
def collection(tmp_path, monkeypatch):
    """Splits train and test of one corpus; system `good` has the relevant document first, `bad` last of eight."""
    folder = tmp_path / "things"
    (folder / "qrels").mkdir(parents=True)
    docs = [json.dumps({"_id": f"d{number}", "title": "", "text": "word"}) for number in range(8)]
    (folder / "corpus.jsonl").write_text("\n".join(docs) + "\n")
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": q, "text": "word"}) + "\n" for q in QUERIES))
    for split, queries in (("train", QUERIES[:4]), ("test", QUERIES[4:])):
        rows = "".join(f"{query}\td0\t1\n" for query in queries)
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
        for tag, order in (("good", "01234567"), ("bad", "76543210")):
            lines = [f"{q} Q0 d{d} 0 {9 - rank} {tag}\n" for q in queries for rank, d in enumerate(order)]
            (tmp_path / "run").write_text("".join(lines))
            score_file(tmp_path / "run", datasets.load(f"{folder}@{split}"), tag, 1000, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tune(folder, **arguments):
    settings = {"systems": ["good", "bad"], "method": "wsum", **arguments}
    return tuning.tune(
        "fusion", settings, datasets.load(f"{folder}/things@train"), folder / "results", folder / "cache", "mrr@10"
    )


def test_finds_the_system_to_trust(collection):
    found = tune(collection)
    assert found.score == 1.0
    assert found.arguments == {"params": {"weights": [0.6, 0.4]}}  # of those with MRR 1, the one nearest to equal
    assert len(found.tried) == 11
    assert {tuple(tried["params"]["weights"]): score for tried, score in found.tried}[(0.0, 1.0)] == 1 / 8


def test_the_order_of_systems_is_that_of_the_weights(collection):
    assert tune(collection, systems=["bad", "good"]).arguments == {"params": {"weights": [0.4, 0.6]}}


@pytest.mark.parametrize("method", ["mapfuse", "posfuse", "segfuse", "bayesfuse", "probfuse", "slidefuse"])
def test_learns_from_judgments(collection, method):
    found = tune(collection, method=method)
    assert set(found.arguments["params"]) <= {"map_scores", "probs", "log_odds", "w"}
    assert found.score > 1 / 8  # of `bad` alone, and nothing learned may prefer that


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "sum"}, "method sum has no parameters"),
        ({"method": "wsun"}, "did you mean 'wsum'"),
        ({"systems": ["good", "other"]}, "there is no run of 'other' on things@train"),
    ],
)
def test_refused(collection, arguments, message):
    with pytest.raises(HarnessError, match=message):
        tune(collection, **arguments)


def test_refuses_what_has_no_trials(collection):
    train = datasets.load(f"{collection}/things@train")
    with pytest.raises(HarnessError, match="bm25 has nothing that could be tuned"):
        tuning.tune("bm25", {}, train, collection / "results", collection / "cache", "mrr@10")


def test_refuses_the_split_that_is_evaluated(collection):
    for name in ("things", "things@test"):
        with pytest.raises(
            HarnessError, match=r"'test' is the split that things is evaluated on.*such as things@train"
        ):
            tuning.refuse_evaluation(datasets.load(f"{collection}/{name}"))
    tuning.refuse_evaluation(datasets.load(f"{collection}/things@train"))


@pytest.mark.parametrize(
    ("folder", "name", "split", "evaluated"),
    [
        ("msmarco", "msmarco-dev", "dev", "msmarco-dev"),
        ("msmarco", "msmarco-dev@test", "test", "trec-dl-2019"),
        ("msmarco", "trec-dl-2019@dev", "dev", "msmarco-dev"),
        ("msmarco", "trec-dl-2020@train", "train", None),
        ("fiqa", "fiqa", "test", "fiqa"),
        ("fiqa", "fiqa@dev", "dev", None),
    ],
)
def test_datasets_of_one_collection_share_what_is_refused(folder, name, split, evaluated, tmp_path):
    row = datasets.rows()[name.partition("@")[0]]
    assert row.folder == folder
    place = tmp_path / "x"
    dataset = datasets.Dataset(name, place, split, False, 1, "ndcg@10", name, place, place, place, row, place)
    if evaluated is None:
        return tuning.refuse_evaluation(dataset)
    with pytest.raises(HarnessError, match=f"is the split that {evaluated} is evaluated on"):
        tuning.refuse_evaluation(dataset)


def tune_by_command(*words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args(["fusion", "--systems", "good", "bad", *words]))


def test_the_printed_command_runs(collection, capsys):
    assert tune_by_command("--dataset", "./things@train", "--measure", "mrr@10", "--results", "results") == 0
    printed = capsys.readouterr().out
    assert "MRR@10 1.0000 on things@train, the best of 11" in printed
    line = shlex.split(printed.strip().splitlines()[-1])
    assert line[:2] == ["beir-harness", "run"]
    assert cli.main(line[1:]) == 0
    [place] = (collection / "results" / "runs").glob("fusion-*/things/manifest.json")
    assert json.loads(place.read_text())["scores"]["mrr@10"] == 1.0


def test_long_parameters_go_to_a_file(collection, capsys):
    words = ("--dataset", "./things@train", "--method", "bayesfuse", "--results", "results", "--json")
    assert tune_by_command(*words) == 0
    report = json.loads(capsys.readouterr().out)
    path = report["arguments"]["params"]
    assert path.startswith("results/tuned/bayesfuse-")
    assert [len(row) for row in json.loads((collection / path).read_text())["log_odds"]] == [1000, 1000]
    assert cli.main([*shlex.split(report["command"])[1:], "--tag", "learned"]) == 0


OUTSIDER = """
from harness.records import ScoredDoc


class ByNumber:
    runtime = frozenset()

    def __init__(self, factor: float = 1.0, upwards: bool = True) -> None:
        self.factor, self.upwards = factor, upwards

    def index(self, docs, folder):
        (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))

    def load(self, folder):
        self.ids = (folder / "ids").read_text().split()

    def search(self, queries, k):
        sign = 1 if self.upwards else -1
        for query in queries:
            scored = [ScoredDoc(query.query_id, one, sign * self.factor * float(one[1:])) for one in self.ids]
            yield from sorted(scored, key=lambda hit: -hit.score)[:k]

    def trials(self, qrels, relevance_level):
        for factor in (1.0, -1.0):
            trial = ByNumber(factor, self.upwards)
            trial.ids = self.ids
            yield {"factor": factor}, trial
"""


@pytest.mark.parametrize(("upwards", "factor"), [("true", -1.0), ("false", 1.0)])
def test_whatever_offers_trials_is_tuned(collection, capsys, upwards, factor):
    (collection / "outsider.py").write_text(OUTSIDER)
    words = ["tune", "./outsider.py:ByNumber", "--set", f"upwards={upwards}", "--dataset", "./things@train"]
    assert cli.main([*words, "--measure", "mrr@10", "--results", "results", "--out", "best.json"]) == 0
    printed = capsys.readouterr().out
    assert f"MRR@10 1.0000 on things@train, the best of 2 tried there, with\n  factor = {factor}\n" in printed
    assert json.loads((collection / "best.json").read_text()) == {"factor": factor}
    assert cli.main(shlex.split(printed.strip().splitlines()[-1])[1:]) == 0
    [place] = (collection / "results" / "runs").glob("outsider-ByNumber*/things/manifest.json")
    assert json.loads(place.read_text())["scores"]["mrr@10"] == 1.0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bm25"], "bm25 has nothing that could be tuned here: it offers no `trials`, as fusion does"),
        (["bm25", "--systems", "good"], "unknown argument of BM25 'systems'"),
        (["fusion"], "name the systems to fuse"),
        (
            ["fusion", "--systems", "good", "bad", "--set", "method=sum"],
            "method sum has no parameters, so there is nothing to tune",
        ),
    ],
)
def test_what_can_t_be_tuned_says_why(collection, capsys, words, says):
    assert cli.main(["tune", *words, "--dataset", "./things@train", "--results", "results"]) == 2
    assert says in capsys.readouterr().err

"""The small checkpoints that come with the package: their size, their scores on the sample, and what they never saw."""

import json
from pathlib import Path

import pytest

import retrievers
from harness import datasets, runs
from harness.measures import evaluation
from retrievers.dupmae import DupMAE
from retrievers.retromae import RetroMAE
from retrievers.training.examples.pairs import evaluation_queries, judged_examples, plain, training_dataset
from retrievers.training.examples.pairs_documents import document_pairs

MINI = Path(retrievers.__file__).parent / "mini"
SYSTEMS = {"retromae-mini": RetroMAE, "dupmae-mini": DupMAE}


def lineage(name: str) -> list[dict]:
    """The records of a checkpoint and of those that it was trained from, newest first."""
    found, record = [], json.loads((MINI / name / "training.json").read_text())
    while record:
        found.append(record)
        record = (record.get("start") or {}).get("record")
    return found


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_checkpoint_is_small_and_tells_how_it_was_made(name):
    assert sum(path.stat().st_size for path in (MINI / name).rglob("*")) <= 12e6
    scifact, pairs, pretraining = lineage(name)
    assert scifact["stage"] == 2 and pairs["stage"] == 1 and pretraining["objective"] == name.removesuffix("-mini")
    assert "/" not in pretraining["arguments"]["init"]


def test_both_have_the_same_budget():
    one, other = (lineage(name) for name in SYSTEMS)
    assert [record["steps"] for record in one] == [record["steps"] for record in other]
    for mine, theirs in zip(one, other, strict=True):  # their own negatives differ a little in length
        assert mine["tokens"] == pytest.approx(theirs["tokens"], rel=0.01)
    assert one[-1]["data"] == other[-1]["data"] and one[-1]["arguments"]["init"] == other[-1]["arguments"]["init"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_retrieves(name, tmp_path):
    dataset, retriever = datasets.load("sample"), SYSTEMS[name](name, device="cpu")
    retriever.index(dataset.docs(), tmp_path)
    retriever.load(tmp_path)
    run = runs.order(retriever.search(iter(dataset.queries()), 100), dataset.queries(), 100)
    assert evaluation.score(run, dataset.qrels(), ["ndcg@10"]).means()["ndcg@10"] > 0.15


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_evaluation_query_entered_training(name, shared):
    """The queries that trained a checkpoint are made anew from the sources of its record, and held against the test."""
    folders = [shared / "collections"]
    judged, pairs, pretraining = lineage(name)
    [source] = judged["data"]
    train = training_dataset("scifact", "train", folders, download=False)
    assert source["split"] == "train" and source["qrels_sha256"] == train.facts()["qrels_sha256"]
    test_ids, test_texts = evaluation_queries(train)
    examples = judged_examples(train, {}, " ")
    assert len(test_ids) == 300 and len(examples.queries) == source["training_queries"]
    assert not test_ids & set(examples.query_ids) and not test_texts & set(map(plain, examples.queries))
    for source in pairs["data"]:
        dataset = datasets.load(source["name"], folders)
        assert dataset.collection_fingerprint() == source["collection_sha256"]
        if source["training_queries"]:
            made = document_pairs("title", [source["name"]], [], folders, download=False)
            assert not set(map(plain, made.queries)) & evaluation_queries(dataset)[1]
    held = {one["sha256"]: one["name"] for one in pretraining["data"]["sources"]}
    for name in ("scifact", "cacm", "cisi", "cystic-fibrosis", "medline-med"):  # documents alone make this hash
        assert held[datasets.load(name, folders).collection_fingerprint()] == name

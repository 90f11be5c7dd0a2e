"""The small checkpoints that come with the package: their size, their scores on the sample, and what they never saw."""

import json
from pathlib import Path

import pytest

import retrievers
from harness import datasets, runs
from harness.measures import evaluation
from retrievers.dupmae import DupMAE
from retrievers.retromae import RetroMAE
from retrievers.training import queries
from retrievers.training.examples.made_queries import KINDS
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
    assert sum(path.stat().st_size for path in (MINI / name).rglob("*")) <= 30e6
    *_, pretraining = lineage(name)
    assert pretraining["objective"] == name.removesuffix("-mini")
    assert "/" not in pretraining["arguments"]["init"]


@pytest.mark.parametrize(("name", "least"), [("retromae-mini", 0.15), ("dupmae-mini", 0.6)])
def test_it_retrieves(name, least, tmp_path):
    dataset, retriever = datasets.load("sample"), SYSTEMS[name](name, device="cpu")
    retriever.index(dataset.docs(), tmp_path)
    retriever.load(tmp_path)
    run = runs.order(retriever.search(iter(dataset.queries()), 100), dataset.queries(), 100)
    assert evaluation.score(run, dataset.qrels(), ["ndcg@10"]).means()["ndcg@10"] > least


def test_no_evaluation_query_entered_the_training_of_retromae(shared):
    """The queries that trained it are made anew from the sources of its record, and held against the test."""
    folders = [shared / "collections"]
    judged, pairs, pretraining = lineage("retromae-mini")
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


def test_no_evaluation_query_entered_the_training_of_dupmae(shared):
    """It knows queries made of documents alone; those of the second round are made anew and held against the test."""
    folders = [shared / "collections"]
    *rounds, pretraining = lineage("dupmae-mini")
    for record in rounds:
        [source] = record["data"]
        assert source["made"]["sources"] and record["negatives"] == []
    made = rounds[0]["data"][0]["made"]
    names = [one["name"] for one in made["sources"] if "collection_sha256" in one]
    texts = [shared / "pretraining_text" / one["name"] for one in made["sources"] if "sha256" in one]
    limit, held = max(one["documents"] for one in made["sources"]), set()
    found = queries.sources(names, texts, folders, held)
    _, asked, facts = queries.collection(found, limit, KINDS, 1, made["seed"], held)
    assert facts == made
    assert len(asked) == rounds[0]["data"][0]["training_queries"]
    assert not held & {plain(text) for _, text, _ in asked}
    known = {one["sha256"] for one in pretraining["data"]["sources"]}
    assert {datasets.load(name, folders).collection_fingerprint() for name in names} < known

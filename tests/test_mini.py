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
from retrievers.training.examples.pairs import plain

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


@pytest.mark.parametrize(("name", "least"), [("retromae-mini", 0.7), ("dupmae-mini", 0.75)])
def test_it_retrieves(name, least, tmp_path):
    dataset, retriever = datasets.load("sample"), SYSTEMS[name](name, device="cpu")
    retriever.index(dataset.docs(), tmp_path)
    retriever.load(tmp_path)
    run = runs.order(retriever.search(iter(dataset.queries()), 100), dataset.queries(), 100)
    assert evaluation.score(run, dataset.qrels(), ["ndcg@10"]).means()["ndcg@10"] > least


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_evaluation_query_entered_the_training(name, shared):
    """It knows queries made of documents alone; those of the second round are made anew and held against the test."""
    folders = [shared / "collections"]
    *rounds, pretraining = lineage(name)
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

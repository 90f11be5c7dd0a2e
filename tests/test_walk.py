"""The straight walk of a run: each file is read once, the documents twice at most, and never do two models live."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import toy

PLUGIN = """
import weakref

class Model:
    made, most, living = 0, 0, weakref.WeakSet()

    def __init__(self) -> None:
        Model.made += 1
        Model.living.add(self)
        Model.most = max(Model.most, len(Model.living))

    def index(self, docs, folder):
        (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))

    def load(self, folder):
        self.ids = (folder / "ids").read_text().split()

    def search(self, queries, k):
        for query in queries:
            for place, doc_id in enumerate(self.ids[:k]):
                yield query.query_id, doc_id, 1.0 / (1 + place)
"""
PROGRAM = """
import collections, json, os, sys
opened = collections.Counter()
def audit(event, arguments):
    if event == "open" and not isinstance(arguments[0], int):
        opened[os.path.basename(os.fsdecode(arguments[0]))] += 1
sys.addaudithook(audit)
from harness.cli import main
assert main(sys.argv[1:]) == 0
models = [vars(one)["Model"] for one in list(sys.modules.values()) if hasattr(vars(one).get("Model"), "living")]
print(json.dumps([opened, *([models[0].made, models[0].most] if models else [0, 0])]))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    toy.write(tmp_path / "data" / "one")
    (tmp_path / "model.py").write_text(PLUGIN)
    return tmp_path


def walk(*words: str) -> tuple[dict[str, int], int, int]:
    """Files by how often they were opened, instances of the retriever, and how many lived at once."""
    command = [sys.executable, "-c", PROGRAM, "run", "./model.py:Model", "--dataset", "data/one", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    opened, made, most = json.loads(done.stdout.splitlines()[-1])
    return opened, made, most


def test_a_run_reads_once_and_makes_two_retrievers_one_after_the_other(place: Path) -> None:
    opened, made, most = walk()
    assert (opened["test.tsv"], opened["queries.jsonl"]) == (1, 1)
    assert opened["corpus.jsonl"] <= 2  # to know it, and to index it
    assert (made, most) == (2, 1)
    assert (place / "results/runs/model/one/manifest.json").is_file()


def test_a_finished_pair_reads_nothing_and_makes_no_retriever(place: Path) -> None:
    walk()
    opened, made, most = walk()
    assert {name: opened.get(name, 0) for name in ("test.tsv", "queries.jsonl", "corpus.jsonl")} == {
        "test.tsv": 0, "queries.jsonl": 0, "corpus.jsonl": 0,
    }  # fmt: skip
    assert (made, most) == (0, 0)

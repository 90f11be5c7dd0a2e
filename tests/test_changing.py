"""What changes while a run is at work: a model's files, documents, judgments. No result is filed as of what it was."""

import time
from pathlib import Path

import pytest

import toy
from harness import plugins
from harness.results import manifest
from harness.running import prepared, suites
from harness.running.runner import Attempted
from jobs import run_all

WEIGHTS = """
import time
from pathlib import Path
class Weights:
    def __init__(self, file: str = "", while_made: str = "", while_indexed: str = "", spoils: str = ""):
        self.spoils, self.file, self.while_indexed = spoils, Path(file), while_indexed
        self.read = self.file.read_text()
        if while_made and self.read != while_made:
            self.file.write_text(while_made)
    def fingerprint(self): return {"of": self.file.read_text()}
    def sources(self): return [self.file]
    def index(self, docs, folder):
        (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))
        if self.spoils:
            open(self.spoils, "a").write("\\n")
        if self.while_indexed:
            self.file.write_text(self.while_indexed)
    def load(self, folder): self.ids = (folder / "ids").read_text().split()
    def search(self, queries, k):
        for query in queries:
            yield from ((query.query_id, doc_id, 1.0) for doc_id in self.ids)
"""


def evaluated(tmp_path: Path, **arguments: str) -> Attempted:
    (tmp_path / "weights.py").write_text(WEIGHTS)
    one = suites.system(f"{tmp_path / 'weights.py'}:Weights", arguments, "w")
    more = {"results": tmp_path / "results", "cache": tmp_path / "cache", "data_dirs": [tmp_path / "data"]}
    return run_all([one], ["one"], **more)[0]


def test_a_model_that_changes_between_documents_and_queries(tmp_path: Path) -> None:
    toy.write(tmp_path / "data" / "one")
    file = tmp_path / "w.txt"
    file.write_text("old")
    found = evaluated(tmp_path, file=str(file), while_indexed="new")
    assert found.status == "failed" and "was changed while it was being used" in found.message
    assert not (manifest.folder(tmp_path / "results", "w", "one") / manifest.NAME).exists()
    again = evaluated(tmp_path, file=str(file), while_indexed="new")
    assert again.status == "done" and again.result and again.result.fingerprint["state"] == {"of": "new"}


def test_a_model_that_changes_while_it_is_loaded_is_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "weights.py").write_text(WEIGHTS)
    file = tmp_path / "w.txt"
    file.write_text("old")
    time.sleep(0.05)
    arguments = {"file": str(file), "while_made": "new"}
    found, made = prepared.prepare(suites.system(f"{tmp_path / 'weights.py'}:Weights", arguments))
    assert found.state == {"of": "new"} and vars(made)["read"] == "new"
    assert found.sources is None  # it has changed since this process began


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_collection_that_changes_while_it_is_indexed(tmp_path: Path, name: str) -> None:
    toy.write(tmp_path / "data" / "one")
    path, file = tmp_path / "data" / "one" / name, tmp_path / "w.txt"
    file.write_text("old")
    found = evaluated(tmp_path, file=str(file), spoils=str(path))
    assert found.status == "failed" and "have changed while they were used; start again" in found.message
    assert not (manifest.folder(tmp_path / "results", "w", "one") / manifest.NAME).exists()


SOURCES = {
    "pack/__init__.py": "",
    "pack/r.py": "import json, numpy\nfrom . import near\ndef late():\n    import pack.deep.down\nclass R: ...\n",
    "pack/near.py": "from .deep import *\ntry:\n    import none_such\nexcept ImportError: pass\n",
    "pack/deep/__init__.py": "",
    "pack/deep/down.py": "import loose\nfrom pack import r\n",
    "pack/other.py": "",
    "loose.py": "this is no Python",
}


def test_what_a_plugin_imports_is_found_wherever_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.plugins import own_code

    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    import importlib

    module = importlib.import_module("pack.r")
    names = {"pack", "pack.r", "pack.near", "pack.deep", "pack.deep.down", "loose"}
    assert own_code.files("pack.r").keys() == names
    assert own_code.files("retrievers.bm25") == {}
    first = own_code.digest("pack.r")
    (tmp_path / "pack/other.py").write_text("1")
    assert own_code.digest("pack.r") == first
    (tmp_path / "loose.py").write_text("1")
    assert own_code.digest("pack.r") != first
    assert plugins.found_at({"class": "pack.r:R"})[0] == str(tmp_path / "pack/__init__.py")
    assert plugins.found_at({"class": "r.py:R"}) == [] == plugins.found_at({"class": "none_such.r:R"})
    assert module.R

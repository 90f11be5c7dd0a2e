"""Many pairs: one that fails is reported, the others are done."""

from pathlib import Path

import pytest

import toy
from harness.results.manifest import FAILURE
from harness.running import suites
from jobs import run_all

GOOD = f"{Path(__file__).with_name('overlap.py')}:Overlap"
BROKEN = """
class Broken:
    runtime = frozenset()
    def __init__(self, stage: str = "index") -> None:
        self.stage = stage
    def index(self, docs, folder):
        list(docs)
        if self.stage == "index":
            raise RuntimeError("no index today")
    def load(self, folder): ...
    def search(self, queries, k):
        for query in queries:
            yield query.query_id, "d1", float("nan")
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    toy.write(tmp_path / "data" / "one")
    toy.write(tmp_path / "data" / "two")
    (tmp_path / "broken.py").write_text(BROKEN)
    return tmp_path


def test_a_failing_pair_does_not_stop_the_others(place: Path) -> None:
    systems = [
        suites.system(f"{place / 'broken.py'}:Broken", {"stage": stage}, f"broken-{stage}")
        for stage in ("index", "search")
    ]
    outcomes = run_all(
        [*systems, suites.system(GOOD, {}, "good")],
        ["one", "nowhere-at-all", "two"],
        k=10,
        results=place / "results",
        cache=place / "cache",
        data_dirs=[place / "data"],
        download=False,
    )
    status = {(outcome.tag, outcome.dataset): outcome.status for outcome in outcomes}
    assert status == {
        (tag, dataset): "done" if tag == "good" and dataset != "nowhere-at-all" else "failed"
        for tag in ("broken-index", "broken-search", "good")
        for dataset in ("one", "nowhere-at-all", "two")
    }
    messages = {(outcome.tag, outcome.dataset): outcome.message for outcome in outcomes}
    assert "no index today" in messages["broken-index", "one"]
    assert "q1" in messages["broken-search", "two"]
    assert "no index today" in (place / "results/runs/broken-index/one" / FAILURE).read_text()
    assert not (place / "results/runs/good/one" / FAILURE).exists()


def test_systems_may_be_meant_for_some_datasets(place: Path) -> None:
    system = suites.System(GOOD, {}, "good", datasets=(str(place / "data/two"),))
    outcomes = run_all(
        [system],
        [str(place / "data/one"), str(place / "data/two")],
        k=10,
        results=place / "results",
        cache=place / "cache",
        data_dirs=[],
    )
    assert [outcome.dataset for outcome in outcomes] == ["two"]

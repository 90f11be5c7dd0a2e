"""How deep a run goes: where it ends before a measure does, its value is but a bound, and nothing is tested."""

import csv
import json
from pathlib import Path

import pytest

import made_results
from harness import results
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard import build
from harness.results import mteb, seeds
from harness.views.tables.rendering import render

DOCS = [f"d{number:03d}" for number in range(150)]
QUERIES = [f"q{number:02d}" for number in range(30)]
CAPPED = """
from harness.records import ScoredDoc
class Plugin:
    def __init__(self, ends: int = 10, steps: int = 0): self.ends, self.steps = ends, steps
    def index(self, docs, folder): (folder / "ids").write_text(" ".join(doc.doc_id for doc in docs))
    def load(self, folder): self.ids = (folder / "ids").read_text().split()
    def search(self, queries, k):
        for number, query in enumerate(queries):
            for at, doc_id in enumerate(self.ids[: min(k, self.ends + self.steps * number)]):
                yield ScoredDoc(query.query_id, doc_id, 1.0 / (at + 1))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection of 150 documents and 30 queries, and a plugin that ends where it is told to."""
    folder = tmp_path / "col"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": one, "text": "x"}) + "\n" for one in DOCS))
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": one, "text": "x"}) + "\n" for one in QUERIES))
    rows = "".join(f"{query}\t{DOCS[2 * at + 3]}\t1\n" for at, query in enumerate(QUERIES))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    (tmp_path / "plugin.py").write_text(CAPPED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(tag: str, ends: int, *more: str, steps: int = 0) -> None:
    words = ["run", "./plugin.py:Plugin", "--dataset", "./col", "--tag", tag, "--set", f"ends={ends}"]
    assert main([*words, "--set", f"steps={steps}", *more]) == 0


def depths() -> dict[str, int | None]:
    return {one.tag: one.depth for one in results.read(Path("results"))[0]}


def test_a_retriever_that_ends_before_it_is_told_to_is_as_deep_as_it_goes(place: Path) -> None:
    """What reranks ten documents was said to be significantly worse in R@100 than what retrieves a hundred."""
    run("ten", 10)
    run("hundred", 100)
    run("all", 1000)
    run("varied", 3, steps=2)  # ends by itself, at another place for each query
    assert depths() == {"ten": 10, "hundred": 100, "all": 1000, "varied": 1000}
    found, _ = results.read(place / "results")
    board = build(found, "recall@100", "hundred")
    assert board.columns[0].shallow == {"ten": 10}
    ends = {row["system"]: row["col: run ends at"] for row in csv.DictReader(render([board], "csv").splitlines())}
    assert ends == {"ten": "10", "hundred": "", "all": "", "varied": ""}
    assert [one.first for one in board.family] == ["all", "varied"]
    assert [one.first for one in build(found, "precision@10", "hundred").family] == ["all", "ten", "varied"]


def test_what_is_made_of_short_runs_is_no_deeper_than_they_are(place: Path) -> None:
    run("a", 10)
    run("b", 20)
    words = ["run", "fusion", "--dataset", "./col", "--tag"]
    for tag, parts in (("both", '["a","b"]'), ("deep", '["b","all"]')):
        if tag == "deep":
            run("all", 1000)
        assert main([*words, tag, "--set", f"systems={parts}"]) == 0
    assert depths() == {"a": 10, "b": 20, "both": 20, "all": 1000, "deep": 1000}


def test_two_depths_beyond_the_collection_are_one(place: Path) -> None:
    run("two", 1000, "--k", "200")
    run("ten", 1000)
    board = build(results.read(place / "results")[0], "recall@1000")
    assert not board.columns[0].shallow and len(board.family) == 1 and not board.notes


def test_seeds_of_other_depths_are_no_seeds_of_one_system(place: Path) -> None:
    for seed, depth in ((0, 5), (1, 50)):
        lines = [f"{query} Q0 {doc} 1 {1000 - at} t" for query in QUERIES for at, doc in enumerate(DOCS[:depth])]
        Path("run.trec").write_text("\n".join(lines))
        assert main(["score", "run.trec", "--dataset", "./col", "--tag", f"mine-s{seed}"]) == 0
    with pytest.raises(HarnessError, match="depth: 5 -> 50"):
        seeds.merge(results.read(Path("results"))[0])


def test_verify_and_exports_go_by_the_depth_that_is_there(place: Path) -> None:
    run("ten", 10)
    (ten,), _ = results.read(Path("results"))
    assert (ten.manifest["k"], ten.body["k"]) == (1000, 10)
    body, left_out = mteb.result(ten.body)
    assert left_out == ["R@100", "R@1000", "R_cap@100", "J@10"]
    (scores,) = body["scores"]["test"]
    assert {name for name in scores if name.endswith(("_100", "_1000"))} == set() and "ndcg_at_10" in scores


def test_a_column_of_several_datasets_with_a_short_run_is_in_no_test_over_datasets(tmp_path: Path) -> None:
    """Alone in its table, it was: Wilcoxon over the forums found the short system worse."""
    from harness.datasets.dataset_table import groups as members

    for at, forum in enumerate(members()["cqadupstack"]):
        for tag, value, depth in (("short", 0.2, 10), ("long", 0.4, 1000)):
            values = [value + 0.01 * at, value]
            made_results.add(tmp_path, tag, forum, {"recall@100": values}, run={"deepest": depth, "depth": depth})
    board = build(results.read(tmp_path)[0], "recall@100")
    assert [column.name for column in board.columns] == ["cqadupstack"] and board.columns[0].shallow == {"short": 10}
    assert (board.over, board.averages, board.ranks, board.shared) == (None, {}, {}, ())
    (group,) = board.groups()
    assert (group.over, group.averages, group.ranks) == (None, {}, {})

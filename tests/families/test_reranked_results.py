"""A reranker in a suite: its input first, its rows from one pass, its costs with the input's, its ceiling told."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import jobs
from harness import cli
from harness import results as stored
from harness.leaderboard import ceilings
from harness.running import ray_executor, suites
from harness.running.plan import rows
from test_ray import cluster  # noqa: F401 - a fixture

SCORER = """from time import sleep


class Shared:
    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def score(self, queries, docs):
        sleep(self.pause)
        return [float(len({*query.split()} & {*doc.split()})) for query, doc in zip(queries, docs)]
"""
SUITE = """
datasets = ["sample"]
[[system]]
retriever = "PLACE/mine.py:Shared"
tag = "shared"
arguments = { system = "words", depth = [20, 40] }
[[system]]
retriever = "OVERLAP"
tag = "words"
"""
OVERLAP = f"{Path(__file__).parents[1] / 'overlap.py'}:Overlap"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(SCORER)
    (tmp_path / "suite.toml").write_text(SUITE.replace("PLACE", str(tmp_path)).replace("OVERLAP", OVERLAP))
    assert cli.main(["run", "--suite", str(tmp_path / "suite.toml"), "--results", str(tmp_path / "results")]) == 0
    return tmp_path / "results"


def manifest(results: Path, tag: str) -> dict:
    return json.loads((results / "runs" / tag / "sample" / "manifest.json").read_bytes())


def test_rows_of_one_pass_with_costs_and_ceiling(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep, shallow = manifest(results, "shared-depth=40"), manifest(results, "shared-depth=20")
    assert list(deep["inputs"]) == ["words"] and deep["facts"]["reranks"] == "words"
    assert "pairs_per_s" in deep["facts"] and "pairs_per_s" not in shallow["facts"]  # scored in the other's pass
    capsys.readouterr()
    assert cli.main(["leaderboard", "--results", str(results), "--measure", "recall@20"]) == 0
    said = capsys.readouterr().out
    assert "shared-depth=20 orders the first 20 documents of words; more than their R@20 no order finds: " in said
    rows = {line.split("|")[2].strip(): line.split("|")[3] for line in said.splitlines() if line.startswith("| ")}
    value = {tag: rows[tag].strip().strip("*")[:6] for tag in ("shared-depth=20", "words")}
    assert value["shared-depth=20"] == value["words"]  # an order of the same twenty


def test_a_run_that_ends_before_the_depth_is_the_ceiling(tmp_path: Path, results: Path) -> None:
    mine, out = str(tmp_path / "mine.py:Shared"), ["--dataset", "sample", "--results", str(results)]
    assert cli.main(["run", OVERLAP, "--tag", "five", "--k", "5", *out]) == 0
    assert cli.main(["run", mine, "--set", "system=five", "--tag", "reranked", *out]) == 0
    [said] = [line for line in ceilings.ceilings(stored.read(results)[0]) if line.startswith("reranked ")]
    assert said.startswith("reranked orders the first 5 documents of five; more than their R@5 no order finds: ")


@pytest.mark.parametrize("depth", [1, 7, 20, 100])
def test_a_ceiling_is_the_recall_that_ranx_finds(results: Path, depth: int) -> None:
    found = stored.read(results)[0]
    assert len(found) > 1
    for result in found:
        assert ceilings.recall(result, depth) == pytest.approx(result.mean(f"recall@{depth}"), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["here", "devices", "timeout", "ray"])
def test_every_executor_scores_each_pair_once(how: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """For several depths, one of which ends within a block."""
    (tmp_path / "mine.py").write_text(SCORER)
    words = suites.system(OVERLAP, {}, "words")
    depths = suites.system(f"{tmp_path / 'mine.py'}:Shared", {"system": "words", "depth": [20, 33, 60]}, "shared")
    more: dict[str, Any] = {"devices": {"devices": ("cpu", "cpu")}, "timeout": {"timeout": 300.0}}.get(how, {})
    if how == "ray":
        more = {"do": ray_executor.run_all, "address": request.getfixturevalue("cluster").address}
    places = {"results": tmp_path / "results", "cache": tmp_path / "cache"}
    outcomes = jobs.run_all([words, *rows([depths])], ["sample"], k=100, **places, **more)
    assert [outcome.message for outcome in outcomes] == [""] * 4
    run = gzip.decompress((tmp_path / "results/runs/words/sample/run.trec.gz").read_bytes()).decode().splitlines()
    wanted = sum(int(line.split()[3]) <= 60 for line in run)
    facts = [manifest(tmp_path / "results", f"shared-depth={depth}")["facts"] for depth in (20, 33, 60)]
    assert [one["pairs_scored"] for one in facts] == [0, 0, wanted]

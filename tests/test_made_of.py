"""What a result is made of: the runs of other systems. Their costs are its own; of their successors it is not made."""

import json
from pathlib import Path

import pytest

import made_results
import toy
from harness import cli, results
from harness.leaderboard import build
from harness.leaderboard.columns import columns
from harness.leaderboard.costs import AXES, points

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


def costs(latency: float, size: int, seconds: float) -> dict:
    return {"index": {"wall_s": seconds, "index_bytes": size}, "search": {"latency": {"p50_ms": latency}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`both` is made of `a` and `b`, `all` of `both` and `c`, whose costs nobody knows."""
    made_results.add(tmp_path, "a", "scifact", [0.5, 0.6], costs=costs(20.0, 1000, 3.0))
    made_results.add(tmp_path, "b", "scifact", [0.5, 0.7], costs=costs(30.0, 500, 4.0))
    made_results.add(tmp_path, "c", "scifact", [0.1, 0.2], costs={})
    runs = {"both": ("a", "b"), "all": ("both", "c"), "twice": ("both",), "itself": ("itself",)}
    for tag, parts in runs.items():
        old = {"fingerprint": {"state": {"own": {}, "runs": {f"runs/{part}.trec.gz": "0" for part in parts}}}}
        new = {"inputs": dict.fromkeys(parts, "0")}
        made_results.add(
            tmp_path, tag, "scifact", [0.9, 0.8], costs=costs(0.5, 1, 0.1), **(old if tag == "both" else new)
        )
    return tmp_path


EXPECTED = {
    "latency": {"a": 20.0, "b": 30.0, "both": 50.5, "twice": 51.0},
    "index_bytes": {"a": 1000, "b": 500, "both": 1501, "twice": 1502},
    "search_bytes": {"a": 1000, "b": 500, "both": 1501, "twice": 1502},
    "index_s": {"a": 3.0, "b": 4.0, "both": 7.1, "twice": 7.2},
}


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_a_fusion_costs_what_its_parts_cost_and_an_unknown_cost_is_none(folder: Path, axis) -> None:
    found, _ = results.read(folder)
    quality = {one.tag: one.means["ndcg@10"] for one in found}
    drawn = {point.tag: point.cost for point in points(found, quality, ["scifact"], axis)}
    assert drawn == pytest.approx(EXPECTED[axis.name])
    alone = results.select(found, systems=["both"])  # the parts count also where they are not shown
    assert points(alone, quality, ["scifact"], axis)[0].cost == pytest.approx(EXPECTED[axis.name]["both"])


def test_through_the_commands_a_stale_fusion_is_named_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    toy.write(tmp_path / "toy")
    where = ["--dataset", "toy", "--data-dir", str(tmp_path), "--results", str(tmp_path / "results")]

    def run(*words: str) -> None:
        assert cli.main(["run", *words, *where]) == 0

    def said(*words: str) -> str:
        capsys.readouterr()
        assert cli.main([*words, "--results", str(tmp_path / "results")]) == 0
        printed = capsys.readouterr()
        return printed.out + printed.err

    run(OVERLAP, "--tag", "part")
    run("fusion", "--set", 'systems=["part"]', "--tag", "fused")
    commands = (["leaderboard"], ["list", "results"], ["verify"], ["leaderboard", "--tables"])
    note = "fused on toy was made of another run of part than the one that is here; run it again"
    for words in commands:
        assert note not in said(*words)
    assert note not in (tmp_path / "results" / "tables" / "ndcg@10.md").read_text()
    run(OVERLAP, "--set", "bonus=1.0", "--tag", "part", "--overwrite")
    for words in commands[:3]:
        assert note in said(*words)
    assert note in said("compare", "fused", "part", "--dataset", "toy")
    said(*commands[3])
    assert note in (tmp_path / "results" / "tables" / "ndcg@10.md").read_text()
    said("report", "--output", str(tmp_path / "site"))
    assert note in (tmp_path / "site" / "index.html").read_text()
    run("fusion", "--set", 'systems=["part"]', "--tag", "fused", "--overwrite")
    assert note not in said("leaderboard")


def test_a_result_rests_on_the_inputs_of_its_inputs_and_a_run_that_is_gone_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    toy.write(tmp_path / "toy")
    where = ["--dataset", "toy", "--data-dir", str(tmp_path), "--results", str(tmp_path / "results")]
    for words in ([OVERLAP, "--tag", "part"], ["fusion", "--set", 'systems=["part"]', "--tag", "fused"],
                  ["fusion", "--set", 'systems=["fused"]', "--tag", "top"]):  # fmt: skip
        assert cli.main(["run", *words, *where]) == 0

    def said(*words: str) -> str:
        capsys.readouterr()
        assert cli.main([*words, "--results", str(tmp_path / "results")]) == 0
        printed = capsys.readouterr()
        return printed.out + printed.err

    commands = (["leaderboard", "--system", "top"], ["list", "results"], ["verify"],
                ["compare", "top", "part", "--dataset", "toy"])  # fmt: skip
    assert not any("top on toy" in said(*words) for words in commands)
    again = said("run", OVERLAP, "--set", "bonus=1.0", "--tag", "part", "--overwrite", *where[:-2])
    deep = "top on toy rests on fused, which was made of another run of part than the one that is here; run fused, then"
    assert deep in again and all(deep in said(*words) for words in commands)

    for words in (["rename", "part", "other"], ["remove", "fused"]):
        said("results", *words)
    commands[3][2] = "other"
    gone = "top on toy was made of a run of fused, which is not here: removed, renamed or not brought along"
    assert all(gone in said(*words) for words in commands)
    said("report", "--system", "top", "--output", str(tmp_path / "site"))
    assert gone in (tmp_path / "site" / "index.html").read_text()


def test_results_made_of_each_other_in_a_circle_end(tmp_path: Path) -> None:
    everybody = [f"s{number}" for number in range(30)]
    for tag in everybody:
        made_results.add(tmp_path, tag, "scifact", [0.5], inputs=dict.fromkeys(everybody, "0"))
    assert results.stale(results.read(tmp_path)[0]) == []


def test_old_results_tell_by_the_run_file_while_it_is_there(tmp_path: Path) -> None:
    """Before a manifest listed its inputs, the sha256 of the run's file was in the fingerprint."""
    toy.write(tmp_path / "toy")
    where = ["--dataset", "toy", "--data-dir", str(tmp_path), "--results", str(tmp_path / "results")]
    assert cli.main(["run", OVERLAP, "--tag", "part", *where]) == 0
    assert cli.main(["run", "fusion", "--set", 'systems=["part"]', "--tag", "fused", *where]) == 0
    place = tmp_path / "results" / "runs" / "fused" / "toy" / "manifest.json"
    body = json.loads(place.read_text())
    assert list(body.pop("inputs")) == ["part"]
    del body["sha256"]
    place.write_text(json.dumps(body))

    def stale() -> list[str]:
        return results.stale(results.read(tmp_path / "results")[0])

    assert stale() == []
    assert cli.main(["run", OVERLAP, "--set", "bonus=1.0", "--tag", "part", "--overwrite", *where]) == 0
    assert len(stale()) == 1
    (tmp_path / "results" / "runs" / "part" / "toy" / "run.trec.gz").unlink()
    assert stale() == []  # nobody can tell


def test_the_board_has_the_note(folder: Path) -> None:
    made_results.add(folder, "a", "scifact", [0.5, 0.6], run={"sha256": "1"})
    made_results.add(folder, "f", "scifact", [0.5, 0.6], inputs={"a": "0"})
    found, _ = results.read(folder)
    expected = "f on scifact was made of another run of a than the one that is here; run it again"
    assert expected in columns(found, "ndcg@10")[1] and expected in build(found, "ndcg@10").notes


@pytest.mark.parametrize("runs", [[], "x", 7, {"runs/../../x.trec.gz": 1}, {"": None}, {"runs/a.trec.gz": ["x"]}])
def test_what_somebody_else_wrote_into_a_fingerprint_does_no_harm(folder: Path, runs: object) -> None:
    made_results.add(
        folder, "odd", "scifact", [0.5, 0.6], fingerprint={"state": {"runs": runs}, "relevance_level": "x"}
    )
    found = results.select(results.read(folder)[0], systems=["odd"])
    assert results.stale(found) == [] and found[0].relevance_level == 1

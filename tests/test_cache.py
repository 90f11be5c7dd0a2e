"""`cache list` and `cache prune`: what is there, what may go, and what never goes."""

import json
import os
import time
from pathlib import Path

import pytest

import toy
from harness import paths
from harness.cli import main
from harness.host import locks

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with an index that a result refers to, an unfinished one, a download and tokenised text."""
    toy.write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    assert main(["run", OVERLAP, "--dataset", "./toy", "--tag", "overlap"]) == 0
    found = paths.cache_dir()
    for name, file in (
        ("indexes/dead-0123", "index/part"),
        ("datasets/nq", "corpus.jsonl"),
        ("training/text-1", "ids"),
    ):
        (found / name / file).parent.mkdir(parents=True)
        (found / name / file).write_text("x" * 1000)
    return found


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict]:
    capsys.readouterr()
    assert main(["cache", *words, "--json"]) == 0
    return {row["entry"].rpartition("-")[0] or row["entry"]: row for row in json.loads(capsys.readouterr().out)}


def test_list_says_whose_index_it_is(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys, "list")
    assert {name: row["kind"] for name, row in rows.items()} == {
        "nq": "dataset", "dead": "index", "overlap": "index", "text": "training",
    }  # fmt: skip
    row = rows["overlap"]
    assert (row["retriever"], row["dataset"], row["complete"], row["results"]) == (
        "overlap", "toy", True, ["overlap/toy"],
    )  # fmt: skip
    assert not rows["dead"]["complete"] and rows["dead"]["bytes"] == 1000
    assert main(["cache", "list"]) == 0
    assert "overlap on toy  1 result, overlap" in capsys.readouterr().out


def test_prune_removes_only_when_told_and_only_what_is_old(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = time.time() - 40 * 86400
    os.utime(cache / "datasets/nq/corpus.jsonl", (old, old))
    assert {name: row["became"] for name, row in listed(capsys, "prune").items()} == {"nq": "would be removed"}
    assert (cache / "datasets/nq").exists()
    listed(capsys, "prune", "--yes")
    assert not (cache / "datasets/nq").exists()
    assert listed(capsys, "list").keys() == {"dead", "overlap", "text"}


def test_prune_by_name_by_kind_and_by_what_refers(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "dead" not in listed(capsys, "prune", "--days", "1", "--unreferred")  # both, where both are said
    listed(capsys, "prune", "--kind", "index", "--unreferred", "--yes")  # else whatever its age
    assert listed(capsys, "list").keys() == {"nq", "overlap", "text"}
    assert main(["cache", "list"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "overlap on" in line)
    assert row.endswith("1 result, overlap")
    listed(capsys, "prune", "text-1", "--yes")
    assert listed(capsys, "list").keys() == {"nq", "overlap"}
    assert main(["cache", "prune", "txt-1"]) == 2


def test_a_pruned_index_is_made_again(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("results/runs/overlap/toy/scores.tsv.gz").read_bytes()
    listed(capsys, "prune", "--days", "0", "--yes")
    assert main(["run", OVERLAP, "--dataset", "./toy", "--tag", "overlap", "--overwrite"]) == 0
    assert Path("results/runs/overlap/toy/scores.tsv.gz").read_bytes() == before


def test_what_is_in_use_stays(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = next(cache.glob("indexes/overlap-*"))
    for lock in (locks.shared(home / ".in-use", "x"), locks.held(home / ".lock", "x")):
        with lock:
            assert "in use" in listed(capsys, "prune", "--days", "0", "--yes", "--kind", "index")["overlap"]["became"]
        assert (home / "complete.json").exists()


def test_a_time_from_the_future_is_now(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = time.time() + 400 * 86400
    os.utime(cache / "datasets/nq/corpus.jsonl", (later, later))
    assert listed(capsys, "list")["nq"]["unused_days"] == 0
    assert "nq" not in listed(capsys, "prune", "--days", "1", "--yes")


def test_nothing_outside_the_cache_is_removed(cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    for place in ("datasets/linked", "datasets/nq/inner", "indexes/linked-1"):
        (cache / place).symlink_to(tmp_path / "precious")
    listed(capsys, "prune", "--days", "0", "--yes")
    assert (tmp_path / "precious" / "file").read_text() == "x"
    assert not (cache / "datasets/nq").exists()

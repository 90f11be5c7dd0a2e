"""The log of a run, and what `status` reads from it, also where the run was killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import toy
from harness.cli import main
from harness.errors import HarnessError
from harness.host import log, processes
from harness.running import status, suites
from jobs import run_all

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "two"):
        toy.write(tmp_path / "data" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(place: Path, *names: str) -> None:
    run_all(
        [suites.system(OVERLAP, {}, "overlap")], names, k=10, results=place / "results", cache=place / "cache",
        data_dirs=[place / "data"], download=False,
    )  # fmt: skip


def events(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_leaves_its_events(place: Path) -> None:
    run(place, "one", "nowhere-at-all", "two")
    found = events(log.files(place / "results")[0])
    assert [event["event"] for event in found if event["event"] not in ("stage", "staged")] == [
        "run", "pair", "done", "pair", "failed", "pair", "done", "ended",
    ]  # fmt: skip
    stages = [event["stage"] for event in found if event["event"] == "staged" and event["dataset"] == "one"]
    assert stages == ["index", "load", "search", "publish"]
    assert all(event["time"] and event["elapsed"] >= 0 for event in found)
    assert "nowhere-at-all" in next(event["message"] for event in found if event["event"] == "failed")


def test_the_number_orders_logs_whatever_the_clock_says(place: Path) -> None:
    folder = place / "results" / "log"
    folder.mkdir(parents=True)
    (folder / "0041-20991231T000000Z-1.jsonl").write_text("")
    run(place, "one")
    assert log.files(place / "results")[-1].name.startswith("0042-")
    assert status.read(place / "results")[0].count("done") == 1


def test_a_folder_that_cannot_be_written_stops_nothing(place: Path) -> None:
    (place / "results").mkdir()
    (place / "results" / "log").write_text("a file where the folder should be")
    run(place, "one")
    assert (place / "results/runs/overlap/one/manifest.json").exists()


def test_status_of_a_finished_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(place, "one", "nowhere-at-all", "two")
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("finished: process ")
    assert "2 done, 0 there already, 0 running, 1 failed, 0 remaining, of 3" in said
    assert "failed: overlap on nowhere-at-all: unknown dataset" in said
    assert main(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]
    assert found["counts"] == {"done": 2, "reused": 0, "failed": 1, "running": 0, "stopped": 0, "remaining": 0}


def test_status_of_a_run_that_lives_and_then_was_killed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(__file__).with_name("overlap.py").read_text()
    (place / "slow.py").write_text(
        source.replace("for query in queries:", "import time; time.sleep(600)\n        if 1:")
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "./slow.py:Overlap", "--tag", "slow", "--data-dir", "data",
         "--dataset", "one", "--dataset", "two"],
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (logs := log.files(place / "results")) or '"search"' not in logs[0].read_text():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.1)
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"running: process {child.pid} on ")
    assert "running: slow on one: search" in said and "1 remaining" in said
    child.send_signal(signal.SIGKILL)
    child.wait()
    with open(logs[0], "a") as file:
        file.write('{"time": "2026-01-01T00:0')  # what a kill may leave of a line
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("dead: killed before it was done")
    assert "stopped in the middle: slow on one: search\n" in said  # since when, its log cannot tell
    assert "0 running" in said and "1 stopped in the middle" in said
    assert "the same command goes on from there" in said


def test_no_log_no_status(place: Path) -> None:
    with pytest.raises(HarnessError, match="there is no log of a run"):
        status.read(place / "results")


def test_another_host_cannot_be_asked() -> None:
    me = processes.me()
    assert processes.alive(me) is True
    assert processes.alive(me | {"host": "elsewhere"}) is None
    assert processes.alive(me | {"started": "another time"}) is False  # the number was given to another process


@pytest.mark.parametrize(
    ("pairs", "seconds"),
    [
        ([("a", 100, "done", 10.0), ("a", 50, "remaining", 0.0)], 5.0),
        ([("a", 100, "done", 10.0), ("b", 50, "running", 2.0)], 3.0),
        ([("a", None, "done", 10.0), ("a", None, "remaining", 0.0), ("a", None, "remaining", 0.0)], 20.0),
        ([("a", 100, "done", 10.0), ("a", 100, "running", 60.0)], 0.0),
        ([("a", 100, "reused", 0.0), ("a", 100, "remaining", 0.0)], None),
        ([("a", 100, "done", 10.0), ("b", 10, "done", 10.0), ("b", 20, "remaining", 0.0)], 20.0),
    ],
)
def test_the_estimate_goes_by_documents(pairs: list[tuple], seconds: float | None) -> None:
    made = [status.PairStatus(name, str(at), docs, state, took) for at, (name, docs, state, took) in enumerate(pairs)]
    assert status.estimate(made) == seconds

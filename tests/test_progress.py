"""How far work is: what is done counts, not what is read; a line a minute without a terminal; events for `status`."""

import json
from pathlib import Path

import pytest

import toy
from harness import work
from harness.cli import main
from harness.host import progress
from harness.running import status

EAGER = """
from harness import work
class Eager:
    def index(self, docs, folder):
        work.begin()
        docs = list(docs)
        with work.portion(len(docs)):
            for quarter in (0.25, 0.5, 0.75):
                work.fraction(quarter)
    def load(self, folder): ...
    def search(self, queries, k):
        for query in queries:
            yield query.query_id, "d1", 1.0
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    toy.write(tmp_path / "data" / "one")
    (tmp_path / "eager.py").write_text(EAGER)
    return tmp_path


def run(place: Path) -> list[dict]:
    assert main(["run", "./eager.py:Eager", "--dataset", "data/one", "--results", "results"]) == 0
    (log,) = (place / "results/log").glob("*.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_log_counts_what_is_done(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    events = [event for event in run(place) if event["event"] == "progress" and event["stage"] == "index"]
    assert [event["count"] for event in events] == [0, 1, 2, 4, 5]  # of five documents, though all were read at once
    assert {event["total"] for event in events} == {5}


def test_without_a_terminal_there_is_a_line_now_and_then(place, monkeypatch, capsys) -> None:
    monkeypatch.setattr(progress, "LINE", 0.0)
    run(place)
    said = capsys.readouterr().err.splitlines()
    lines = [line for line in said if line.startswith("eager on one: index: ")]
    assert len(lines) == 4 and lines[1].startswith("eager on one: index: 1 of 5 docs after 0 s, about 0 s left")
    assert any(line.startswith("eager on one: search: 1 of 3 queries") for line in said)


def test_no_line_within_a_minute(place, capsys) -> None:
    run(place)
    assert " docs after " not in capsys.readouterr().err


def test_a_line_says_how_long_it_takes() -> None:
    bar = progress.Bar("bm25 on nq: index", "docs", 2_681_468)
    bar.n = 120_000
    assert bar.line(180.0) == "bm25 on nq: index: 120,000 of 2,681,468 docs after 3 min, about 64 min left"
    assert progress.Bar("trials", "trials", None).line(9.0) == "trials: 0 trials after 9 s"


def test_portions_add_up_whatever_is_said_inside() -> None:
    told: list[float] = []
    with work.watched(told.append):
        with work.portion(8):
            for share in (0.5, 0.25, 0.5, 0.75):  # what falls back is not said
                work.fraction(share)
        with work.portion(4):
            pass
        work.done(3)
        work.fraction(0.5)  # of no portion
    work.done(7)  # nobody watches
    assert told == [4.0, 2.0, 2.0, 4.0, 3]


def test_a_running_pair_alone_tells_how_long_the_rest_takes(place: Path) -> None:
    folder = place / "results/log"
    folder.mkdir(parents=True)
    pairs = [{"system": "a", "dataset": "x", "docs": 100}, {"system": "a", "dataset": "y", "docs": 50}]
    about = {"system": "a", "dataset": "x"}
    lines = [
        {"event": "run", "pid": 1, "host": "elsewhere", "uptime": 0, "time": "t", "command": [], "pairs": pairs},
        {"event": "pair", "elapsed": 0.0, **about},
        {"event": "stage", "elapsed": 0.0, "stage": "index", **about},
        {"event": "progress", "elapsed": 10.0, "count": 25, "total": 100, **about},
    ]
    (folder / "0001-t-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (found,) = status.read(place / "results")
    assert (found.pairs[0].state, found.pairs[0].how_far, found.estimate_s) == ("running", "25 of 100", 50.0)

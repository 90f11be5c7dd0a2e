"""Faults of disks, clocks, people and plugins: each is told, nothing is lost, and what follows is as without them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import toy
from harness.cli import main
from harness.host import locks
from harness.running import suites
from harness.running.runner import Attempted
from jobs import run_all

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"
SYSTEMS = [
    suites.system(OVERLAP, {}, "overlap"),
    suites.system(OVERLAP, {"bonus": 1.0}, "bonus"),
    suites.system("fusion", {"systems": ["overlap", "bonus"]}, "fused"),
]
FIRST = "results/runs/overlap/one"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    toy.write(tmp_path / "data" / "one")
    return tmp_path


def run(
    place: Path, cache: str = "cache", systems: list[suites.System] | None = None, **more: object
) -> list[Attempted]:
    return run_all(
        systems or SYSTEMS, ["one"], k=10, results=place / "results", cache=place / cache,
        data_dirs=[place / "data"], download=False, **more,
    )  # fmt: skip


def outputs(place: Path) -> dict[str, bytes]:
    folder = place / "results" / "runs"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.gz"))}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
@pytest.mark.parametrize("what", ["scores.tsv.gz", "manifest.json", "index"])
def test_damage_is_named_and_mended(place: Path, what: str, damage, capsys: pytest.CaptureFixture[str]) -> None:
    run(place)
    before = outputs(place)
    path = place / FIRST / what
    if what == "index":
        path = next(place.glob("cache/indexes/overlap-*/index/words.jsonl"))
        for manifest in place.glob("results/runs/*/one/manifest.json"):
            manifest.unlink()  # an index is looked at when it is searched
    damage(path)
    capsys.readouterr()
    outcomes = run(place)
    assert [outcome.status for outcome in outcomes if outcome.status == "failed"] == []
    assert outputs(place) == before
    said = capsys.readouterr().err
    if (what, damage) != ("manifest.json", Path.unlink):  # without a manifest there was no result
        assert "damaged" in said and path.name in said
    assert all(outcome.status == "reused" for outcome in run(place))


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_damaged_run_is_made_again_before_it_is_fused(
    place: Path, damage, capsys: pytest.CaptureFixture[str]
) -> None:
    run(place)
    before = outputs(place)
    (place / "results/runs/fused/one/manifest.json").unlink()
    damage(place / FIRST / "run.trec.gz")
    outcomes = run(place)
    assert {outcome.tag: outcome.status for outcome in outcomes}["fused"] == "done"
    assert outputs(place) == before
    said = capsys.readouterr().err
    assert "damaged" in said and "run.trec.gz" in said


def test_a_cache_that_has_vanished_is_made_again(place: Path) -> None:
    run(place)
    before = outputs(place)
    assert {outcome.status for outcome in run(place, "another-cache")} == {"reused"}  # nothing there is needed
    assert {outcome.status for outcome in run(place, "another-cache", overwrite=True)} == {"done"}
    assert outputs(place) == before


def test_what_a_kill_left_under_temporary_names_goes(place: Path) -> None:
    (place / FIRST).mkdir(parents=True)
    (place / FIRST / ".run.trec.gz.4711.tmp").write_text("x")
    run(place)
    assert not list((place / "results").rglob("*.tmp"))


def test_times_from_the_future_change_nothing(place: Path) -> None:
    run(place)
    before = outputs(place)
    later = time.time() + 10 * 365 * 86400
    for path in place.rglob("*"):
        os.utime(path, (later, later))
    manifest = place / FIRST / "manifest.json"
    body = json.loads(manifest.read_text()) | {"created": "2099-01-01T00:00:00+00:00"}
    body.pop("sha256")  # as if written then, by a version without checksums
    manifest.write_text(json.dumps(body))
    assert {outcome.status for outcome in run(place)} == {"reused"}
    assert outputs(place) == before


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    point = tmp_path / "mount"
    point.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(point)]
    if os.geteuid() or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


def test_a_full_disk(place: Path, mounted: Path) -> None:
    run(place, systems=SYSTEMS[:1])
    whole = outputs(place)
    (place / "results").rename(place / "reference")
    filler = mounted / "filler"
    filler.write_bytes(b"x" * (1 << 20))  # all of it
    outcome = run(place, "mount/cache", SYSTEMS[:1])[0]
    assert outcome.status == "failed" and "No space left" in outcome.message and "mount" in outcome.message
    filler.write_bytes(b"x" * ((1 << 20) - 8192))  # room for folders, not for an index
    assert run(place, "mount/cache", SYSTEMS[:1])[0].status == "failed"
    filler.unlink()
    assert run(place, "mount/cache", SYSTEMS[:1])[0].status == "done"
    assert outputs(place) == whole


def test_what_is_written_to_a_full_disk_is_named(
    place: Path, mounted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(place, systems=SYSTEMS[:1])
    shutil.copytree(place / "results", mounted / "results")
    with suppress(OSError), open(mounted / "filler", "wb") as filler:
        while True:
            filler.write(b"x" * 4096)
    here = ["--results", str(mounted / "results")]
    for words, file in (
        (["leaderboard", *here, "--output", str(mounted / "table.md")], "table.md"),
        (["leaderboard", *here, "--tables"], "results/tables/"),
        (["report", *here, "--output", str(mounted / "site")], "site/"),
        (["plot", "leaderboard", *here, "--output", str(mounted / "a.svg")], "a.svg"),
    ):
        capsys.readouterr()
        assert main(words) == 2
        said = capsys.readouterr().err
        assert f"beir-harness: {mounted}/{file}" in said
        assert said.endswith(": No space left on device; free some space there, or name another place\n")
    assert not list(mounted.glob("*.*"))


def test_a_read_only_cache_serves_what_it_has(place: Path, mounted: Path) -> None:
    run(place, "mount/cache", SYSTEMS[:1])
    whole = outputs(place)
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    assert run(place, "mount/cache", SYSTEMS[:1], overwrite=True)[0].status == "done"
    assert outputs(place) == whole
    other = suites.system(OVERLAP, {"lower": False}, "cased")
    outcome = run(place, "mount/cache", [other])[0]
    assert outcome.status == "failed" and "Read-only" in outcome.message and "BEIR_HARNESS_CACHE" in outcome.message


GARBAGE = """
import sys
class Garbage:
    runtime = frozenset()
    def __init__(self, how: str = "") -> None:
        self.how = how
    def index(self, docs, folder):
        list(docs)
        if self.how == "exit": sys.exit(0)
        if self.how == "base": raise BaseException("from below")
        if self.how == "memory": raise MemoryError("no more")
    def load(self, folder): ...
    def search(self, queries, k):
        rows = {
            "nan": [("q1", "d1", float("nan"))], "unknown": [("q9", "d1", 1.0)], "type": [("q1", "d1", "high")],
            "twice": [("q1", "d1", 1.0), ("q1", "d1", 2.0)], "shape": [("q1",)], "none": None,
        }
        return rows[self.how]
"""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("nan", "no finite float32"), ("unknown", "'q9'"), ("type", "no finite float32"), ("twice", "'d1' twice"),
        ("shape", "search gave ('q1',)"), ("none", "search gave None"),
        ("exit", "ended the program"), ("base", "from below"),
        ("memory", "memory did not suffice"),
    ],
)  # fmt: skip
def test_a_plugin_that_misbehaves_stops_itself_alone(place: Path, how: str, said: str) -> None:
    (place / "garbage.py").write_text(GARBAGE)
    bad = suites.system(f"{place / 'garbage.py'}:Garbage", {"how": how}, "bad")
    outcomes = run(place, systems=[bad, SYSTEMS[0]])
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert said in outcomes[0].message


STOPPING = """
def at(stage):
    import os, time
    if os.environ.get("STAGE") == stage:
        open("reached", "w").close()
        time.sleep(600)
"""
STAGES = {
    "index": ("def index(self, docs: Iterable[Doc], folder: Path) -> None:\n", "        at('index')\n"),
    "load": ("def load(self, folder: Path) -> None:\n", "        at('load')\n"),
    "search": ("        for query in queries:\n", "            at('search')\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("stage", [*STAGES, "publish"])
def test_stopped_at_every_stage(place: Path, stage: str, number: int, code: int, monkeypatch) -> None:
    monkeypatch.chdir(place)
    source = Path(__file__).with_name("overlap.py").read_text() + STOPPING
    for line, more in STAGES.values():
        source = source.replace(line, line + more)
    if stage == "publish":  # the last thing asked of a plugin before the result is written: its facts
        source += "\nOverlap.facts = lambda self: at('publish') or {}\n"
    (place / "stopping.py").write_text(source)
    words = [sys.executable, "-m", "harness", "run", "./stopping.py:Overlap", "--tag", "x", "--dataset", "data/one"]
    child = subprocess.Popen(words, env=os.environ | {"STAGE": stage}, stderr=subprocess.PIPE, text=True)
    while not (place / "reached").exists():
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(number)
    said = child.communicate(timeout=120)[1]
    assert child.returncode == code and "goes on from there" in said and "Traceback" not in said
    assert not (place / "results/runs/x/one/manifest.json").exists()
    assert main(words[3:]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 5])
def test_several_runs_on_one_cache_and_one_results_folder(place: Path, count: int, monkeypatch) -> None:
    monkeypatch.chdir(place)
    words = [sys.executable, "-m", "harness", "run", OVERLAP, "--dataset", "data/one", "--json"]
    with locks.held(place / "results/runs/overlap/one/.lock", "x"):  # all of them wait, then begin at once
        children = [
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(count)
        ]
        for child in children:
            assert child.stderr
            lines = iter(child.stderr.readline, "")
            assert f"process {os.getpid()} on " in next(line for line in lines if line.startswith("waiting for"))
    statuses = [json.loads(child.communicate(timeout=300)[0])[0]["status"] for child in children]
    assert sorted(statuses) == ["done"] + ["reused"] * (count - 1)
    assert len(list((place / "results" / "log").glob("*.jsonl"))) == count


@pytest.mark.slow
def test_a_short_round_of_the_benchmark_loses_nothing() -> None:
    script = Path(__file__).resolve().parents[1] / "benchmarks" / "faults.py"
    words = [sys.executable, str(script), "--kills", "4", "--stops", "2", "--damages", "4", "--docs", "300"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split()[-1] == "0"

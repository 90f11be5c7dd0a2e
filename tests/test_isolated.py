"""With --timeout every pair has a process of its own: whatever becomes of it, the suite goes on and says so."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import toy
from harness.running import suites
from jobs import run_all

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"
PLUGIN = """
import os, resource, signal, subprocess, sys, time
class Bad:
    runtime = frozenset()
    def __init__(self, how: str = "") -> None:
        self.how = how
    def index(self, docs, folder):
        list(docs)
        if self.how == "hang":
            subprocess.Popen(["sleep", "600"], stdout=open("child", "w")).pid
            open("pid", "w").write(str(os.getpid()))
            time.sleep(600)
        if self.how == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True: pass
        if self.how == "quit": os._exit(3)
        if self.how == "killed": os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "leak":
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
            kept = []
            while True: kept.append(bytearray(1 << 28))
        print("noise on standard output")
    def load(self, folder): ...
    def search(self, queries, k):
        yield "q1", "d1", 1.0
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "data" / "one")
    (tmp_path / "bad.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "timeout", "said"),
    [
        ("hang", 15.0, "not done after 15 seconds (--timeout)"),
        ("deaf", 15.0, "not done after 15 seconds (--timeout)"),
        ("quit", 600.0, "exit status 3"),
        ("killed", 600.0, "killed by SIGKILL"),
        ("leak", 600.0, "memory did not suffice"),
    ],
)
def test_the_suite_goes_on(place: Path, how: str, timeout: float, said: str) -> None:
    bad = suites.system("./bad.py:Bad", {"how": how}, "bad")
    common = {"k": 10, "results": place / "results", "cache": place / "cache", "data_dirs": [place / "data"]}
    outcome = run_all([bad], ["one"], timeout=timeout, **common)[0]
    assert outcome.status == "failed" and said in outcome.message
    good = suites.system("./bad.py:Bad", {}, "good")
    overlap = suites.system(OVERLAP, {}, "overlap")
    assert [one.status for one in run_all([good, overlap], ["one"], timeout=600.0, **common)] == ["done", "done"]
    apart = (place / "results/runs/overlap/one/run.trec.gz").read_bytes()
    run_all([overlap], ["one"], overwrite=True, **common)
    assert (place / "results/runs/overlap/one/run.trec.gz").read_bytes() == apart
    if how == "hang":
        assert "in index" in (place / "results/runs/bad/one/failure.txt").read_text()


@pytest.mark.slow
def test_a_killed_parent_leaves_no_process(place: Path) -> None:
    words = ["run", "./bad.py:Bad", "--set", "how=hang", "--dataset", "data/one", "--timeout", "600"]
    parent = subprocess.Popen([sys.executable, "-m", "harness", *words])
    while not (place / "pid").exists() or not (place / "pid").read_text():
        assert parent.poll() is None
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    pid = int((place / "pid").read_text())
    for _ in range(600):
        if (
            not Path(f"/proc/{pid}").exists()
            or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        ):
            return
        time.sleep(0.1)
    raise AssertionError("the process of the pair outlived the run")

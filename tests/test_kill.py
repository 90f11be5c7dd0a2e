"""Killed at any moment and started again, a run ends in the same scores, byte for byte."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import toy

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"
KILLS = 20


def command(place: Path, results: str) -> list[str]:
    names = [word for name in ("one", "two", "three") for word in ("--dataset", str(place / name))]
    return [sys.executable, "-m", "harness", "run", OVERLAP, *names, "--results", str(place / results)]


def outputs(place: Path, results: str) -> dict[str, bytes]:
    """Scores and runs by their place below the results folder."""
    folder = place / results
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.gz"))}


@pytest.mark.slow
def test_kill_minus_nine_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three"):
        toy.write(tmp_path / name)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache-of-the-whole"))
    start = time.monotonic()
    subprocess.run(command(tmp_path, "whole"), check=True)
    whole_s = time.monotonic() - start
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    moments = random.Random(7)
    killed = 0
    for _ in range(KILLS):
        child = subprocess.Popen(command(tmp_path, "killed"))
        time.sleep(moments.uniform(0.0, whole_s))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
    assert killed > KILLS // 3  # else it was over before the kill, and nothing was tested
    subprocess.run(command(tmp_path, "killed"), check=True)
    assert outputs(tmp_path, "killed") == outputs(tmp_path, "whole")
    assert len(outputs(tmp_path, "whole")) == 6

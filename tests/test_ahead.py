"""What scoring compiles is compiled beside the work before it, once for a cache."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import toy
from harness.cli import main
from harness.host import locks
from harness.measures import ahead


def test_scoring_waits_for_who_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    ahead.wait()  # nobody has begun
    program = "import sys, time; from harness.host import locks; from pathlib import Path\n"
    program += "with locks.attempt(Path(sys.argv[1])): print('held', flush=True); time.sleep(1)"
    lock = tmp_path / ".compiling"
    other = subprocess.Popen([sys.executable, "-c", program, str(lock)], stdout=subprocess.PIPE, text=True)
    assert other.stdout and other.stdout.readline() == "held\n"
    ahead.wait()
    with locks.attempt(lock) as free:
        assert free
    other.wait()


@pytest.mark.slow
def test_the_first_run_of_a_cache_compiles_beside_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two processors")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    toy.write(tmp_path / "one")
    plugin = f"{Path(__file__).with_name('overlap.py')}:Overlap"
    assert main(["run", plugin, "--dataset", str(tmp_path / "one"), "--results", str(tmp_path / "r")]) == 0
    end = time.monotonic() + 300
    while not list((tmp_path / "numba").glob(".compiled-*")):
        assert time.monotonic() < end
        time.sleep(0.5)
    assert list((tmp_path / "numba").rglob("*.nbi"))
    begun = time.process_time()
    ahead.start()
    ahead.wait()
    assert time.process_time() - begun < 0.5

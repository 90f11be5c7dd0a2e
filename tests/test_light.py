"""What small commands import: a table, a list and a finished pair need no ranx, torch, pandas or scipy.stats."""

import subprocess
import sys
from pathlib import Path

import pytest

import made_results
import toy

HEAVY = {"ranx", "numba", "pandas", "scipy.stats", "matplotlib", "torch", "transformers", "sklearn", "ir_datasets"}
PROGRAM = """
import sys
from harness.cli import main
code = main(sys.argv[1:])
print("imported", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def imported(*words: str) -> set[str]:
    """The heavy ones among the modules that a command has imported."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()) & HEAVY


def test_a_table_with_tests_over_queries_and_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    made_results.systems(tmp_path, {"scifact": 30, "nfcorpus": 20}, {"a": 0.0, "b": 0.1, "c": 0.2})
    assert imported("leaderboard", "--results", str(tmp_path)) <= {"numba"}  # flips are drawn once
    assert imported("leaderboard", "--results", str(tmp_path)) == set()
    assert imported("leaderboard", "--baseline", "a", "--format", "json", "--results", str(tmp_path)) == set()
    assert imported("compare", "a", "b", "--dataset", "scifact", "--results", str(tmp_path)) == set()
    assert imported("list", "results", "--results", str(tmp_path)) == set()
    assert imported("verify", "--results", str(tmp_path)) == set()


def test_a_finished_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    toy.write(tmp_path / "data" / "one")
    plugin = f"{Path(__file__).with_name('overlap.py')}:Overlap"
    words = ("run", plugin, "--dataset", str(tmp_path / "data/one"), "--results", str(tmp_path / "results"))
    imported(*words)
    assert imported(*words) == set()

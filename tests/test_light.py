"""What small commands import: a table, a list and a finished pair need no ranx, torch, pandas or scipy.stats."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

import made_results
import toy
from dense import tiny

HEAVY = {"ranx", "numba", "pandas", "scipy.stats", "matplotlib", "torch", "transformers", "sklearn", "ir_datasets"}
PROGRAM = """
import sys
from harness.cli import main
code = main(sys.argv[1:])
print("imported", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def imported(*words: str, heavy: Collection[str] = HEAVY) -> set[str]:
    """The heavy ones among the modules that a command has imported."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()) & set(heavy)


def test_a_table_with_tests_over_queries_and_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    made_results.systems(tmp_path, {"scifact": 30, "nfcorpus": 20}, {"a": 0.0, "b": 0.1, "c": 0.2})
    assert imported("leaderboard", "--results", str(tmp_path)) <= {"numba"}  # flips are drawn once
    assert imported("leaderboard", "--results", str(tmp_path), heavy=[*HEAVY, "pyarrow"]) == set()
    assert imported("leaderboard", "--format", "csv", "--results", str(tmp_path)) == set()
    assert imported("leaderboard", "--baseline", "a", "--format", "json", "--results", str(tmp_path)) == set()
    assert imported("compare", "a", "b", "--dataset", "scifact", "--results", str(tmp_path)) == set()
    assert imported("list", "results", "--results", str(tmp_path)) == set()
    assert imported("verify", "--results", str(tmp_path)) == set()


def test_a_finished_pair_with_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed weights are noticed, also such of the same size and time; a note in the folder costs a look."""
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    toy.write(tmp_path / "data" / "one")
    model = tiny.save_sentence_transformer(tmp_path / "model")
    words = ["run", "sentence-transformer", "--set", f"model={model}", "--set", "device=cpu", "--tag", "tiny"]
    words += ["--dataset", str(tmp_path / "data/one"), "--results", str(tmp_path / "results")]
    imported(*words)
    assert imported(*words) == set()
    (model / "README.md").write_text("a note")
    assert "torch" in imported(*words)
    assert imported(*words) == set()
    weights = next(model.rglob("*.safetensors"))
    before, data = weights.stat(), bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == 1 and "holds a result that was made differently" in done.stderr


def test_a_finished_suite_with_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, on devices, in processes of their own, under the table of arguments of a dataset."""
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    for name in ("one", "two"):
        toy.write(tmp_path / "data" / name)
    model = tiny.save_sentence_transformer(tmp_path / "model")
    (tmp_path / "suite.toml").write_text(
        f"""datasets = ["one", "two"]
[[system]]
retriever = "sentence-transformer"
arguments = {{ model = "{model}" }}
tag = "tiny"
[system.on.two]
query_prompt = "heart "
"""
    )
    words = ["run", "--suite", str(tmp_path / "suite.toml"), "--results", str(tmp_path / "results")]
    words += ["--data-dir", str(tmp_path / "data")]
    imported(*words)
    imported(*words, "--devices", "cpu,cpu")  # says device=cpu
    assert imported(*words) == imported(*words, "--devices", "cpu,cpu") == imported(*words, "--timeout", "60") == set()


def test_a_finished_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    toy.write(tmp_path / "data" / "one")
    plugin = f"{Path(__file__).with_name('overlap.py')}:Overlap"
    words = ("run", plugin, "--dataset", str(tmp_path / "data/one"), "--results", str(tmp_path / "results"))
    imported(*words)
    assert imported(*words) == set()

"""An option that would do nothing in a combination is refused, by its name, before any work."""

import shlex
from pathlib import Path

import pytest

import made_results
from harness.cli import main

CASES = [
    ("leaderboard --tables --baseline a", "--baseline: --tables writes every table"),
    ("leaderboard --tables --measure map --alpha .01", "--measure and --alpha: --tables"),
    ("leaderboard --tables --format csv --output x.csv", "--format and --output"),
    ("compare a b --dataset scifact --query q1 --top 3", "--top: nothing is tested on the one --query"),
    ("compare a b --dataset scifact --query q1 --test permutation", "--test: nothing"),
    ("plot leaderboard --output x.png --baseline a", "--baseline: the figure leaderboard has no use for it"),
    ("plot cd --output x.png --correction bh", "--correction: the figure cd"),
    ("plot pareto --output x.png --alpha .01", "--alpha: the figure pareto"),
    ("plot differences --output x.png --baseline a --cost index_s", "--cost: the figure differences"),
    ("plot pairs --output x.png --dataset scifact --baseline a", "--baseline: the figure pairs"),
    ("plot queries --output x.png --baseline a --correction bh", "--correction: the figure queries"),
    ("report --port 8001", "--port: a port is for --serve"),
    ("report --queries 0 --data-dir .", "--data-dir: texts are shown with queries"),
    ("list datasets --results .", "--results: datasets are not in a results folder"),
    ("cache list --days 3", "--days: it belongs to `cache prune`"),
    ("cache list --yes", "--yes: it belongs to `cache prune`"),
    ("run bm25 --suite quickstart --dataset sample", "--suite gives a retriever its datasets; with --dataset"),
    ("run bm25 --dataset sample --address x:1", "--address is that of a Ray cluster"),
    ("run --suite quickstart --set k1=1", "--set and --tag belong to a retriever"),
]


@pytest.mark.parametrize(("line", "says"), CASES, ids=[line for line, _ in CASES])
def test_refused(line: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    made_results.systems(tmp_path / "results", {"scifact": 5}, {"a": 0.0, "b": 0.1})
    monkeypatch.chdir(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*"))
    assert main(shlex.split(line)) == 2
    assert says in capsys.readouterr().err
    assert sorted(path for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "line", ["leaderboard --results a --results b", "report --baseline a --baseline b", "run bm25 --tag a --k 1 --k 2"]
)
def test_a_second_value_is_refused(line: str, capsys: pytest.CaptureFixture) -> None:
    """The first would be lost without a word."""
    with pytest.raises(SystemExit):
        main(shlex.split(line))
    assert "takes one value, and there are two: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*shlex.split("leaderboard --results a --results a"), "--help"])

"""Consoles and locales that are not UTF-8, and the small words and numbers that people read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import made_results
from harness.cli import main
from harness.views.tables.wording import effect, signed, span


def spoken(encoding: str, *words: str, **more: str) -> str:
    """What a command prints on a console with this encoding."""
    environment = os.environ | {"PYTHONIOENCODING": encoding} | more
    done = subprocess.run([sys.executable, "-m", "harness", *words], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr.decode(encoding, "replace")
    return done.stdout.decode(encoding)


@pytest.fixture
def results(tmp_path: Path) -> str:
    return str(made_results.systems(tmp_path, {"scifact": 40, "nfcorpus": 40}, {"a": 0.0, "b": 0.2, "ü☃": 0.2}))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_a_console_that_lacks_characters_gets_others(encoding: str, results: str) -> None:
    table = spoken(encoding, "leaderboard", "--results", results)
    assert "Average" in table and "\\u2603" in table  # the snowman; a dash or a raised letter has a plain form
    assert "\\u20" not in table.replace("\\u2603", "") and ("ü" in table) == (encoding != "ascii")
    spoken(encoding, "leaderboard", "--baseline", "a", "--results", results)
    for command in ("", "leaderboard", "run", "plot", "compare"):
        assert "usage" in spoken(encoding, *filter(None, [command]), "--help")
    body = json.loads(spoken(encoding, "leaderboard", "--format", "json", "--results", results))
    assert {system["tag"] for system in body[0]["systems"]} == {"a", "b", "ü☃"}


def test_one_query_is_no_queries(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for tag, value in (("a", 0.5), ("b", 0.25)):
        made_results.add(tmp_path, tag, "scifact", [value])
    assert main(["compare", "a", "b", "--dataset", "scifact", "--results", str(tmp_path)]) == 0
    assert "on scifact, 1 query\n" in capsys.readouterr().out


def test_nothing_is_minus_zero() -> None:
    assert span((-0.00001, -0.000049)) == "[0.0000, 0.0000]"
    assert span((-0.00001, 0.2), "+") == "[+0.0000, +0.2000]"
    assert (signed(-0.00004, 4), signed(-0.0, 2), effect(-0.001, 2)) == ("+0.0000", "+0.00", "+0.00")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("queries --baseline a --system b", "wants one --system, one --baseline and one --dataset"),
        ("differences", "name the system that is subtracted"),
        ("differences --baseline a --system b --system c", "draw a figure for each"),
    ],
)
def test_a_figure_is_refused_before_any_result_is_read(words: str, says: str, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("harness.results.read", None)
    words = f"plot {words} --output {tmp_path / 'x.png'} --results {tmp_path}"
    assert main(words.split()) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [("pairs", "one dataset and at least two systems"), ("differences --baseline nobody", "unknown system 'nobody'")],
)
def test_a_figure_is_refused_before_anything_is_tested(
    words: str, says: str, results, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("harness.leaderboard.build", None)
    assert main(f"plot {words} --output {tmp_path / 'x.png'} --results {results}".split()) == 2
    assert says in capsys.readouterr().err


def test_lucene_finds_a_cache_with_an_umlaut_where_the_locale_knows_none(tmp_path: Path) -> None:
    place = tmp_path / "Cäche"
    words = ("run", "bm25", "--dataset", "sample", "--results", str(place / "results"))
    spoken("utf-8", *words, LC_ALL="C", BEIR_HARNESS_CACHE=str(place))
    assert (place / "results/runs/bm25/sample/manifest.json").is_file()

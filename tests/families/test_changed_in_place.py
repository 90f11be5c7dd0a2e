"""What lies behind one name and is changed meanwhile: nothing of the old is reused in silence, nothing is mixed."""

import gzip
from pathlib import Path

import pytest

import toy
from harness import cli

OVERLAP = f"{Path(__file__).parents[1] / 'overlap.py'}:Overlap"
SCORER = '''
import json
from pathlib import Path


class Mine:
    """Scores a pair by the number in a file; `once` is a file in which that number is changed during the index."""

    def __init__(self, weights: str = "", once: str = "") -> None:
        self.place, self.once, self.weight = Path(weights), once, json.loads(Path(weights).read_bytes())

    def score(self, queries, docs):
        return [self.weight * len(doc) for doc in docs]
'''
CHANGING = """
from pathlib import Path

from retrievers.rerank import adapt
from mine import Mine


class Changing(adapt(Mine)):
    def index(self, docs, folder):
        super().index(docs, folder)
        if self.scorer.once:
            Path(self.scorer.place).write_text("-3")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "toy")
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine.py").write_text(SCORER)
    (tmp_path / "weights.json").write_text("1")
    assert run(tmp_path, OVERLAP, "words") == 0
    return tmp_path


def run(place: Path, spec: str, tag: str, *more: str) -> int:
    where = ("--dataset", str(place / "toy"), "--results", str(place / "results"))
    return cli.main(["run", spec, "--tag", tag, *where, *more])


def mine(place: Path, *more: str) -> int:
    given = ("--set", "system=words", "--set", f"weights={place / 'weights.json'}")
    return run(place, f"{place / 'mine.py'}:Mine", "mine", *given, *more)


def best(place: Path) -> list[str]:
    lines = gzip.decompress((place / "results/runs/mine/toy/run.trec.gz").read_bytes()).decode().splitlines()
    return [line.split()[2] for line in lines if line.split()[0] == "q1"]


def test_a_file_that_an_argument_names_is_known_by_its_content(place: Path, capsys) -> None:
    """Also where the class has no fingerprint that says so; its kept scores are of the old content."""
    assert mine(place) == 0
    first = best(place)
    (place / "weights.json").write_text("-1")
    capsys.readouterr()
    assert mine(place) == 1
    assert "files.weights" in (said := capsys.readouterr().err) and "made differently" in said
    assert mine(place, "--overwrite") == 0 and best(place) == first[::-1]
    (place / "weights.json").write_text("1")
    assert mine(place, "--overwrite") == 0 and best(place) == first


def test_content_that_changes_during_the_run_is_noticed(place: Path, monkeypatch, capsys) -> None:
    (place / "changing.py").write_text(CHANGING)
    monkeypatch.syspath_prepend(place)
    given = ["--set", "system=words", "--set", f"weights={place / 'weights.json'}", "--set", "once=yes"]
    assert run(place, "changing:Changing", "mine", *given) == 1
    said = capsys.readouterr().err
    assert "changed while it was being used" in said and "run it again" in said
    assert not (place / "results/runs/mine/toy/manifest.json").exists()
    assert not list((place / "cache").glob("indexes/*/index/scored/*"))
    assert run(place, "changing:Changing", "mine", *given) == 0


def test_an_input_that_is_made_again_is_told_wherever_one_looks(place: Path, capsys) -> None:
    """By the run that makes it, by the state of runs, by the check of results, and by the reranker's own next run."""
    assert mine(place) == 0
    capsys.readouterr()
    assert run(place, OVERLAP, "words", "--set", "lower=false", "--overwrite") == 0
    stale = "mine on toy was made of another run of words than the one that is here; run it again"
    assert stale in capsys.readouterr().err
    for command in ("status", "verify"):
        cli.main([command, "--results", str(place / "results")])
        said = capsys.readouterr()
        assert stale in said.out + said.err, command
    assert mine(place) == 1
    said = capsys.readouterr().err
    assert "the run of words: " in said and "state.runs" not in said
    assert mine(place, "--overwrite") == 0
    assert "another run" not in capsys.readouterr().err


def test_an_input_that_is_missing_or_itself_is_a_sentence(place: Path, capsys) -> None:
    scorer = ["--set", f"weights={place / 'weights.json'}"]
    assert run(place, f"{place / 'mine.py'}:Mine", "x", *scorer, "--set", "system=wrods") == 1
    assert "there is no run of 'wrods' on toy" in (said := capsys.readouterr().err) and "did you mean 'words'?" in said
    assert run(place, f"{place / 'mine.py'}:Mine", "x", *scorer, "--set", "system=bm25") == 1
    assert "(here are words); make it first" in capsys.readouterr().err
    assert run(place, f"{place / 'mine.py'}:Mine", "x", *scorer, "--set", "system=x") == 1
    assert capsys.readouterr().err.count("x would be made of its own run") == 1

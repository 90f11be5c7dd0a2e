"""A collection of one's own with odd names, in every command: by path, from elsewhere, there and back through MTEB."""

import json
import shutil
from pathlib import Path

import pytest

import toy
from harness.cli import main
from harness.datasets import places

RANKER = f"{Path(__file__).with_name('overlap.py')}:Overlap"


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """`größe`, run by two systems from the folder that holds it; ids and texts are odd, and so is a judged document."""
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BEIR_HARNESS_RESULTS", str(tmp_path / "results"))
    place = tmp_path / "there" / "größe"
    toy.write(place)
    corpus = place / "corpus.jsonl"
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    rows += [
        {"_id": "$HOME", "title": "Titel\tmit Tab", "text": "東京\tданные"},
        {"_id": "a|b:1", "title": "", "text": ""},
    ]
    corpus.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    with open(place / "qrels" / "test.tsv", "a", encoding="utf-8") as file:
        first = (place / "queries.jsonl").read_text(encoding="utf-8").splitlines()[0]
        file.write(f"{json.loads(first)['_id']}\tnowhere\t1\n")
    monkeypatch.chdir(place.parent)
    assert main(["run", RANKER, "--tag", "one", "--dataset", "./größe"]) == 0
    assert main(["run", RANKER, "--tag", "two", "--set", "lower=false", "--dataset", str(place)]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return place


def test_a_path_names_the_results_of_its_folder(own, capsys):
    for command in (
        ["leaderboard"],
        ["export", "--format", "trec", "--output", "out"],
        ["report", "--output", "site"],
        ["plot", "leaderboard", "--output", "p.svg"],
        ["compare", "one", "two"],
        ["pool"],
    ):
        assert main([*command, "--dataset", str(own)]) == 0, command
    assert "did you mean" not in capsys.readouterr().err


def test_where_a_collection_lay_is_remembered_on_this_machine(own, capsys):
    capsys.readouterr()
    assert main(["compare", "one", "two", "--dataset", "größe"]) == 0
    assert "note: query texts" not in capsys.readouterr().out
    assert main(["pool", "--dataset", "größe"]) == 0
    assert str(own.parent) not in (own.parents[1] / "results/runs/one/größe/manifest.json").read_text(encoding="utf-8")
    shutil.move(own, own.with_name("anders"))
    assert places.recall("größe") == []
    capsys.readouterr()
    assert main(["compare", "one", "two", "--dataset", "größe"]) == 0
    assert "give the folder that holds größe by --data-dir" in capsys.readouterr().out
    assert main(["pool", "--dataset", "größe"]) == 2
    assert "give the folder that holds größe by --data-dir" in capsys.readouterr().err


def test_a_changed_collection_is_not_taken_for_the_one_that_was_scored(own, capsys):
    with open(own / "qrels" / "test.tsv", "a", encoding="utf-8") as file:
        file.write("q1\tother\t1\n")
    assert main(["pool", "--dataset", "größe"]) == 2
    assert "is not the version that was scored" in capsys.readouterr().err


def test_there_and_back_through_mteb(own, capsys):
    assert main(["export", "--format", "mteb", "--output", "out", "--system", "one"]) == 0
    (path,) = Path("out").rglob("*.json")
    assert main(["import", str(path), "--tag", "back"]) == 0
    assert "back on größe: nDCG@10" in capsys.readouterr().out
    assert main(["import", str(path), "--tag", "back", "--results", "none"]) == 2
    assert "of a collection of your own there has to be a result" in capsys.readouterr().err


def test_an_unknown_name_says_how_a_collection_of_ones_own_is_named(own, capsys):
    assert main(["run", RANKER, "--dataset", "grösse"]) == 2
    assert "named by its path, or by --data-dir with the folder that holds it" in capsys.readouterr().err


def test_a_note_is_told_once(own, capsys):
    capsys.readouterr()
    assert main(["run", RANKER, "--dataset", str(own), "--tag", "one"]) == 0
    note = "note: 1 judged document is not in the collection, so nothing can retrieve it"
    assert capsys.readouterr().err.count(note) == 1
    Path("runs").mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(own.parents[1] / "results/runs/one/größe/run.trec.gz", f"runs/{name}.trec.gz")
    assert main(["score", "runs", "--dataset", str(own)]) == 0
    assert capsys.readouterr().out.count(note) == 1
    shutil.copy("runs/a.trec.gz", "runs/ä.trec.gz")
    assert main(["score", "runs", "--dataset", str(own)]) == 2
    assert "runs/a.trec.gz and runs/ä.trec.gz would both be a;" in capsys.readouterr().err


def test_the_cache_says_which_system_an_index_is_of(own, capsys):
    shutil.rmtree(own.parents[1] / "results")
    capsys.readouterr()
    assert main(["cache", "list"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("index")]
    assert any("two" in line and "lower=False" in line for line in lines)

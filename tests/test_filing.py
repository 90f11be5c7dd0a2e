"""Results get another name, or go: everything of theirs, and nothing else."""

import gzip
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import made_results
import toy
from harness import results
from harness.cli import main
from harness.host import locks
from harness.results.manifest import FAILURE

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    for name in ("one", "two"):
        toy.write(tmp_path / "data" / name)
    return tmp_path / "results"


def run(tag: str, *datasets: str) -> None:
    for name in datasets:
        assert main(["run", OVERLAP, "--tag", tag, "--dataset", f"data/{name}"]) == 0


def test_a_renamed_result_is_that_of_a_run_under_the_new_name(place: Path, capsys: pytest.CaptureFixture) -> None:
    run("old", "one", "two")
    assert main(["results", "rename", "old", "new", "--dataset", "one"]) == 0
    run("fresh", "one")
    renamed, fresh = place / "runs/new/one", place / "runs/fresh/one"
    text = gzip.decompress((renamed / "run.trec.gz").read_bytes()).decode()
    assert {line.split()[5] for line in text.splitlines()} == {"new"}
    assert text.replace(" new\n", " fresh\n") == gzip.decompress((fresh / "run.trec.gz").read_bytes()).decode()
    found = {(one.tag, one.dataset): one for one in results.read(place)[0]}
    assert set(found) == {("new", "one"), ("old", "two"), ("fresh", "one")}
    assert found["new", "one"].means == found["fresh", "one"].means and not found["new", "one"].damage()
    capsys.readouterr()
    run("new", "one")  # it is known again
    assert "reused new on one" in capsys.readouterr().err
    assert main(["results", "rename", "old", "new"]) == 0
    assert not (place / "runs/old").exists()


def test_what_is_there_is_not_written_over(place: Path, capsys: pytest.CaptureFixture) -> None:
    run("a", "one")
    run("b", "one")
    before = {path: path.read_bytes() for path in place.glob("runs/*/*/*.*")}
    assert main(["results", "rename", "a", "b"]) == 2
    assert "is there already; remove it first" in capsys.readouterr().err
    assert main(["results", "rename", "a", "../b"]) == 2
    assert main(["results", "rename", "a"]) == main(["results", "remove", "a", "b"]) == 2
    assert {path: path.read_bytes() for path in place.glob("runs/*/*/*.*")} == before


def test_what_is_removed_is_gone_with_its_means_and_failures(place: Path, capsys: pytest.CaptureFixture) -> None:
    run("a", "one", "two")
    run("b", "one")
    means = place / "means/a/scifact.json"
    means.parent.mkdir(parents=True)
    means.write_text(json.dumps({"schema": 1, "tag": "a", "dataset": "scifact", "scores": {}, "source": {}}))
    (place / "runs/a/three").mkdir()
    (place / "runs/a/three" / FAILURE).write_text("Traceback")
    assert main(["results", "remove", "a", "--dataset", "two", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["results/runs/a/two"]
    assert sorted(path.name for path in (place / "runs/a").iterdir()) == ["one", "three"]
    assert main(["results", "remove", "a"]) == 0
    assert not (place / "runs/a").exists() and not means.parent.exists() and (place / "runs/b/one").is_dir()
    assert main(["results", "remove", "bb"]) == 2
    assert "did you mean 'b'?" in capsys.readouterr().err


def test_what_a_link_leads_to_stays(place: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["results", "remove", "here"]) == 2
    assert "nothing is filed in results" in capsys.readouterr().err
    run("here", "one")
    outside = place.parent / "outside"
    (outside / "two").mkdir(parents=True)
    (outside / "two" / "precious").write_text("")
    (place / "runs/linked").symlink_to(outside)
    (place / "runs/here/two").symlink_to(outside / "two")
    for words in (["remove", "linked"], ["remove", "here"], ["rename", "linked", "new"], ["rename", "here", "new"]):
        assert main(["results", *words]) == 2
        assert "is a link to" in capsys.readouterr().err
    assert (outside / "two" / "precious").exists() and (place / "runs/here/one/manifest.json").exists()


def test_what_a_run_is_writing_stays(place: Path, capsys: pytest.CaptureFixture) -> None:
    run("a", "one", "two")
    with locks.held(place / "runs/a/two/.lock", "the result"):
        for words in (["remove", "a"], ["rename", "a", "b"]):
            assert main(["results", *words]) == 2
            assert "is being written" in capsys.readouterr().err
    assert len(results.read(place)[0]) == 2 and not (place / "runs/b").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rename", "a", "b"], "note: made of a, and still naming it: both; run this again"),
        (["remove", "a"], "note: made of a, which is gone: both; this stays, but can't be made again"),
    ],
)
def test_a_fusion_made_of_it_is_named(place: Path, capsys: pytest.CaptureFixture, words: list[str], said: str) -> None:
    run("a", "one", "two")
    made_results.add(place, "both", "one", [0.5], inputs={"a": "0" * 64})
    assert main(["results", *words, "--dataset", "two"]) == 0
    assert "made of" not in capsys.readouterr().err
    assert main(["results", *words, "--dataset", "one"]) == 0
    assert said in capsys.readouterr().err


def test_a_failed_attempt_leaves_no_note_under_a_table(tmp_path: Path) -> None:
    made_results.add(tmp_path, "a", "scifact", [0.5])
    (tmp_path / "runs/tried/scifact").mkdir(parents=True)
    (tmp_path / "runs/tried/scifact" / FAILURE).write_text("Traceback")
    assert results.read(tmp_path)[1] == []


def test_notes_are_about_what_a_table_shows(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for tag, dataset in (("a", "scifact"), ("b", "scifact"), ("a", "nfcorpus")):
        made_results.add(tmp_path, tag, dataset, [0.5, 0.25])
    (made_results.add(tmp_path, "b", "nfcorpus", [0.5]) / "manifest.json").unlink()

    def said(*more: str) -> bool:
        assert main(["leaderboard", "--results", str(tmp_path), *more]) == 0
        return "b on nfcorpus is not finished" in capsys.readouterr().out

    assert said() and said("--dataset", "nfcorpus") and said("--system", "b")
    assert not said("--dataset", "scifact") and not said("--system", "a")


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.running import filing

left = int(sys.argv[2])

def count(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir") and sys.argv[1] in str(arguments[0]):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
filing.rename(Path(sys.argv[1]), "old", "new")
"""


@pytest.mark.slow
def test_a_rename_killed_at_any_step_is_finished_by_the_same_command(tmp_path: Path, monkeypatch, capsys) -> None:
    """No kill loses or spoils a number, or leaves what another command stumbles over."""
    monkeypatch.chdir(tmp_path)
    made_results.add(Path("made"), "old", "one", [0.5, 0.1])
    folder = made_results.add(Path("made"), "old", "two", [0.2, 0.3])
    (folder / "run.trec.gz").write_bytes(gzip.compress(b"q0 Q0 d 1 0.5 old\n"))
    means = Path("made/means/old/scifact.json")
    means.parent.mkdir(parents=True)
    means.write_text(json.dumps({"schema": 1, "tag": "old", "dataset": "scifact", "scores": {}, "source": {}}))
    wanted = {path.relative_to("made").as_posix().replace("old", "new") for path in Path("made").rglob("*.*")}

    ends: list[int] = []
    while not ends or ends[-1] == -signal.SIGKILL:
        shutil.rmtree("r", ignore_errors=True)
        shutil.copytree("made", "r")
        command = [sys.executable, "-c", KILLED, str(tmp_path / "r"), str(len(ends) + 1)]
        ends.append(subprocess.run(command, capture_output=True, check=False).returncode)
        shown = {one.dataset: one.mean("ndcg@10") for one in results.read(Path("r"))[0]}
        assert shown == {"one": 0.3, "two": 0.25}, len(ends)
        assert main(["leaderboard", "--results", "r"]) == 0
        assert "left out" not in capsys.readouterr().err
        if any(Path("r").glob("*/old/*")):
            assert main(["results", "rename", "old", "new", "--results", "r"]) == 0, len(ends)
        kept = {path.relative_to("r").as_posix() for path in Path("r").rglob("[!.]*.*")}
        assert kept == wanted, len(ends)
        assert gzip.decompress(Path("r/runs/new/two/run.trec.gz").read_bytes()).split()[5] == b"new"
    assert ends[-1] == 0 and len(ends) > 10

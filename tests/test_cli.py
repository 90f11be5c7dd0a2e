"""The command line as a user meets it: exit codes, messages, JSON, and what is not imported."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import toy
from harness.cli import COMMANDS, main

OVERLAP = f"{Path(__file__).with_name('overlap.py')}:Overlap"
HEAVY = ("torch", "ranx", "pandas", "pyserini", "jnius", "numba", "scipy", "transformers", "numpy")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_overlap(*more: str) -> int:
    return main(["run", OVERLAP, "--dataset", "./toy", *more])


@pytest.mark.parametrize("words", [["--help"], ["list", "datasets"], ["list", "suites"], ["run", "--help"]])
def test_answers_at_once_because_nothing_heavy_is_imported(words: list[str]) -> None:
    code = (
        "import sys; from harness.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_python_m_harness_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "harness", "--help"], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"    {name}" in done.stdout


def test_run_score_list_and_their_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_overlap("--tag", "one", "--json") == 0
    outcome = json.loads(capsys.readouterr().out)[0]
    assert (outcome["tag"], outcome["dataset"], outcome["status"]) == ("one", "toy", "done")
    assert main(["score", "results/runs/one/toy/run.trec.gz", "--dataset", "./toy", "--tag", "two", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["scores"] == outcome["manifest"]["scores"]
    assert again["run"]["documents"] == outcome["manifest"]["run"]["documents"]
    assert main(["list", "results", "--json"]) == 0
    assert [row["tag"] for row in json.loads(capsys.readouterr().out)] == ["one", "two"]
    one, two = (Path(f"results/runs/{tag}/toy/scores.tsv.gz").read_bytes() for tag in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "name a retriever or a --suite"),
        (["run", "bm25"], "name a --dataset"),
        (["run", "bm26", "--dataset", "sample"], "did you mean 'bm25'"),
        (["run", OVERLAP, "--dataset", "scifcat"], "did you mean 'scifact'"),
        (["run", OVERLAP, "--dataset", "./toy", "--set", "lowr=true"], "did you mean 'lower'"),
        (["run", OVERLAP, "--dataset", "./toy", "--set", "lower=7"], "true or false"),
        (["run", OVERLAP, "--dataset", "./toy", "--tag", "../up"], "tag '../up'"),
        (["run", OVERLAP, "--dataset", "./toy", "--k", "0"], "at least 1"),
        (["run", "--suite", "ful"], "did you mean 'full'"),
        (["run", "--suite", "full", "--set", "k1=1"], "belong to a retriever"),
        (["score", "nowhere.trec", "--dataset", "./toy", "--tag", "x"], "nowhere.trec"),
        (["score", "bad.trec", "--dataset", "./toy", "--tag", "x"], "bad.trec:1: "),
        (["run", OVERLAP, "--dataset", "./toy", "--results", "file"], "file"),
    ],
)
def test_bad_words_get_a_message_and_2(
    place: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    Path("bad.trec").write_text("q1 Q0 d1 1 0.5\n")
    code = main(words)
    captured = capsys.readouterr()
    assert message in captured.err
    assert code == 2 or (code == 1 and words[-1] == "file")
    assert "Traceback" not in captured.err
    assert not Path("results").exists()


def test_a_failure_is_1_and_a_second_run_goes_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_overlap("--dataset", "nfcorpus", "--offline") == 1
    assert "1 done, 0 there already, 1 failed" in capsys.readouterr().out
    assert run_overlap() == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into a read-only folder")
def test_a_read_only_results_folder(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("results").mkdir(mode=0o555)
    assert run_overlap() == 1
    assert "results" in capsys.readouterr().err


def test_interrupted_is_130_and_resumes(place: Path) -> None:
    pausing = place / "pausing.py"
    pausing.write_text(Path(__file__).with_name("overlap.py").read_text().replace("for query in queries:", PAUSE))
    words = [sys.executable, "-m", "harness", "run", f"{pausing}:Overlap", "--dataset", "./toy", "--set", "pause=60"]
    child = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (place / "searching").exists():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=30) == 130
    assert child.stderr is not None and "goes on from there" in child.stderr.read()
    assert not list(place.glob("results/runs/*/*/manifest.json"))
    words[-1] = "pause=0"  # a runtime argument, so this is the same work
    assert subprocess.run(words, check=False).returncode == 0


PAUSE = """for query in queries:
            import time; Path("searching").touch(); time.sleep(self.pause)"""


def test_two_processes_on_one_results_folder(place: Path) -> None:
    words = [sys.executable, "-m", "harness", "run", OVERLAP, "--dataset", "./toy", "--json"]
    children = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    statuses = [json.loads(child.communicate(timeout=120)[0])[0]["status"] for child in children]
    assert sorted(statuses) == ["done", "reused"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("leaderbord", "there is no 'leaderbord'; did you mean leaderboard?"),
        ("xyz", "there is no 'xyz'; there is cache, check,"),
        ("run bm25 --datset scifact", "there is no --datset; did you mean --dataset?"),
        ("run bm25 --dataset sample --offlin=3", "ignored explicit argument"),
        ("score x --datset scifact --tag y", "there is no --datset; did you mean --dataset?"),  # a required one
        ("score x --dataset=scifact --tagg=y", "there is no --tagg; did you mean --tag?"),
        ("leaderboard --json", "there is no --json; did you mean --format json?"),
        ("leaderboard --latex --digits 3", "did you mean --format latex?"),
        ("list dataset", "argument what: there is no 'dataset'; did you mean datasets?"),
        ("plot leaderbord --output x.png", "there is no 'leaderbord'; did you mean leaderboard?"),
        ("leaderboard --correction hollm", "argument --correction: there is no 'hollm'; did you mean holm?"),
        ("verify b", "unrecognized arguments: b"),
    ],
)
def test_the_nearest_name_is_told(line: str, says: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line))
    assert ended.value.code == 2 and says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("absent", "the data folder absent does not exist; --data-dir (or $BEIR_HARNESS_DATA) takes one that holds"),
        ("file", "the data folder file is no folder"),
        ("data/mine", "data/mine is itself a dataset; give the folder that holds it: --data-dir"),
        ("data/judged", "data/judged is itself a dataset"),
    ],
)
@pytest.mark.parametrize(
    "command", ["run bm25 --dataset mine", "score file --tag x --dataset mine", "run bm25 --dataset nope"]
)
def test_a_data_folder_that_is_none_says_which_option(tmp_path, monkeypatch, capsys, command, folder, says) -> None:
    for name in ("data/mine", "data/judged/qrels"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/mine/corpus.jsonl").write_text("")
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), "--data-dir", folder]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("leaderboard --output .", "--output . is a folder; name a file in it"),
        ("leaderboard --results file", "the results folder file is a file; name a folder with --results"),
        ("score run --dataset toy --tag x --results file", "the results folder file is a file"),
        ("leaderboard --measure nDGC@10", "unknown measure 'nDGC'; did you mean 'ndcg'?"),
        ("run bm25 --dataset SciFact2", "unknown dataset 'SciFact2'; did you mean 'scifact'?"),
        ("export --format mteb --output file/x", "file/x/one: Not a directory"),
        ("score run --dataset toy/qrels --tag x", "there is no queries.jsonl or queries.jsonl.gz"),
        ("score toy --dataset toy --tag x", "--tag x is for one file, and there are 2; see --tags"),
    ],
)
def test_a_new_user_s_mistakes_are_named_with_the_cure(place: Path, capsys, line: str, says: str) -> None:
    Path("file").write_text("")
    Path("run").write_text("q1 Q0 d2 1 2 t\n")
    assert main(["score", "run", "--dataset", "toy", "--tag", "one"]) == 0
    assert main(shlex.split(line)) == 2
    assert says in (said := capsys.readouterr().err) and "Traceback" not in said and "Errno" not in said


def test_a_home_folder_is_found_where_the_shell_did_not(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    Path("run").write_text("q1 Q0 d2 1 2 t\n")
    assert main(["score", "run", "--dataset", "toy", "--tag", "one", "--data-dir=~", "--results=~/mine"]) == 0
    assert (place / "mine" / "runs" / "one" / "toy").is_dir() and not Path("~").exists()


def test_own_collections_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    toy.write(tmp_path / "data" / "mine")
    assert main(["list", "datasets", "--data-dir", str(tmp_path / "data")]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("mine "))
    assert "splits: test" in row and row.endswith(str(tmp_path / "data/mine"))
    assert main(["list", "datasets", "--data-dir", str(tmp_path / "data"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["dataset"] == "mine"
    assert main(["list", "suites", "--data-dir", str(tmp_path)]) == 2

"""Any measure of a stored result, by every command, where neither run nor judgments nor documents are left."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

import toy
from harness import frames, results
from harness.cli import main
from harness.errors import BadInput, HarnessError
from harness.results import manifest

ASKED = ["--measure", "RBP(p=.8)", "--measure", "nDCG@20"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three systems on a toy collection, as a clone of a results folder has them."""
    monkeypatch.chdir(tmp_path)
    toy.write(tmp_path / "toy")
    for tag, docs in (("one", "d2 d1 d4"), ("two", "d4 d1 d2"), ("three", "d1 d5 d2")):
        lines = [f"q{q} Q0 {doc} {at} {9 - at} {tag}" for q in (1, 2, 3) for at, doc in enumerate(docs.split(), 1)]
        (tmp_path / "run").write_text("\n".join(lines) + "\n")
        assert main(["score", "run", "--dataset", "toy", "--tag", tag]) == 0
    shutil.rmtree(tmp_path / "toy")
    for run in tmp_path.glob("results/runs/*/*/run.trec.gz"):
        run.unlink()
    return tmp_path


def judged(tag: str) -> Path:
    return Path("results/runs") / tag / "toy" / manifest.JUDGED


def test_the_file_says_what_was_found(place: Path) -> None:
    lines = gzip.decompress(judged("one").read_bytes()).decode().splitlines()
    assert lines[1:] == ["q1\t3\t2x1 1x1 0x1\t1:2 2:1 3:0", "q2\t3\t1x1\t", "q3\t3\t1x1\t"]
    assert manifest.JUDGED in json.loads(judged("one").with_name("manifest.json").read_text())["files"]


def test_leaderboard(place: Path, capsys: pytest.CaptureFixture) -> None:
    capsys.readouterr()
    assert main(["leaderboard", *ASKED, "--format", "json"]) == 0
    boards = json.loads(capsys.readouterr().out)
    assert [board["measure"] for board in boards] == ["rbp(p=0.8)", "ndcg@20"]
    means = {cell["system"]: cell["mean"] for cell in boards[0]["cells"]}
    assert means == {
        "one": 0.12,
        "two": pytest.approx(0.2 * 1.44 / 3, abs=1e-6),
        "three": pytest.approx(0.16267, abs=1e-5),
    }
    assert main(["leaderboard", *ASKED]) == 0
    assert "### RBP(p=0.8) on toy" in (said := capsys.readouterr().out) and "### nDCG@20 on toy" in said


@pytest.mark.parametrize(
    "line",
    [
        ["compare", "one", "two", "--dataset", "toy", *ASKED],
        ["plot", "leaderboard", "--output", "x.png", "--measure", "RBP(p=.8)"],
        ["plot", "queries", "--output", "x.png", "--measure", "ERR@5", "--system", "one", "--baseline", "two",
         "--dataset", "toy"],
        ["report", *ASKED],
        ["export", "--format", "ir-measures", "--output", "out", "--measure", "RBP(p=.8)", "--measure", "Bpref"],
        ["export", "--format", "mteb", "--output", "out", "--measure", "nDCG@3"],
        ["verify", *ASKED],
    ],
)  # fmt: skip
def test_every_command_takes_it(place: Path, line: list[str]) -> None:
    assert main(line) == 0
    if line[0] == "report":
        assert {path.name for path in place.glob("site/*.html")} >= {"index.html", "ndcg-20.html"}
    if "ir-measures" in line:
        written = Path("out/one/toy.tsv").read_text()
        assert "q1\tRBP(p=0.8)\t" in written and "all\tBpref\t" in written
    if "mteb" in line:
        assert "ndcg_at_3" in Path("out/one/toy.json").read_text()


def test_frames(place: Path) -> None:
    assert frames.scores("RBP(p=.8)").score.tolist() == frames.scores("rbp(p=0.8)").score.tolist()
    assert frames.leaderboard("nDCG@20").loc["one", "toy"] == pytest.approx(1 / 3)
    assert frames.compare("one", "two", "toy", "Bpref").attrs["measure"] == "bpref"


def test_an_older_result_says_what_it_lacks(place: Path, capsys: pytest.CaptureFixture) -> None:
    path = judged("one").with_name("manifest.json")
    body = json.loads(path.read_text())
    del body["files"][manifest.JUDGED], body["sha256"]
    path.write_text(json.dumps(body))
    assert main(["leaderboard", "--measure", "nDCG@20"]) == 0
    assert (
        "Note: one on toy was not scored with ndcg@20, nor has it judged.tsv.gz to make it of"
        in capsys.readouterr().out
    )
    [one] = results.select(results.read(Path("results"))[0], (), ["one"])
    with pytest.raises(HarnessError, match=r"has no judged\.tsv\.gz to make ndcg@20 of; run or score it again"):
        one.scores("ndcg@20")
    assert one.scores("ndcg@10")["q1"] == 1.0


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "is missing although the manifest is there"),
        (lambda path: path.write_bytes(gzip.compress(b"x")), "is not as it was written"),
    ],
)
def test_damage_is_told_and_loses_nothing_else(place: Path, spoil, says: str) -> None:
    spoil(judged("one"))
    [one] = results.select(results.read(Path("results"))[0], (), ["one"])
    with pytest.raises(BadInput, match=says):
        one.scores("ndcg@20")
    assert one.scores("ndcg@10")["q1"] == 1.0 and "judged.tsv.gz" in one.damage()


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        ("ndgc@20", "did you mean 'ndcg'?"),
        ("RBP(q=1)", "no parameter 'q'; RBP takes p"),
        ("ERR(max_rel=1)@5", "ERR(max_rel=1)@5 takes grades up to 1, and there is a 2 here; ask for ERR(max_rel=2)@5"),
        ("alpha_nDCG@20", "needs judgments by intent"),
    ],
)
def test_what_cannot_be_had(place: Path, capsys: pytest.CaptureFixture, measure: str, says: str) -> None:
    assert main(["leaderboard", "--measure", measure]) == 2
    assert says in capsys.readouterr().err

"""Runs of others: many in one call, MTEB's predictions, headers of ir_metadata."""

import gzip
import json
import time
from pathlib import Path

import pytest
import yaml

import toy
from harness import results as stored
from harness import runs
from harness.cli import main
from harness.runs import run_headers

RUN = "q1 Q0 d2 1 3 {tag}\nq1 Q0 d1 2 2 {tag}\nq2 Q0 d3 1 1 {tag}\n"
PREDICTIONS = {
    "mteb_model_meta": {"model_name": "owner/a-model", "revision": "abc"},
    "default": {"test": {"q1": {"d2": 3.0, "d1": 2.0}, "q2": {"d3": 1.0}}},
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    toy.write(tmp_path / "toy")
    (tmp_path / "runs").mkdir()
    for number in range(3):
        (tmp_path / "runs" / f"sys{number}.trec").write_text(RUN.format(tag=f"team-{number}"))
    with gzip.open(tmp_path / "runs" / "packed.run.gz", "wt") as file:
        file.write(RUN.format(tag="zipped"))
    return tmp_path


def tags() -> set[str]:
    return {path.name for path in Path("results/runs").iterdir()}


@pytest.mark.parametrize(
    ("words", "filed"),
    [
        (["runs"], {"sys0", "sys1", "sys2", "packed"}),
        (["runs/sys*.trec"], {"sys0", "sys1", "sys2"}),
        (["runs/sys0.trec", "runs/packed.run.gz"], {"sys0", "packed"}),
        (["runs", "--tags", "column"], {"team-0", "team-1", "team-2", "zipped"}),
        (["runs/sys0.trec"], {"sys0"}),
        (["runs/sys0.trec", "--tag", "mine"], {"mine"}),
    ],
)
def test_files_folders_and_patterns(place: Path, words: list[str], filed: set[str]) -> None:
    assert main(["score", *words, "--dataset", "toy"]) == 0
    assert tags() == filed
    assert {one.mean("mrr@10") for one in stored.read(Path("results"))[0]} == {2 / 3}


def test_one_bad_file_costs_no_other(place: Path, capsys: pytest.CaptureFixture) -> None:
    Path("runs/bad.trec").write_text("q1 Q0 d2\n")
    assert main(["score", "runs", "--dataset", "toy"]) == 1
    assert "beir-harness: bad is left out: runs/bad.trec:1: 3 columns" in capsys.readouterr().err
    assert tags() == {"sys0", "sys1", "sys2", "packed"}
    assert main(["score", "runs", "--dataset", "toy", "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["runs", "--tag", "x"], "--tag x is for one file, and there are 4; see --tags"),
        (["nothing*"], "there is no run file in nothing*"),
        (["up"], "there is no run file in up, but folders; name one of them, or a pattern: 'up/*/*'"),
        (
            ["runs/sys0.trec", "other/sys0.run"],
            "would both be sys0; name one of them with --tag, alone; or name all by --tags column",
        ),
        (
            ["other", "--tags", "column"],
            "would both be x; name one of them with --tag, alone; or name all by --tags file",
        ),
        (["predictions.json", "--tags", "column"], "nothing in it names its system"),
    ],
)
def test_what_is_asked_wrongly(place: Path, capsys: pytest.CaptureFixture, words: list[str], says: str) -> None:
    Path("other").mkdir()
    Path("up/inner").mkdir(parents=True)
    Path("other/sys0.run").write_text(RUN.format(tag="x"))
    Path("other/sys1.run").write_text(RUN.format(tag="x"))
    Path("predictions.json").write_text('{"q1": {"d2": 1}}')
    assert main(["score", *words, "--dataset", "toy"]) == 2
    assert says in capsys.readouterr().err
    assert not Path("results").exists()


def test_predictions_of_mteb_come_and_go(place: Path) -> None:
    Path("SciFact_predictions.json").write_text(json.dumps(PREDICTIONS))
    assert main(["score", "SciFact_predictions.json", "--dataset", "toy", "--tags", "column"]) == 0
    [one] = stored.read(Path("results"))[0]
    assert one.tag == "a-model" and one.mean("mrr@10") == 2 / 3
    assert one.manifest["ir_metadata"]["mteb_model_meta"]["revision"] == "abc"
    assert main(["export", "--format", "mteb-predictions", "--output", "out"]) == 0
    written = json.loads(Path("out/a-model/toy_predictions.json").read_text())
    assert written["default"] == PREDICTIONS["default"]
    assert runs.read(Path("out/a-model/toy_predictions.json")) == runs.read(Path("SciFact_predictions.json"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"en": {"test": {}}, "de": {"test": {}}}, "it holds the runs en/test, de/test; leave one of them"),
        ({}, "it holds the runs of no split"),
    ],
)
def test_predictions_of_several_runs(place: Path, capsys: pytest.CaptureFixture, body: dict, says: str) -> None:
    Path("p.json").write_text(json.dumps({"mteb_model_meta": {}, **body}))
    assert main(["score", "p.json", "--dataset", "toy"]) == 2
    assert says in capsys.readouterr().err


def test_the_test_split_is_taken_of_several(place: Path) -> None:
    Path("p.json").write_text(json.dumps({**PREDICTIONS, "other": {"dev": {"q1": {"d5": 1.0}}}}))
    assert main(["score", "p.json", "--dataset", "toy"]) == 0


def test_headers_of_ir_metadata_are_written_and_read(place: Path) -> None:
    header = "# ir_metadata.start\n# actor:\n#   name: Ada\n# tag: hers\n# ir_metadata.end\n"
    Path("with.trec").write_text(header + RUN.format(tag="x"))
    assert main(["score", "with.trec", "--dataset", "toy"]) == 0
    assert main(["export", "--format", "ir-metadata", "--output", "out"]) == 0
    path = Path("out/with/toy.trec.gz")
    found = runs.read(path)
    assert found == runs.read(Path("results/runs/with/toy/run.trec.gz"))
    assert found.header["actor"] == {"name": "Ada"} and found.header["tag"] == "hers"
    assert found.header["data"]["test_collection"]["name"] == "toy"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    inside = lines[lines.index("# ir_metadata.start") + 1 : lines.index("# ir_metadata.end")]
    assert yaml.safe_load("\n".join(line.removeprefix("# ") for line in inside))["platform"]["software"]["libraries"]
    assert run_headers.fields(lines[: len(inside) + 2])["implementation"]["source"]["commit"]


def test_a_hundred_runs_take_seconds(place: Path) -> None:
    for number in range(100):
        Path(f"runs/many{number}.trec").write_text(RUN.format(tag="x"))
    main(["score", "runs/sys0.trec", "--dataset", "toy"])  # compiles and caches
    start = time.process_time()
    assert main(["score", "runs/many*.trec", "--dataset", "toy"]) == 0
    assert time.process_time() - start < 30  # of processor; 126 calls took 338 s


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("modèle_é.run", "modele_e"),
        ("my run (v2).trec", "my-run-v2"),
        ("run@v1,k=3.txt", "run@v1,k=3"),
        ("モデル.trec", ""),
    ],
)
def test_the_name_of_a_file_becomes_a_tag_or_costs_this_file_alone(place: Path, capsys, name: str, tag: str) -> None:
    (Path("runs") / name).write_text(RUN.format(tag="x"))
    assert main(["score", "runs", "--dataset", "toy"]) == int(not tag)
    assert tags() == {"sys0", "sys1", "sys2", "packed", tag} - {""}
    if not tag:
        assert "left out: runs/モデル.trec: its name holds モデル," in capsys.readouterr().err
        assert main(["score", f"runs/{name}", "--dataset", "toy"]) == 2


def test_a_file_without_a_name_in_its_column_costs_no_other(place: Path, capsys) -> None:
    Path("runs/plain.json").write_text('{"q1": {"d2": 1}}')
    assert main(["score", "runs", "--dataset", "toy", "--tags", "column", "--json"]) == 1
    told = capsys.readouterr()
    assert "left out: runs/plain.json: nothing in it names its system" in told.err and len(json.loads(told.out)) == 4

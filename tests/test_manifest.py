"""Manifests: written last, read strictly."""

import json
from pathlib import Path

import pytest

import hostile_files
from harness.cli import main
from harness.errors import BadInput
from harness.host import environment
from harness.results import manifest


def test_round_trip_adds_the_environment(tmp_path: Path) -> None:
    written = manifest.write(tmp_path, {"tag": "x", "dataset": "scifact", "scores": {"ndcg@10": 0.5}})
    assert manifest.read(tmp_path) == written
    assert written["versions"]["numpy"]
    assert written["machine"]["cores"] >= 1
    assert written["created"].endswith("+00:00")


def test_no_manifest_is_no_result(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) is None


SHA = "0" * 64
FILES = [
    ([], "'files' should be a table, not list"),
    (None, "'files' should be a table, not NoneType"),
    ({"scores.tsv.gz": []}, "'files.scores.tsv.gz' should be a table, not list"),
    ({"scores.tsv.gz": {}}, "'files.scores.tsv.gz.bytes' should be a number of bytes, not None"),
    ({"scores.tsv.gz": {"bytes": True, "sha256": SHA}}, "should be a number of bytes, not True"),
    ({"scores.tsv.gz": {"bytes": -1, "sha256": SHA}}, "should be a number of bytes, not -1"),
    ({"scores.tsv.gz": {"bytes": 7}}, "'files.scores.tsv.gz.sha256' should be text, not None"),
    ({"run.trec.gz": {"bytes": 7, "sha256": 7}}, "'files.run.trec.gz.sha256' should be text, not 7"),
    *(
        ({name: {"bytes": 7, "sha256": SHA}}, "which is no file of this folder")
        for name in ("/dev/zero", "../x", "a/../../x", "", ".", "x\x00", "/")
    ),
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1, "tag"', "not JSON"),
        ("[]", "not a manifest"),
        ('{"tag": "x"}', "not a manifest"),
        (json.dumps({"schema": manifest.SCHEMA + 1}), "has schema 2, this version reads up to 1; upgrade: pip install"),
        ('{"schema": "1"}', "has no schema"),
        ('{"schema": true}', "has no schema"),
        ('{"schema": 1}', "lacks 'tag'"),
        ('{"schema": 1, "tag": 7}', "'tag' should be text, not int"),
        ('{"schema": 1, "retriever": {"name": []}}', "'retriever.name' should be text, not list"),
        ('{"schema": 1, "tag": "a", "dataset": "b", "scores": {"map": 1.5}}', "the mean of map is 1.5"),
        ('{"schema": 1, "sha256": "0", "tag": "a", "dataset": "b", "scores": {"map": NaN}}', "holds NaN"),
        (
            '{"schema": 1, "tag": "a", "dataset": "b", "scores": {}, "costs": {"wall_s": 1e999}}',
            "or an infinite number",
        ),
        *(
            (json.dumps({"schema": 1, "tag": "a", "dataset": "b", "scores": {}, "files": entry}), message)
            for entry, message in FILES
        ),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": ' + "1" * 5000 + "}", "is not JSON .*digits"),
        ('{"schema": 1, "tag": "\\ud800"}', "surrogates not allowed"),
    ],
)
def test_what_is_not_a_manifest_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(BadInput, match=message):
        manifest.read(tmp_path)


@pytest.mark.parametrize(
    "entries", [None, {}, {"run.trec.gz": {"bytes": 7}}, {"more/x.bin": {"bytes": 0, "sha256": SHA}}]
)
def test_files_may_be_absent_and_a_run_has_its_sha256_elsewhere(tmp_path: Path, entries: dict | None) -> None:
    files = {} if entries is None else {"files": entries}
    written = manifest.write(tmp_path, {"tag": "x", "dataset": "scifact", "scores": {"ndcg@10": 0.5}, **files})
    assert manifest.read(tmp_path) == written


COMMANDS = [
    "list results",
    "leaderboard",
    "compare a b --dataset scifact",
    "verify",
    "report --output site",
    "plot leaderboard --output a.png",
    "export --format mteb --output out",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("entries", [[], {"scores.tsv.gz": 7}])
def test_commands_name_a_manifest_whose_files_are_none(tmp_path, entries, command, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    hostile_files.manifest(tmp_path / "results", files=entries)
    assert main([*command.split(), "--results", "results"]) == 2
    assert "runs/a/scifact/manifest.json: 'files" in capsys.readouterr().err


def test_a_manifest_that_says_little_is_listed(tmp_path, capsys) -> None:
    hostile_files.manifest(tmp_path, primary_measure="map")
    assert main(["list", "results", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["a", "scifact", "map"]


def test_no_host_name_and_no_path_of_the_machine() -> None:
    import platform

    text = json.dumps([environment.versions(), environment.machine(), environment.git()])
    assert platform.node() not in text
    assert str(Path.home()) not in text

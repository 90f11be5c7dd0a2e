"""Manifests: written last, read strictly."""

import json
from pathlib import Path

import pytest

from harness import manifest
from harness.errors import BadInput
from harness.running import environment


def test_round_trip_adds_the_environment(tmp_path: Path) -> None:
    written = manifest.write(tmp_path, {"tag": "x", "dataset": "scifact", "scores": {"ndcg@10": 0.5}})
    assert manifest.read(tmp_path) == written
    assert written["versions"]["numpy"]
    assert written["machine"]["cores"] >= 1
    assert written["created"].endswith("+00:00")


def test_no_manifest_is_no_result(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) is None


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
        ('{"schema": 1, "tag": "a", "dataset": "b", "scores": {"map": NaN}}', "the mean of map is nan"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": ' + "1" * 5000 + "}", "is not JSON .*digits"),
        ('{"schema": 1, "tag": "\\ud800"}', "surrogates not allowed"),
    ],
)
def test_what_is_not_a_manifest_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(BadInput, match=message):
        manifest.read(tmp_path)


def test_no_host_name_and_no_path_of_the_machine() -> None:
    import platform

    text = json.dumps([environment.versions(), environment.machine(), environment.git()])
    assert platform.node() not in text
    assert str(Path.home()) not in text

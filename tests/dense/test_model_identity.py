"""A model is its content, wherever it lies."""

import json
import shutil

import pytest

import toy
from dense.own import settings
from dense.tiny import save_sentence_transformer
from harness import files
from harness.cli import main


def test_two_paths_to_equal_bytes_are_one(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path / "toy")
    first = save_sentence_transformer(tmp_path / "private" / "place" / "mine")
    shutil.copytree(first, tmp_path / "elsewhere" / "other-name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    run = ["run", "sentence-transformer", "--dataset", "toy/", "--tag", "x", "--results", "results", "--json", "--set"]

    assert main([*run, f"model={first}"]) == 0
    manifest = tmp_path / "results" / "runs" / "x" / "toy" / "manifest.json"
    body = json.loads(manifest.read_text())
    assert body["retriever"]["arguments"] == {"model": "mine"} and body["retriever"]["all_arguments"]["model"] == "mine"
    assert str(tmp_path) not in manifest.read_text()
    assert "model" not in body["fingerprint"]["arguments"]
    assert main([*run, f"model={tmp_path / 'elsewhere' / 'other-name'}"]) == 0
    assert json.loads(manifest.read_text()) == body  # reused
    assert len(list((tmp_path / "cache" / "indexes").iterdir())) == 1
    settings(tmp_path / "elsewhere" / "other-name", "config.json", layer_norm_eps=1e-5)
    assert main([*run, f"model={tmp_path / 'elsewhere' / 'other-name'}"]) == 1  # other bytes under that name


def test_results_that_knew_a_model_by_its_path_are_still_known(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path / "toy")
    model = save_sentence_transformer(tmp_path / "mine")
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    run = [
        "run",
        "sentence-transformer",
        "--dataset",
        f"{tmp_path}/toy/",
        "--tag",
        "x",
        "--results",
        str(tmp_path / "r"),
    ]
    assert main([*run, "--set", f"model={model}"]) == 0
    place = tmp_path / "r" / "runs" / "x" / "toy" / "manifest.json"
    body = json.loads(place.read_text())
    body["fingerprint"]["arguments"]["model"] = str(model)
    del body["sha256"]
    place.write_text(json.dumps(body | {"sha256": files.sha256_json(body)}))
    before = place.read_bytes()
    assert main([*run, "--set", f"model={model}"]) == 0 and place.read_bytes() == before

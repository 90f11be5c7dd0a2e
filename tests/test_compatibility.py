"""What an earlier version wrote is read; what a later one wrote is refused with the cure.

`fixtures/results-v1` was written by version 0.1.0: two results, means from MTEB, the record of an index, a suite, the
settings and records of two fine-tuned checkpoints. A fixture is never changed: a new schema gets a new folder.
"""

import json
import shutil
from pathlib import Path

import pytest

from harness import results, runs
from harness.errors import BadInput
from harness.results import manifest
from harness.results import means as imported
from harness.running import suites
from retrievers.encoders import own_settings
from retrievers.training.engine import result as training

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("results-v*"))
pytestmark = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda folder: folder.name)


def test_results_scores_and_runs(fixture: Path) -> None:
    found, notes = results.read(fixture)
    assert [(one.tag, one.dataset) for one in found] == [("bm25", "sample"), ("elsewhere", "sample")] and not notes
    for one in found:
        for measure in one.measures:
            values = one.scores(measure)
            assert len(values) == one.manifest["queries"]["judged"]
            assert sum(values.values()) / len(values) == pytest.approx(one.manifest["scores"][measure])
        run = runs.read(one.folder / manifest.RUN)
        assert run.size == one.manifest["run"]["documents"]
    assert found[0].manifest["scores"]["ndcg@10"] == pytest.approx(0.6778, abs=5e-5)


def test_means(fixture: Path) -> None:
    [one], _ = imported.read(fixture)
    assert (one.tag, one.dataset, one.scores["ndcg@10"]) == ("published", "scifact", 0.64508)


def test_a_suite(fixture: Path) -> None:
    suite = suites.read(fixture / "suite.toml")
    assert suite.systems and suite.datasets


def test_checkpoints(fixture: Path) -> None:
    for kind in ("dupmae", "retromae"):
        folder = fixture / "checkpoints" / kind
        settings, record = own_settings.read(folder / f"{kind}.json"), training.recorded(folder)
        assert settings["max_length"] == 16 and settings["similarity"] == "dot"
        assert record is not None and record["schema"] == 1


def test_the_record_of_an_index_tells_what_it_was_made_from(fixture: Path) -> None:
    record = json.loads((fixture / "index-complete.json").read_bytes())
    key = results.read(fixture)[0][0].manifest["fingerprint"]
    assert {name: record["key"][name] for name in ("schema", "collection", "retriever")} == {
        name: key[name] for name in ("schema", "collection", "retriever")
    }


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("runs/bm25/sample/manifest.json", lambda path: manifest.read(path.parent)),
        ("means/published/scifact.json", lambda path: imported.read_one(path)),
        ("checkpoints/dupmae/dupmae.json", own_settings.read),
        ("checkpoints/retromae/retromae.json", own_settings.read),
    ],
)
def test_a_later_schema_is_refused_with_the_cure(fixture: Path, tmp_path: Path, file: str, read) -> None:
    shutil.copytree(fixture, tmp_path / "copy")
    path = tmp_path / "copy" / file
    read(path)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"schema": 99}))
    with pytest.raises(
        (BadInput, ValueError), match="has schema 99, this version reads up to 1; upgrade: pip install"
    ) as caught:
        read(path)
    assert str(path) in str(caught.value)

"""Reading a results folder: what counts, what is left out and said, what is refused; and joining on query_id."""

import gzip
import json
import re

import numpy as np
import pytest

import made_results
from harness import results
from harness.errors import BadInput, HarnessError
from harness.files import write_json
from harness.host import integrity
from harness.leaderboard.columns import columns, join


def test_results_come_in_order_with_their_scores(tmp_path):
    made_results.add(tmp_path, "b", "scifact", {"ndcg@10": [0.5, 1.0], "map": [0.25, 0.125]}, ["2", "1"])
    made_results.add(tmp_path, "a", "nfcorpus", [0.1])
    found, notes = results.read(tmp_path)
    assert [(result.tag, result.dataset) for result in found] == [("a", "nfcorpus"), ("b", "scifact")]
    assert notes == []
    assert found[1].measures == ["ndcg@10", "map"]
    assert found[1].scores("map") == {"2": 0.25, "1": 0.125}


def test_what_is_not_finished_is_left_out_and_said(tmp_path):
    made_results.add(tmp_path, "a", "scifact", [0.1])
    (made_results.add(tmp_path, "b", "scifact", [0.1]) / "manifest.json").unlink()
    (tmp_path / "runs" / ".hidden" / "scifact").mkdir(parents=True)
    (tmp_path / "runs" / "stray.txt").write_text("")
    found, notes = results.read(tmp_path)
    assert [result.tag for result in found] == ["a"]
    assert notes == ["b on scifact is not finished (no manifest.json) and is left out"]


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(HarnessError, match=r"no finished results in .*runs; `beir-harness run bm25"):
        results.read(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_text("{"), "is not JSON"),
        (lambda path: path.write_text("[]"), "is not a manifest"),
        (lambda path: path.write_text(json.dumps({"schema": 99})), "has schema 99, .* upgrade"),
        (lambda path: path.write_text(path.read_text().replace('"bm25"', '"other"')), "is about other on scifact"),
    ],
)
def test_bad_manifests_are_named_and_the_rest_goes_on(tmp_path, spoil, message):
    spoil(made_results.add(tmp_path, "bm25", "scifact", [0.1]) / "manifest.json")
    with pytest.raises(BadInput, match=f"bm25/scifact/manifest.json.*{message}"):
        results.read(tmp_path, strict=True)
    with pytest.raises(HarnessError, match=f"no finished results.*bm25 on scifact is left out.*{message}"):
        results.read(tmp_path)
    made_results.add(tmp_path, "other", "nfcorpus", [0.2])
    found, (note,) = results.read(tmp_path)
    assert [result.tag for result in found] == ["other"]
    assert re.search(f"bm25 on scifact is left out: .*manifest.json.*{message}", note)


def test_means_are_those_of_the_scores_whatever_the_manifest_says(tmp_path):
    folder = made_results.add(tmp_path, "a", "scifact", [0.25, 0.75])
    body = json.loads((folder / "manifest.json").read_text())
    sums = {"scores.tsv.gz": integrity.facts(folder / "scores.tsv.gz")}
    write_json(folder / "manifest.json", body | {"scores": {"ndcg@10": 0.99}, "files": sums})
    (result,), _ = results.read(tmp_path)
    assert result.means == {"ndcg@10": 0.5} and result.body["scores"] == {"ndcg@10": 0.5}


def test_scores_that_were_edited_are_refused_by_the_manifest_s_checksum(tmp_path):
    folder = made_results.add(tmp_path, "a", "scifact", [0.25, 0.75])
    body = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", body | {"files": {"scores.tsv.gz": integrity.facts(folder / "scores.tsv.gz")}})
    assert results.read(tmp_path)[0][0].means == {"ndcg@10": 0.5}
    (folder / "scores.tsv.gz").write_bytes(gzip.compress(b"query_id\tndcg@10\nq0\t0.99\nq1\t0.99\n"))
    with pytest.raises(BadInput, match=r"scores.tsv.gz: is not as it was written .*; run or score this pair again"):
        results.read(tmp_path)[0][0].scores("ndcg@10")


@pytest.mark.parametrize(
    ("dataset", "manifest", "level", "exclude_self"),
    [
        ("scifact", {"relevance_level": 2, "exclude_self": True}, 2, True),  # as it is written now
        ("scifact", {"fingerprint": {"relevance_level": 2, "exclude_self": True}}, 2, True),  # as `run` wrote it
        ("trec-dl-2019", {"fingerprint": {"run_file": {}}}, 2, False),  # as `score` wrote it: the table's was used
        ("arguana", {"fingerprint": {"run_file": {}}}, 1, True),
        ("mine", {"fingerprint": {"run_file": {}}}, 1, False),
    ],
)
def test_every_result_says_how_it_was_evaluated(tmp_path, dataset, manifest, level, exclude_self):
    made_results.add(tmp_path, "a", dataset, [0.1], **manifest)
    (result,), _ = results.read(tmp_path)
    assert (result.relevance_level, result.exclude_self) == (level, exclude_self)
    assert (result.body["relevance_level"], result.body["exclude_self"]) == (level, exclude_self)


@pytest.mark.parametrize(
    ("measure", "spoil", "message"),
    [
        (
            "ndcg@100",
            lambda folder: None,
            "was scored with ndcg@10, and has no judged.tsv.gz to make ndcg@100 of; run or score it again",
        ),
        ("ndcg@10", lambda folder: (folder / "scores.tsv.gz").unlink(), "scores.tsv.gz: is missing"),
        (
            "ndcg@10",
            lambda folder: (folder / "scores.tsv.gz").write_bytes(gzip.compress(b"query_id\tmap\nq0\t0.5\n")),
            "lacks ndcg@10",
        ),
    ],
)
def test_scores_that_are_not_there(tmp_path, measure, spoil, message):
    spoil(made_results.add(tmp_path, "bm25", "scifact", [0.1]))
    with pytest.raises(HarnessError, match=message):
        results.read(tmp_path)[0][0].scores(measure)


SELECTIONS = [
    ([], [], 7),
    (["scifact"], [], 2),
    (["cqadupstack"], [], 3),
    (["cqadupstack-gis"], [], 1),
    (["beir-public"], ["a"], 4),
    (["msmarco", "scifact"], [], 3),
    ([], ["b"], 3),
]


@pytest.fixture
def several(tmp_path):
    for tag, datasets in {
        "a": ["scifact", "cqadupstack-gis", "cqadupstack-tex", "nq"],
        "b": ["scifact", "msmarco-dev", "cqadupstack-tex"],
    }.items():
        for dataset in datasets:
            made_results.add(tmp_path, tag, dataset, [0.1, 0.2])
    return results.read(tmp_path)[0]


@pytest.mark.parametrize(("datasets", "systems", "count"), SELECTIONS)
def test_select(several, datasets, systems, count):
    assert len(results.select(several, datasets, systems)) == count


@pytest.mark.parametrize(
    ("datasets", "systems", "message"),
    [
        (["scifacts"], [], "unknown dataset 'scifacts'; did you mean 'scifact'"),
        ([], ["c"], "unknown system 'c'; known: a, b"),
        (["fiqa"], [], "no result of any system on fiqa"),
        (["msmarco-dev"], ["a"], "no result of a on msmarco-dev"),
    ],
)
def test_select_refuses(several, datasets, systems, message):
    with pytest.raises(HarnessError, match=message):
        results.select(several, datasets, systems)


def test_scores_are_joined_on_query_id_not_on_position(tmp_path):
    made_results.add(tmp_path, "a", "scifact", [0.1, 0.2, 0.3], ["x", "y", "z"])
    made_results.add(tmp_path, "b", "scifact", [0.3, 0.1, 0.2], ["z", "x", "y"])
    matrix = join(results.read(tmp_path)[0], "ndcg@10")
    assert matrix.query_ids == ("x", "y", "z")
    np.testing.assert_array_equal(matrix.scores[:, 0], matrix.scores[:, 1])
    assert matrix.mean("b") == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changes", "ids", "message"),
    [
        ({}, ["x", "z"], "2 queries that only one of them judged, 'y' for one"),
        ({"data": {"qrels_sha256": "f" * 64}}, ["x", "y"], "judgments aaaaaaaaaaaa and ffffffffffff"),
        ({"data": {"queries_sha256": "f" * 64}}, ["x", "y"], "queries bbbbbbbbbbbb and ffffffffffff"),
        ({"data": {"collection_sha256": "f" * 64}}, ["x", "y"], "documents cccccccccccc and ffffffffffff"),
        ({"fingerprint": {"relevance_level": 2}}, ["x", "y"], "relevance level 1 and 2"),
        ({"fingerprint": {"exclude_self": True}}, ["x", "y"], r"exclude_self \(.*\) False and True"),
        ({"split": "train"}, ["x", "y"], "split test and train"),
    ],
)
def test_what_was_measured_otherwise_is_not_compared(tmp_path, changes, ids, message):
    made_results.add(tmp_path, "a", "scifact", [0.1, 0.2], ["x", "y"])
    made_results.add(tmp_path, "b", "scifact", [0.1, 0.2], ids, **changes)
    with pytest.raises(HarnessError, match=f"a and b can't be compared on scifact: {message}.*--system or --dataset"):
        columns(results.read(tmp_path)[0], "ndcg@10")


def test_a_run_file_from_elsewhere_has_fewer_facts_and_still_joins(tmp_path):
    made_results.add(tmp_path, "a", "scifact", [0.1, 0.2])
    made_results.add(tmp_path, "b", "scifact", [0.1, 0.2], fingerprint={"run_file": {"sha256": "0"}}, git=None)
    assert columns(results.read(tmp_path)[0], "ndcg@10")[0][0].tags == ("a", "b")


@pytest.mark.parametrize(
    ("measure", "ends"),
    [("ndcg@10", {}), ("recall@100", {"b": 50, "c": 10}), ("map", {"b": 50, "c": 10, "d": 500}), ("judged@10", {})],
)
def test_what_a_measure_sees_beyond_a_run_s_end_is_not_compared(tmp_path, measure, ends):
    """c is a run file of depth 10, whatever it was asked for, d's manifest says its depth."""
    scores = {measure: [0.1, 0.2, 0.3]}
    made_results.add(tmp_path, "a", "scifact", scores, k=1000)
    made_results.add(tmp_path, "b", "scifact", scores, k=50)
    made_results.add(tmp_path, "c", "scifact", scores, fingerprint={"run_file": {}}, run={"deepest": 10})
    made_results.add(tmp_path, "d", "scifact", scores, run={"deepest": 1000, "depth": 500})
    found, notes = columns(results.read(tmp_path)[0], measure)
    assert found[0].shallow == ends
    listed = ", ".join(f"{tag} at {depth}" for tag, depth in ends.items())
    what = f"scifact: not compared with deeper runs, as {measure} looks beyond where these end: {listed}"
    assert notes == ([what] if ends else [])


def test_columns_follow_the_dataset_table_then_the_alphabet(tmp_path):
    for dataset in ("zoo", "scifact", "apples", "nfcorpus"):
        made_results.add(tmp_path, "a", dataset, [0.1])
    made_results.add(tmp_path, "a", "bread", {"map": [0.1]})
    found, notes = columns(results.read(tmp_path)[0], "ndcg@10")
    assert [column.name for column in found] == ["nfcorpus", "scifact", "apples", "zoo"]
    assert notes == ["a on bread was not scored with ndcg@10, nor has it judged.tsv.gz to make it of"]


@pytest.mark.parametrize(("recorded", "refused"), [(0.6 + 1e-9, False), (0.61, True)])
def test_scores_without_a_checksum_that_are_not_those_of_the_manifest(tmp_path, recorded, refused):
    folder = made_results.add(tmp_path, "a", "scifact", [0.5, 0.7])
    body = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", body | {"scores": {"ndcg@10": recorded}})
    (result,), _ = results.read(tmp_path)
    if not refused:
        assert result.mean("ndcg@10") == pytest.approx(0.6)
        return
    with pytest.raises(BadInput, match=r"mean ndcg@10 of 0.600000, and 0.610000 by the manifest: one of them was edit"):
        result.mean("ndcg@10")

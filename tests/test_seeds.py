"""Seeds of one system as one system: the mean a query, the spread in a note, and what is refused."""

import json

import numpy as np
import pytest

import made_results
from harness import results, seeds
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard import build

SCORES = {"mine-s0": [0.1, 0.5, 0.9], "mine-s1": [0.3, 0.5, 0.4], "mine-s2": [0.2, 0.8, 0.2], "bm25": [0.4, 0.4, 0.4]}


@pytest.fixture
def folder(tmp_path):
    for tag, scores in SCORES.items():
        made_results.add(tmp_path, tag, "scifact", scores)
        made_results.add(tmp_path, tag, "nfcorpus", [score / 2 for score in scores])
    return tmp_path


def merged(folder):
    return seeds.merge(results.read(folder)[0])


def test_a_querys_score_is_the_mean_over_the_seeds(folder):
    found = {(one.tag, one.dataset): one for one in merged(folder)}
    assert sorted(found) == [(tag, data) for tag in ("bm25", "mine") for data in ("nfcorpus", "scifact")]
    assert list(found["mine", "scifact"].scores("ndcg@10").values()) == pytest.approx([0.2, 0.6, 0.5])
    assert list(found["bm25", "scifact"].scores("ndcg@10").values()) == SCORES["bm25"]


def test_the_leaderboard_tests_the_means_and_states_the_spread(folder, capsys):
    found = merged(folder)
    board = build(found, "ndcg@10", notes=seeds.spread_notes(found, "ndcg@10"))
    assert set(board.tags) == {"bm25", "mine"} and len(board.family) == 2
    averages = [np.mean(SCORES[f"mine-s{seed}"]) * 0.75 for seed in range(3)]
    assert f"mine {np.std(averages, ddof=1):.4f} (3)" in board.notes[0]
    assert main(["leaderboard", "--seeds", "--results", str(folder), "--format", "json"]) == 0
    assert {one["tag"] for one in json.loads(capsys.readouterr().out)[0]["systems"]} == {"bm25", "mine"}


def test_tables_of_a_folder_with_seeds(folder):
    assert main(["leaderboard", "--seeds", "--tables", "--results", str(folder)]) == 0
    table = (folder / "tables" / "ndcg@10.md").read_text()
    assert "mine-s0" not in table and "standard deviation" in table


def test_other_seeds_on_another_dataset_are_refused(folder):
    made_results.add(folder, "mine-s3", "scifact", [0.1, 0.2, 0.3])
    with pytest.raises(HarnessError, match="mine has the seeds"):
        merged(folder)


def test_other_queries_are_refused(folder):
    made_results.add(folder, "other-s0", "scifact", [0.1, 0.2])
    made_results.add(folder, "other-s1", "scifact", [0.1, 0.2], ["q0", "q7"])
    [other] = [one for one in merged(folder) if one.tag == "other"]
    with pytest.raises(HarnessError, match=r"other-s0 and other-s1 were scored on other queries"):
        other.scores("ndcg@10")


def test_a_system_may_not_have_the_name_of_the_mean(folder):
    made_results.add(folder, "mine", "scifact", [0.1, 0.2, 0.3])
    with pytest.raises(HarnessError, match="mine is a system and also"):
        merged(folder)

"""Seeds of one system as one system: the mean a query, the spread in a note, and what is refused."""

import json
import shutil

import numpy as np
import pytest

import made_results
from harness import results
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard import build
from harness.leaderboard.spread import with_spread
from harness.results import seeds

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
    board = with_spread(build(found, "ndcg@10"), found)
    assert set(board.tags) == {"bm25", "mine"} and len(board.family) == 2
    averages = [np.mean(SCORES[f"mine-s{seed}"]) * 0.75 for seed in range(3)]
    assert f"mine {np.std(averages, ddof=1):.4f} (3)" in board.notes[0]
    assert main(["leaderboard", "--seeds", "--results", str(folder), "--format", "json"]) == 0
    assert {one["tag"] for one in json.loads(capsys.readouterr().out)[0]["systems"]} == {"bm25", "mine"}


def test_the_spread_is_of_the_average_beside_it(folder):
    # Not in the Average: a dataset that bm25 lacks. Once in it: two forums of one unit.
    mine = {"mine-s0": [0.9, 0.9], "mine-s1": [0.1, 0.1], "mine-s2": [0.5, 0.5]}
    for tag, scores in mine.items():
        made_results.add(folder, tag, "quora", scores)
    for forum, factor in (("android", 1.0), ("english", 0.5)):
        for tag, scores in (mine | {"bm25": [0.2, 0.2]}).items():
            made_results.add(folder, tag, f"cqadupstack-{forum}", [score * factor for score in scores])
    found = merged(folder)
    board = with_spread(build(found, "ndcg@10"), found)
    averages = []
    for tag, scores in mine.items():
        scifact, nfcorpus, forums = np.mean(SCORES[tag]), np.mean(SCORES[tag]) / 2, scores[0] * 0.75
        averages.append((scifact + nfcorpus + forums) / 3)
    assert np.mean(averages) == pytest.approx(board.averages["mine"])
    assert f"of the seeds' Average (seeds): mine {np.std(averages, ddof=1):.4f} (3)" in board.notes[0]


def test_without_an_average_there_is_no_spread_of_it(tmp_path):
    for tag in ("mine-s0", "mine-s1"):
        made_results.add(tmp_path, tag, "scifact", [0.1, 0.2])
    made_results.add(tmp_path, "bm25", "nfcorpus", [0.1, 0.2])
    found = merged(tmp_path)
    assert "mine – (2)" in with_spread(build(found, "ndcg@10"), found).notes[0]


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


def made(arguments, **changes):
    """A fingerprint as `run` writes it."""
    base = {"retriever": {"name": "m", "class": "m:M", "version": "1"}, "k": 100, "state": "whatever"}
    return {"fingerprint": {**base, "arguments": arguments, "relevance_level": 1, "exclude_self": False, **changes}}


def scored(file, k):
    """A fingerprint as `score` writes it."""
    return {"fingerprint": {"run_file": {"file": file, "sha256": file, "k": k}}}


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        (made({"k1": 0.9}), made({"k1": 3.0}), "arguments.k1: 0.9 -> 3.0"),
        (made({"k1": 0.9}), made({"k1": 0.9}, k=10), "k: 100 -> 10"),
        (made({}), made({}, retriever={"name": "other"}), "retriever.name: 'm' -> 'other'"),
        (made({"model": "a-s0"}), made({"model": "b-s1"}), "arguments.model: 'a-sSEED' -> 'b-sSEED'"),
        (made({"model": "x"}), made({"model": "x-s1"}), "arguments.model"),
        (made({}), made({}, relevance_level=2), "relevance level 1 and 2"),
        (made({}), {**made({}), "data": {"qrels_sha256": "d" * 64}}, "judgments aaaaaaaaaaaa and dddddddddddd"),
        (made({"seed": 0}), made({"seed": 1}), None),
        (made({"seed": 0, "train": {"data_seed": 5}}), made({"seed": 1, "train": {"data_seed": 6}}), None),
        (made({"checkpoint": "c/mine-s0/"}, state="a"), made({"checkpoint": "c/mine-s1/"}, state="b"), None),
        (made({"checkpoint": "seed=0/x"}), made({"checkpoint": "seed=1/x"}), None),
        (scored("a", 10), scored("b", 10), None),
        (scored("a", 10), scored("b", 5), "k: 10 -> 5"),
    ],
)
def test_seeds_differ_in_their_seed_alone(tmp_path, first, second, difference):
    made_results.add(tmp_path, "x-s0", "scifact", [0.1, 0.2], **first)
    made_results.add(tmp_path, "x-s1", "scifact", [0.3, 0.2], **second)
    made_results.add(tmp_path, "other", "scifact", [0.3, 0.2])
    if difference is None:
        assert [one.tag for one in merged(tmp_path)] == ["other", "x"]
        return
    with pytest.raises(HarnessError) as caught:
        merged(tmp_path)
    assert "x-s0 and x-s1 differ in more than their seed on scifact" in str(caught.value)
    assert difference in str(caught.value)
    assert [one.tag for one in seeds.merge(results.read(tmp_path)[0], ["other"])] == ["other"]


def test_one_seed_twice_is_refused(tmp_path):
    for tag in ("x-s1", "x-seed1"):
        made_results.add(tmp_path, tag, "scifact", [0.1, 0.2])
    with pytest.raises(HarnessError, match="x-s1 and x-seed1 are one seed of x twice"):
        merged(tmp_path)


def test_all_members_are_in_the_signature_and_their_costs_count(tmp_path):
    commits = ["a" * 40, "b" * 40]
    for at, commit in enumerate(commits):
        spent = {"index": {"wall_s": 1.0 + at}}
        made_results.add(
            tmp_path, f"x-s{at}", "scifact", [0.1, 0.2], git={"commit": commit, "dirty": False}, costs=spent
        )
    (one,) = merged(tmp_path)
    assert build([one], "ndcg@10").signature.endswith("commit:aaaaaaa,bbbbbbb")
    assert one.cost("index_s") == 1.5


def test_the_tag_of_an_argument_tells_the_seed(tmp_path, capsys):
    """What `run --set seed=1` is called without a tag; where no tag tells one, --seeds would do nothing."""
    for seed in (1, 2):
        arguments = {"arguments": {"seed": seed, "size": 3}, "k": 10}
        made_results.add(tmp_path, f"mine-seed={seed}-size=3", "one", [0.2 * seed, 0.4], fingerprint=arguments)
    made_results.add(tmp_path, "other", "one", [0.1, 0.2])
    words = ["leaderboard", "--seeds", "--format", "json", "--results", str(tmp_path)]
    assert main(words) == 0
    assert '"mine-size=3"' in capsys.readouterr().out
    shutil.rmtree(tmp_path / "runs/mine-seed=1-size=3")
    shutil.rmtree(tmp_path / "runs/mine-seed=2-size=3")
    assert main(words) == 2
    assert "--seeds: no tag here tells a seed, as mine-s0" in capsys.readouterr().err

"""Two systems on one dataset: numbers against scipy, the queries that differ most, the command."""

import json

import numpy as np
import pytest
from scipy import stats

import made_results
import toy
from harness import results
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard.comparison import compare, pick

A = [1.0, 0.5, 0.0, 0.25, 0.5]
B = [0.5, 0.5, 1.0, 0.0, 0.25]


@pytest.fixture
def made(tmp_path):
    scores = {"ndcg@10": A, "map": [value / 2 for value in A]}
    made_results.add(tmp_path, "a", "scifact", scores)
    made_results.add(tmp_path, "b", "scifact", {"ndcg@10": B, "map": A}, ["q0", "q1", "q2", "q3", "q4"])
    made_results.add(tmp_path, "a", "cqadupstack-gis", A)
    return tmp_path


def pair(folder):
    found = results.read(folder)[0]
    return pick(found, "a", "scifact"), pick(found, "b", "scifact")


def test_the_numbers(made):
    (one,) = compare(*pair(made), ["ndcg@10"])
    found = one.comparison
    differences = np.array(A) - np.array(B)
    assert (one.first_mean, one.second_mean) == (0.45, 0.45)
    assert (found.wins, found.ties, found.losses) == (3, 1, 1)
    assert found.difference == 0
    assert found.p == found.corrected == pytest.approx(stats.ttest_rel(A, B).pvalue)
    assert found.effect_size == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.dominance == pytest.approx(0.4)
    assert found.interval[0] < 0 < found.interval[1]


def test_the_exact_permutation_test_of_five_queries(made):
    (one,) = compare(*pair(made), ["ndcg@10"], test="permutation")
    assert one.comparison.p == 1.0  # the difference of the means is 0: every sign pattern is as far from it


def test_the_queries_that_differ_most_come_first_and_equal_ones_not_at_all(made):
    (one,) = compare(*pair(made), ["ndcg@10"], texts={"q2": "red apples"})
    assert [query.query_id for query in one.queries] == ["q2", "q0", "q3", "q4"]  # of equals, the smaller id first
    assert (one.queries[0].first, one.queries[0].second, one.queries[0].text) == (0.0, 1.0, "red apples")
    assert [query.query_id for query in compare(*pair(made), ["ndcg@10"], top=2)[0].queries] == ["q2", "q0"]


def test_two_measures_are_a_family_of_two(made):
    both = compare(*pair(made), ["ndcg@10", "map"], correction="bonferroni")
    assert [one.comparison.corrected for one in both] == [min(1, 2 * one.comparison.p) for one in both]


def test_turning_round_turns_everything(made):
    first, second = pair(made)
    one, other = compare(first, second, ["map"])[0].comparison, compare(second, first, ["map"])[0].comparison
    assert one.turned().interval == pytest.approx(other.interval)
    assert (one.p, one.wins, one.losses, -one.difference) == (other.p, other.losses, other.wins, other.difference)


@pytest.mark.parametrize(
    ("tag", "dataset", "message"),
    [
        ("c", "scifact", "unknown system 'c'"),
        ("b", "scifac", "unknown dataset of b 'scifac'; did you mean 'scifact'"),
        ("a", "cqadupstack", "stands for several datasets; compare on one of them: cqadupstack-gis"),
    ],
)
def test_pick_refuses(made, tag, dataset, message):
    with pytest.raises(HarnessError, match=message):
        pick(results.read(made)[0], tag, dataset)


def test_a_system_is_not_compared_with_itself(made):
    first, _ = pair(made)
    with pytest.raises(HarnessError, match="itself; name two systems"):
        compare(first, first, ["map"])


def test_the_command_without_the_dataset_shows_ids_and_says_why(made, capsys):
    assert main(["compare", "a", "b", "--dataset", "scifact", "--results", str(made), "--top", "1"]) == 0
    printed = capsys.readouterr().out
    assert "### nDCG@10 on scifact, 5 queries" in printed
    assert "a wins 3, 1 ties, b wins 1" in printed
    assert "| q2    | 0.0000 | 1.0000 |    -1.0000 |" in printed and "| q0 " not in printed
    assert "note: query texts are not shown: scifact" in printed


def test_the_command_with_the_dataset_shows_texts(tmp_path, capsys):
    toy.write(tmp_path / "data" / "toy")
    for tag, scores in (("a", [1.0, 0.0, 0.0]), ("b", [0.5, 0.0, 0.0])):
        made_results.add(tmp_path / "made", tag, "toy", scores, ["q1", "q2", "q3"], data={})
    words = ["compare", "a", "b", "--dataset", "toy", "--results", str(tmp_path / "made")]
    assert main([*words, "--data-dir", str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    assert "green apple" in printed and "note:" not in printed
    assert main([*words, "--data-dir", str(tmp_path / "data"), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["queries_that_differ_most"] == [
        {"query_id": "q1", "first": 1.0, "second": 0.5, "difference": 0.5, "text": "green apple"}
    ]
    assert (found["first"], found["second"], found["wins"]) == ("a", "b", 1)
    (tmp_path / "data" / "toy" / "queries.jsonl").write_text(
        (tmp_path / "data" / "toy" / "queries.jsonl").read_text().replace("green apple", "another question")
    )
    for tag, scores in (("a", [1.0, 0.0, 0.0]), ("b", [0.5, 0.0, 0.0])):
        made_results.add(tmp_path / "made", tag, "toy", scores, ["q1", "q2", "q3"])
    assert main([*words, "--data-dir", str(tmp_path / "data")]) == 0
    assert (
        "query texts are not shown" in (printed := capsys.readouterr().out)
        and "another" not in printed.split("note")[0]
    )


def test_the_command_complains_with_exit_code_2(made, capsys):
    assert main(["compare", "a", "bb", "--dataset", "scifact", "--results", str(made)]) == 2
    assert "unknown system 'bb'; did you mean 'b'" in capsys.readouterr().err

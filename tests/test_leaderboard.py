"""The leaderboard as numbers: families, marks, averages, units, ranks, and the command around it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import made_results
from harness import results
from harness.cli import main
from harness.datasets.dataset_table import groups
from harness.errors import HarnessError
from harness.leaderboard import build
from harness.views.tables.rendering import render

FORUMS = groups()["cqadupstack"]


def board(folder, measure="ndcg@10", *, datasets=(), systems=(), **options):
    return build(results.select(results.read(folder)[0], datasets, systems), measure, **options)


@pytest.fixture
def three(tmp_path):
    return made_results.systems(tmp_path, {"scifact": 120, "nfcorpus": 90}, {"bm25": 0.0, "mine": 0.06, "same": 0.0})


def test_the_frame_holds_means_average_and_ranks(three):
    frame = board(three).frame()
    assert list(frame.columns) == ["nfcorpus", "scifact", "average", "rank_low", "rank_high"]
    assert frame.index[0] == "mine"
    scores = next(r for r in results.read(three)[0] if (r.tag, r.dataset) == ("same", "scifact")).scores("ndcg@10")
    assert frame.loc["same", "scifact"] == pytest.approx(np.mean(list(scores.values())))
    assert frame.loc["same", "average"] == pytest.approx(frame.loc["same", ["nfcorpus", "scifact"]].mean())


@pytest.mark.parametrize(("baseline", "size"), [(None, 6), ("bm25", 4)])
def test_the_family_is_what_the_table_marks_and_holm_runs_over_all_of_it(three, baseline, size):
    found = board(three, baseline=baseline)
    assert len(found.family) == size
    assert f"|family:{size}|" in found.signature
    scores = {(r.tag, r.dataset): np.array(list(r.scores("ndcg@10").values())) for r in results.read(three)[0]}
    raw = [stats.ttest_rel(scores[c.first, c.dataset], scores[c.second, c.dataset]).pvalue for c in found.family]
    np.testing.assert_allclose([c.p for c in found.family], raw, rtol=1e-9)
    np.testing.assert_allclose([c.corrected for c in found.family], multipletests(raw, method="holm")[1], rtol=1e-9)
    assert {c.second for c in found.family} == {"bm25"} or baseline is None


@pytest.mark.parametrize("test", ["t", "permutation"])
@pytest.mark.parametrize("correction", ["holm", "bonferroni", "bh"])
def test_every_test_with_every_correction_finds_the_better_system(three, test, correction):
    found = board(three, baseline="bm25", test=test, correction=correction)
    assert {(c.first, c.dataset) for c in found.family if c.significant} == {("mine", "scifact"), ("mine", "nfcorpus")}
    assert found.cells["mine", "scifact"].rank == (1, 1)
    assert found.cells["same", "scifact"].rank == (2, 3)
    assert [found.cells[tag, "scifact"].level for tag in ("mine", "bm25", "same")] == [True, False, False]


def test_intervals_of_means_and_differences_hold_them(three):
    found = board(three, baseline="bm25")
    for cell in found.cells.values():
        assert cell.interval[0] < cell.mean < cell.interval[1]
    for comparison in found.family:
        assert comparison.interval[0] < comparison.difference < comparison.interval[1]


def test_identical_runs_share_the_first_place(tmp_path):
    for tag in ("a", "b"):
        made_results.add(tmp_path, tag, "scifact", [0.5, 0.25, 1.0])
    found = board(tmp_path)
    assert [c.p for c in found.family] == [1.0]
    assert all(cell.best and cell.level and cell.rank == (1, 2) for cell in found.cells.values())


def test_the_average_is_over_what_all_have_and_says_so(three):
    made_results.add(three, "late", "scifact", np.linspace(0, 1, 120).tolist())
    found = board(three)
    assert set(found.shared) == {"nfcorpus", "scifact"}
    both = [found.cells["mine", name].mean for name in found.shared]
    assert found.averages["mine"] == pytest.approx(np.mean(both))
    assert ("late", "nfcorpus") not in found.cells and "late" not in found.averages and found.tags[-1] == "late"
    assert np.isnan(found.frame().loc["late", "nfcorpus"])
    assert found.over and "late" not in found.over.tags and "late" not in found.ranks


@pytest.mark.parametrize(
    ("have", "shared", "averaged"),
    [
        ({"a": "xy", "b": "xy", "c": "x"}, "xy", "ab"),
        ({"a": "xyz", "b": "xy", "c": "xy", "d": "xy"}, "xy", "abcd"),  # one finished system does not take it all
        ({"a": "xyz", "b": "xyz", "c": "z"}, "xyz", "ab"),  # nor does one that has hardly begun
        ({"a": "x", "b": "x", "c": "y"}, "x", "ab"),
        ({"a": "x", "b": "xy", "c": "y"}, "x", "ab"),  # of equal choices the first column
        ({"a": "x", "b": "y"}, "", ""),
        ({"a": "xy"}, "xy", "a"),
    ],
)
def test_a_half_finished_table_has_the_average_of_those_that_have_most(tmp_path, have, shared, averaged):
    names = {"x": "scifact", "y": "one", "z": "two"}
    for tag, held in have.items():
        for name in held:
            values = np.random.default_rng([ord(tag), ord(name)]).uniform(0.2, 0.8, 20)
            made_results.add(tmp_path, tag, names[name], values.tolist())
    found = board(tmp_path)
    assert sorted(found.shared) == sorted(names[name] for name in shared)
    assert "".join(sorted(found.averages)) == averaged
    assert set(found.tags[: len(averaged)]) == set(averaged)  # first, and best first
    assert [found.averages[tag] for tag in found.tags[: len(averaged)]] == sorted(found.averages.values())[::-1]
    for form in ("md", "latex", "csv", "json"):
        assert render([found], form)
    assert [group.name for group in found.groups()]


def test_nothing_in_common_means_no_average(tmp_path):
    made_results.add(tmp_path, "a", "scifact", [0.5, 0.6])
    made_results.add(tmp_path, "b", "nfcorpus", [0.5, 0.6])
    found = board(tmp_path)
    assert (found.averages, found.shared, found.family) == ({}, (), ())
    assert found.tags == ("a", "b")


def test_forums_count_as_one_dataset_without_a_test_on_queries(tmp_path):
    shifts = {"bm25": 0.0, "mine": 0.1}
    made_results.systems(tmp_path, {"scifact": 60, **dict.fromkeys(FORUMS, 40)}, shifts)
    found = board(tmp_path)
    assert [column.name for column in found.columns] == ["cqadupstack", "scifact"]
    forums = [matrix.mean("mine") for matrix in found.columns[0].matrices]
    assert len(forums) == 12
    assert found.cells["mine", "cqadupstack"].mean == pytest.approx(np.mean(forums))
    assert found.averages["mine"] == pytest.approx((np.mean(forums) + found.cells["mine", "scifact"].mean) / 2)
    assert {c.dataset for c in found.family} == {"scifact"}
    assert found.cells["mine", "cqadupstack"].level is None
    assert found.over.datasets == ("cqadupstack", "scifact")


def test_a_system_that_lacks_a_forum_has_no_value_for_them_all(tmp_path):
    made_results.systems(tmp_path, dict.fromkeys(FORUMS, 10), {"whole": 0.0, "also": 0.05})
    made_results.systems(tmp_path, dict.fromkeys(FORUMS[:7], 10), {"part": 0.3})
    found = board(tmp_path)
    assert sorted(found.tags) == ["also", "whole"]
    assert found.notes == ("part has 7 of the 12 datasets of cqadupstack, so no value there",)
    assert found.over.datasets == FORUMS  # within the unit, each forum is an observation


def test_forums_that_nobody_has_all_of_stand_alone_and_still_count_once(tmp_path):
    names = {FORUMS[0]: 20, FORUMS[1]: 20, "scifact": 20}
    made_results.systems(tmp_path, names, {"a": 0.0, "b": 0.2})
    found = board(tmp_path)
    assert [column.name for column in found.columns] == [FORUMS[0], FORUMS[1], "scifact"]
    forums = (found.cells["b", FORUMS[0]].mean + found.cells["b", FORUMS[1]].mean) / 2
    assert found.averages["b"] == pytest.approx((forums + found.cells["b", "scifact"].mean) / 2)
    assert found.over.datasets == ("cqadupstack", "scifact")


def test_ranks_over_datasets_come_from_wilcoxon_tests_over_datasets(tmp_path):
    names = {f"d{number:02}": 30 for number in range(14)}
    made_results.systems(tmp_path, names, {"low": 0.0, "high": 0.2, "twin": 0.2})
    found = board(tmp_path)
    assert (found.ranks["high"], found.ranks["twin"], found.ranks["low"]) == ((1, 2), (1, 2), (3, 3))


def test_the_signature_says_who_scored(three):
    assert board(three).signature == (
        "ndcg@10|test:t,holm|family:6|alpha:0.05|n:210|datasets:2|ranx:0.3.21|commit:0123456"
    )
    made_results.add(three, "new", "scifact", [0.1] * 120, git={"commit": "f" * 40, "dirty": True}, versions={})
    assert board(three, test="permutation", datasets=["scifact"], alpha=0.01).signature == (
        "ndcg@10|test:permutation(10000000),holm|family:6|alpha:0.01|n:120|ranx:0.3.21,unknown|commit:0123456,fffffff+"
    )


@pytest.mark.parametrize(
    ("measure", "baseline", "message"),
    [
        ("ndcg@1", None, "no judged.tsv.gz to make ndcg@1 of"),
        ("ndcg@10", "bm52", "unknown baseline 'bm52'; did you mean 'bm25'"),
    ],
)
def test_unknown_names(three, measure, baseline, message):
    with pytest.raises(HarnessError, match=message):
        board(three, measure, baseline=baseline)


def test_the_command_prints_and_writes(three, capsys, tmp_path):
    assert main(["leaderboard", "--results", str(three), "--measure", "mrr@10", "--baseline", "bm25"]) == 0
    printed = capsys.readouterr().out
    assert "### MRR@10 on 2 datasets" in printed and "`mrr@10|test:t,holm|family:4|" in printed
    file = tmp_path / "deep" / "board.json"
    assert main(["leaderboard", "--results", str(three), "--format", "json", "--output", str(file)]) == 0
    assert json.loads(file.read_text())[0]["systems"][0]["tag"] == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--baseline", "bm52"], "did you mean 'bm25'"), (["--dataset", "scifacts"], "did you mean 'scifact'")],
)
def test_the_command_complains_with_exit_code_2(three, capsys, words, message):
    assert main(["leaderboard", "--results", str(three), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("alpha", ["0", "1", "-0.1", "five"])
def test_alpha_is_a_probability(three, capsys, alpha):
    with pytest.raises(SystemExit) as stop:
        main(["leaderboard", "--results", str(three), f"--alpha={alpha}"])
    assert stop.value.code == 2
    assert "--alpha" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("test", ["t", "permutation"])
def test_the_same_bytes_on_one_and_two_threads(three, test):
    printed = {
        subprocess.run(
            [sys.executable, "-m", "harness", "leaderboard", "--results", three, f"--test={test}", "--format=json"],
            env=os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), threads),
            check=True,
            capture_output=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(printed) == 1 and len(printed.pop()) > 1000

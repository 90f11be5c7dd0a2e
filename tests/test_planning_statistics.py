"""What tables, compare and JSON say of power, equality, holes and both inferences about the average."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy
from harness import results as stored
from harness.cli import main
from harness.leaderboard import build
from harness.leaderboard.comparison import compare
from harness.leaderboard.holes import with_holes
from harness.statistics.max_t import DRAWS
from harness.views.tables.rendering import render
from made_results import add, systems

DATASETS = {"scifact": 60, "nfcorpus": 40, "own": 50}
SHIFTS = {"a": 0.0, "b": 0.004, "c": 0.2}


@pytest.fixture
def found(tmp_path: Path) -> list[stored.Result]:
    return stored.read(systems(tmp_path, DATASETS, SHIFTS))[0]


def test_three_datasets_separate_averages_where_wilcoxon_cannot(found: list[stored.Result]) -> None:
    board = build(found, "ndcg@10")
    assert board.ranks["c"] == (1, 1) and board.ranks["a"][1] == 3
    assert board.over is not None and set(board.over.ranks.values()) == {(1, 3)}
    text = render([board], "md")
    assert "Rank: for these datasets; what sign flips" in text and "For datasets like these:" in text
    assert "p, these" in text and "p, like these" in text


def test_the_average_is_weighed_as_the_table_weighs_it(tmp_path: Path) -> None:
    datasets = {"cqadupstack-android": 20, "cqadupstack-gis": 30, "scifact": 40}
    board = build(stored.read(systems(tmp_path, datasets, SHIFTS))[0], "ndcg@10")
    assert board.these is not None and sorted(board.these.weights) == [0.25, 0.25, 0.5]
    for pair in board.these.with_intervals:
        assert pair.difference == pytest.approx(board.averages[pair.first] - board.averages[pair.second])
        assert pair.interval and pair.interval[0] < pair.difference < pair.interval[1]


def test_max_t_marks_at_least_what_bonferroni_does_and_says_so(found: list[stored.Result]) -> None:
    flipped, plain = build(found, "ndcg@10", correction="maxt"), build(found, "ndcg@10", correction="bonferroni")
    marked = [{(c.dataset, c.first, c.second) for c in b.family if c.significant} for b in (flipped, plain)]
    assert marked[1] <= marked[0]
    assert f"sign flips of whole queries ({DRAWS:,}), step-down max-T over the 9 comparisons" in render([flipped], "md")
    assert flipped.these is not None and flipped.these.correction == "maxt"
    assert [c.corrected for c in build(found, "ndcg@10", correction="maxt").family] == [
        c.corrected for c in flipped.family
    ]


def test_under_max_t_ranks_and_levels_rest_on_it_too(found: list[stored.Result]) -> None:
    board = build(found, "ndcg@10", correction="maxt")
    assert board.pairs == board.family
    assert "(bold) of its dataset: step-down max-T over 9 pairs" in render([board], "md")
    assert f"|test:flips({DRAWS}),maxt|" in board.signature


def test_against_a_baseline_max_t_is_of_that_family(found: list[stored.Result]) -> None:
    board = build(found, "ndcg@10", "a", correction="maxt")
    assert len(board.family) == 6 and board.family == tuple(build(found, "ndcg@10", None, "t", "maxt").against("a"))


def test_equality_is_a_mark_of_its_own(found: list[stored.Result]) -> None:
    board = build(found, "ndcg@10", "a", margin=0.1)
    said = {(c.first, c.dataset): c.equivalent for c in board.family}
    assert all(said["b", name] for name in DATASETS) and not any(said["c", name] for name in DATASETS)
    text = render([board], "md")
    assert "≈ equal to a within 0.1: two one-sided t-tests, Holm" in text
    assert sum(line.count("≈") for line in text.splitlines() if line.startswith("| b")) == 3
    assert "≈" not in render([build(found, "ndcg@10", "a")], "md")
    lettered = build(found, "ndcg@10", margin=0.5)
    assert "≈ equal to the best of its dataset within 0.5" in render([lettered], "md")
    assert all(lettered.cells[tag, name].equal for tag in "ab" for name in DATASETS)


def test_json_says_what_could_be_found(found: list[stored.Result]) -> None:
    [body] = json.loads(render([build(found, "ndcg@10", margin=0.1)], "json"))
    for one in body["comparisons"]:
        assert 0 < one["detectable"] < one["detectable_in_family"] and {"equivalence_p", "equivalent"} <= one.keys()
    assert body["margin"] == 0.1 and body["these_datasets"]["queries"] == 150
    for pair in body["these_datasets"]["pairs"]:
        assert pair["detectable"] < pair["detectable_in_family"] and len(pair["interval"]) == 2
    assert "Found four times of five" in render([build(found, "ndcg@10")], "md")


def test_no_difference_beyond_what_scores_can_differ_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for tag, scores in {"a": [0.1, 0.9], "b": [0.9, 0.3]}.items():
        add(Path("results"), tag, "own", scores)
    assert "(middle pair): own none." in render([build(stored.read(Path("results"))[0], "ndcg@10")], "md")
    assert main(["compare", "b", "a", "--dataset", "own"]) == 0
    assert "nothing: 2 queries differ too much among themselves" in capsys.readouterr().out


def test_compare_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    systems(Path("results"), {"own": 52}, {"a": 0.0, "b": 0.02})
    line = ["compare", "b", "a", "--dataset", "own", "--margin", ".2"]
    assert main(line) == 0
    said = capsys.readouterr().out
    assert "four times of five with 52 queries, a smaller one less often; one of 0.0" in said
    assert "within 0.2" in said and "equal, p " in said
    assert main([*line, "--correction", "maxt", "--json"]) == 0
    [body] = json.loads(capsys.readouterr().out)
    assert body["equivalent"] and body["detectable"] == pytest.approx(body["detectable_in_family"])


def test_measures_of_one_pair_are_flipped_together(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    first = generator.uniform(0.2, 0.7, 60)
    second = first + generator.normal(0.04, 0.1, 60)
    for tag, scores in (("a", first), ("b", second)):
        add(tmp_path, tag, "own", {"ndcg@10": scores, "map": scores})
    two = stored.read(tmp_path)[0]
    both = [one.comparison.corrected for one in compare(two[0], two[1], ["ndcg@10", "map"], correction="maxt")]
    [alone] = compare(two[0], two[1], ["ndcg@10"], correction="maxt")
    assert both[0] == both[1] == alone.comparison.corrected


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two systems on the toy collection; of the first three documents of q2 and q3 most are not judged."""
    monkeypatch.chdir(tmp_path)
    toy.write(tmp_path / "toy")
    for tag, docs in (("one", "d2 d3 d1"), ("two", "d4 d3 d5")):
        lines = [f"q{q} Q0 {doc} {at} {9 - at} {tag}" for q in (1, 2, 3) for at, doc in enumerate(docs.split(), 1)]
        (tmp_path / "run").write_text("\n".join(lines) + "\n")
        assert main(["score", "run", "--dataset", "toy", "--tag", tag]) == 0
    return tmp_path


def test_holes_are_marked_with_what_they_could_change(place: Path) -> None:
    found = stored.read(Path("results"))[0]
    board = with_holes(build(found, "precision@3"), found)
    hole = board.holes["one", "toy"]
    # Judged: q1 d2 d1 of three, q2 d3, q3 none; relevant: two, one, none. If all unjudged were, all nine would be.
    assert (hole.judged, hole.mean, hole.if_relevant) == (pytest.approx(3 / 9), pytest.approx(3 / 9), 1.0)
    text = render([board], "md")
    assert "toy¶ |" in text and text.count("¶") == 2
    assert "¶ less than 90 % of the first ten documents are judged" in text
    one = replace(board, holes={("one", "toy"): hole})
    assert "toy |" in render([one], "md") and "0.3333**¶" in render([one], "md")
    [body] = json.loads(render([board], "json"))
    assert body["cells"][0]["mean_if_unjudged_relevant"] == 1.0
    assert not with_holes(build(found, "judged@10"), found).holes


def test_pool_says_what_to_judge_next(place: Path, capsys: pytest.CaptureFixture) -> None:
    capsys.readouterr()
    assert main(["pool", "--dataset", "toy", "--depth", "3"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["query_id", "doc_id", "weight", "systems"]
    assert [line[:2] for line in lines[1:3]] == [["q2", "d4"], ["q2", "d2"]] or lines[1][0] in ("q1", "q2", "q3")
    assert {(line[0], line[1]) for line in lines[1:]} == {
        ("q1", "d3"), ("q1", "d5"), ("q2", "d1"), ("q2", "d2"), ("q2", "d4"), ("q2", "d5"),
        ("q3", "d1"), ("q3", "d2"), ("q3", "d3"), ("q3", "d4"),
    }  # fmt: skip
    assert [line[3] for line in lines[1:] if line[:2] == ["q3", "d3"]] == ["2"]
    weights = [float(line[2]) for line in lines[1:]]
    assert weights == sorted(weights, reverse=True)
    assert main(["pool", "--dataset", "toy", "--depth", "3", "--most", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_pool_needs_runs_and_judgments(place: Path, capsys: pytest.CaptureFixture) -> None:
    for run in place.glob("results/runs/*/*/run.trec.gz"):
        run.unlink()
    assert main(["pool", "--dataset", "toy"]) == 2
    assert "run.trec.gz is not here" in capsys.readouterr().err
    shutil.rmtree("toy")
    assert main(["pool", "--dataset", "toy"]) == 2


def test_a_measure_that_is_0_for_all_is_said(found: list[stored.Result], tmp_path: Path) -> None:
    assert not any("Every system has 0" in note for note in build(found, "ndcg@10").notes)
    for tag in "ab":
        add(tmp_path / "none", tag, "own", [0.0] * 5)
    board = build(stored.read(tmp_path / "none")[0], "ndcg@10")
    assert [note for note in board.notes if "own: Every system has 0 by nDCG@10" in note]

"""The page's groups say what a leaderboard of that group says."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import results as stored
from harness.leaderboard import build
from harness.leaderboard.costs import AXES, Point, front, geometric_mean, points
from harness.leaderboard.summary import EVERY
from harness.results import Result
from harness.results.provenance import command
from harness.statistics.cliques import cliques
from made_results import systems

DATASETS = {
    "scifact": 40,
    "nfcorpus": 30,
    "cqadupstack-android": 20,
    "cqadupstack-gis": 20,
    "msmarco-dev": 50,
    "own": 9,
}
SHIFTS = {"a": 0.0, "b": 0.02, "c": 0.2, "d": 0.05}


@pytest.fixture
def found(tmp_path: Path) -> list[Result]:
    return stored.read(systems(tmp_path, DATASETS, SHIFTS))[0]


def test_groups_that_are_there(found: list[Result]) -> None:
    names = {group.name: [column.name for column in group.columns] for group in build(found, "ndcg@10").groups()}
    beir = ["nfcorpus", "cqadupstack-android", "cqadupstack-gis", "scifact"]
    assert names == {
        EVERY: ["nfcorpus", "cqadupstack-android", "cqadupstack-gis", "scifact", "msmarco-dev", "own"],
        "beir": beir,
        "all": [*beir, "msmarco-dev"],
        "cqadupstack": ["cqadupstack-android", "cqadupstack-gis"],
    }


@pytest.mark.parametrize("name", [EVERY, "beir", "all", "cqadupstack"])
def test_a_group_is_the_leaderboard_of_its_datasets(found: list[Result], name: str) -> None:
    group = next(group for group in build(found, "ndcg@10").groups() if group.name == name)
    alone = build(stored.select(found, [] if name == EVERY else [name]), "ndcg@10")
    assert group.averages == alone.averages
    assert group.ranks == alone.ranks
    assert group.over == alone.over


@pytest.mark.parametrize(
    ("given_points", "on_the_front"),
    [
        ({"a": (0.5, 1), "b": (0.6, 2), "c": (0.55, 3)}, {"a", "b"}),
        ({"a": (0.5, 1), "b": (0.5, 1)}, {"a", "b"}),
        ({"a": (0.5, 1), "b": (0.5, 2)}, {"a"}),
        ({"a": (0.4, 1), "b": (0.5, 1)}, {"b"}),
        ({}, set()),
    ],
)
def test_pareto_front(given_points: dict[str, tuple[float, float]], on_the_front: set[str]) -> None:
    marked = front(Point(tag, *values) for tag, values in given_points.items())
    assert {point.tag for point in marked if point.front} == on_the_front


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=12))
def test_the_front_is_what_nothing_beats(pairs: list[tuple[int, int]]) -> None:
    marked = front(Point(str(at), *pair) for at, pair in enumerate(pairs))
    for one in marked:
        beaten = any(
            (o.quality >= one.quality and o.cost < one.cost) or (o.quality > one.quality and o.cost <= one.cost)
            for o in marked
        )
        assert one.front == (not beaten)


def test_costs_of_several_datasets(found: list[Result]) -> None:
    for result in found:
        size = 4 if result.dataset == "scifact" else 9
        result.manifest["costs"] = {
            "index": {"index_bytes": size, "wall_s": size / 2},
            "search": {"latency": {"p50_ms": float(size)}},
        }
    found[0].manifest["costs"] = {}
    quality = dict.fromkeys(SHIFTS, 0.5)
    by_axis = [{p.tag: p.cost for p in points(found, quality, ["scifact", "nfcorpus"], axis)} for axis in AXES]
    there = ("b", "c", "d") if found[0].dataset in ("scifact", "nfcorpus") else ("a", "b", "c", "d")
    assert by_axis == [
        dict.fromkeys(there, pytest.approx(6.0)), dict.fromkeys(there, 13.0), dict.fromkeys(there, 13.0),
        dict.fromkeys(there, 6.5),
    ]  # fmt: skip
    assert geometric_mean([1.0, 100.0]) == pytest.approx(10.0)


@settings(max_examples=200)
@given(st.lists(st.floats(1, 30), min_size=1, max_size=15).map(sorted), st.floats(0.01, 10))
def test_cliques_join_exactly_the_pairs_that_are_closer(ranks: list[float], apart: float) -> None:
    bars = cliques(ranks, apart)
    for i in range(len(ranks)):
        for j in range(i + 1, len(ranks)):
            assert any(low <= i and j <= high for low, high in bars) == (ranks[j] - ranks[i] < apart)
    assert all(not (a[0] <= b[0] and b[1] <= a[1]) for a in bars for b in bars if a != b)


@pytest.mark.parametrize(
    ("manifest", "line"),
    [
        (
            {"tag": "bm25", "dataset": "scifact", "k": 1000, "retriever": {"name": "bm25", "arguments": {}}},
            "beir-harness run bm25 --dataset scifact --tag bm25",
        ),
        (
            {
                "tag": "t", "dataset": "nq", "k": 100,
                "retriever": {"name": "bm25", "arguments": {"k1": 0.82, "fields": "a b", "x": None, "on": True}},
            },
            "beir-harness run bm25 --set k1=0.82 --set 'fields=a b' --set x=null --set on=true"
            " --dataset nq --tag t --k 100",
        ),
        (
            {
                "tag": "m", "dataset": "nq", "k": 1000,
                "retriever": {"name": "mine", "class": "mine.py:Mine", "source_sha256": "0", "arguments": {}},
            },
            "beir-harness run ./mine.py:Mine --dataset nq --tag m",
        ),
        (
            {
                "tag": "x", "dataset": "nq", "k": 1000,
                "retriever": {"name": "run file", "class": None, "arguments": {"file": "their run.txt"}},
            },
            "beir-harness score 'their run.txt' --dataset nq --tag x",
        ),
        (
            {"tag": "b", "dataset": "scifact", "split": "train", "k": 1000, "retriever": {"name": "bm25"}},
            "beir-harness run bm25 --dataset scifact@train --tag b",
        ),
        (
            {"tag": "b", "dataset": "msmarco-dev", "split": "dev", "k": 1000, "retriever": {"name": "bm25"}},
            "beir-harness run bm25 --dataset msmarco-dev --tag b",
        ),
    ],
)  # fmt: skip
def test_the_command_that_makes_a_result_again(manifest: dict, line: str) -> None:
    assert command(Result(Path(), manifest["tag"], manifest["dataset"], manifest)) == line

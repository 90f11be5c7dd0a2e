"""Every fusion method and normalisation: by hand on two rankings, and against ranx on random ones."""

import json
import math
import os
import random
import statistics
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Qrel, Query, ScoredDoc
from harness.runs import Run, order
from retrievers.fusing.fusion_methods import METHODS, NEVER
from retrievers.fusing.fusion_norms import NORMS, pool
from retrievers.fusing.fusion_params import prepare
from retrievers.fusing.fusion_training import TRAINED, candidates, weight_grid

A = (["d1", "d2", "d3"], np.array([3.0, 2.0, 1.0]))  # min-max: 1, 1/2, 0
B = (["d2", "d4", "d1"], np.array([9.0, 5.0, 1.0]))  # min-max: 1, 1/2, 0
W = {"weights": [0.3, 0.7]}
LN2 = math.log(2)
BY_HAND = {  # method: params, fused scores of d1, d2, d3, d4 after min-max
    "min": ({}, [0, 0.5, 0, 0.5]),
    "max": ({}, [1, 1, 0, 0.5]),
    "med": ({}, [0.5, 0.75, 0, 0.5]),
    "sum": ({}, [1, 1.5, 0, 0.5]),
    "anz": ({}, [0.5, 0.75, 0, 0.5]),
    "mnz": ({}, [2, 3, 0, 0.5]),
    "gmnz": ({"gamma": 2.0}, [4, 6, 0, 0.5]),
    "wsum": (W, [0.3, 0.85, 0, 0.35]),
    "wmnz": (W, [1, 1.5, 0, 0.35]),
    "mixed": (W, [0.3 * 2**0.5, 0.85 * 2**0.5, 0, 0.35]),
    "isr": ({}, [2 * (1 + 1 / 9), 2 * (1 / 4 + 1), 1 / 9, 1 / 4]),
    "log_isr": ({}, [LN2 * (1 + 1 / 9), LN2 * (1 / 4 + 1), 0, 0]),
    "logn_isr": ({"sigma": 1}, [math.log(3) * (1 + 1 / 9), math.log(3) * (1 / 4 + 1), LN2 / 9, LN2 / 4]),
    "rrf": ({}, [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63, 1 / 62]),
    "rbc": ({"phi": 0.5}, [0.5 + 0.125, 0.25 + 0.5, 0.125, 0.25]),
    "bordafuse": ({}, [4 + 2, 3 + 4, 2 + 1, 1 + 3]),
    "w_bordafuse": ({"weights": [1, 2]}, [4 + 4, 3 + 8, 2 + 2, 1 + 6]),
    "condorcet": ({}, [3, 4, 1, 2]),  # all pairs but d1 d3 and d2 d3 are tied and decided by Borda
    "w_condorcet": ({"weights": [0.7, 0.3]}, [4, 3, 2, 1]),  # the first system decides
    "mapfuse": ({"map_scores": [0.5, 0.25]}, [0.5 + 0.25 / 3, 0.25 + 0.25, 0.5 / 3, 0.125]),
    "posfuse": ({"probs": [[0.6, 0.2], [0.4, 0.1, 0.1]]}, [0.6 + 0.1, 0.2 + 0.4, 0, 0.1]),
    "slidefuse": ({"probs": [[0.6, 0.3, 0], [0.3, 0.3, 0.3]], "w": 1}, [0.45 + 0.3, 0.3 + 0.3, 0.15, 0.3]),
    "probfuse": ({"probs": [[0.6, 0.3], [0.4]]}, [0.6 + 0.4, 0.6 + 0.4, 0.3 / 2, 0.4]),
    "segfuse": ({"probs": [[0.5], [0.25]]}, [0.5 * 2 + 0.25, 0.5 * 1.5 + 0.25 * 2, 0.5, 0.25 * 1.5]),
    "bayesfuse": ({"log_odds": [[1, 0, -1], [2, 1]]}, [1 + NEVER, 0 + 2, -1 + NEVER, NEVER + 1]),
}


@pytest.mark.parametrize("method", METHODS)
def test_by_hand(method):
    params, expected = BY_HAND[method]
    doc_ids, found = pool([A, B], "min-max")
    fused = dict(zip(doc_ids, prepare(method, params, 2)(found).tolist(), strict=True))
    assert [fused[doc_id] for doc_id in ("d1", "d2", "d3", "d4")] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ("none", [4, 3, 1, np.nan]),
        ("min-max", [1, 2 / 3, 0, np.nan]),
        ("min-max-inverted", [0, 1 / 3, 1, np.nan]),
        ("max", [1, 3 / 4, 1 / 4, np.nan]),
        ("sum", [3 / 5, 2 / 5, 0, np.nan]),
        ("zmuv", [(s - 8 / 3) / statistics.pstdev([4, 3, 1]) for s in (4, 3, 1)] + [np.nan]),
        ("rank", [1, 2 / 3, 1 / 3, np.nan]),
        ("borda", [1, 3 / 4, 2 / 4, 1 / 2 - 2 / 8]),
    ],
)
def test_norms_by_hand(norm, expected):
    doc_ids, found = pool([(["a", "b", "c"], np.array([4.0, 3.0, 1.0])), (["d"], np.array([7.0]))], norm)
    row = dict(zip(doc_ids, found.scores[0].tolist(), strict=True))
    assert [row[doc_id] for doc_id in "abcd"] == pytest.approx(expected, nan_ok=True)


def test_an_inverted_norm_turns_the_ranks_round():
    _, found = pool([(["b", "c", "a"], np.array([2.0, 1.0, 1.0]))], "min-max-inverted")
    assert found.ranks.tolist() == [[0, 2, 1]]  # of c, b, a: the tie of c and a stays in the total order


def test_equal_scores_of_one_list_survive_every_norm():
    for norm in NORMS:
        _, found = pool([(["b", "a"], np.array([2.0, 2.0])), ([], np.empty(0))], norm)
        assert np.isfinite(found.scores[0]).all(), norm


def test_a_circle_of_majorities_is_broken_the_same_way_always():
    # a beats b, b beats c, c beats a: each document still beats the next
    circle = [(list(ids), np.array([3.0, 2.0, 1.0])) for ids in ("abc", "bca", "cab")]
    for rankings in (circle, circle[::-1]):
        doc_ids, found = pool(rankings, "none")
        assert dict(zip(doc_ids, METHODS["condorcet"](found).tolist(), strict=True)) == {"a": 3, "b": 2, "c": 1}


def test_weights_vote_exactly():
    rankings = [(list(ids), np.array([2.0, 1.0])) for ids in ("ab", "ab", "ba")]
    _, found = pool(rankings, "none")
    fused = prepare("w_condorcet", {"weights": [0.1, 0.2, 0.3]}, 3)(found)  # 0.1 + 0.2 > 0.3 in floating point
    assert fused.tolist() == [2, 1]  # a tie: b, a is the order of the pool


unweighted = [name for name, (params, _) in BY_HAND.items() if not any(isinstance(v, list) for v in params.values())]
ranking = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.5]), max_size=8).map(
    lambda scores: sorted(scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
)


@given(st.lists(ranking, min_size=1, max_size=5), st.sampled_from(unweighted), st.sampled_from(list(NORMS)), st.data())
def test_the_order_of_systems_changes_no_bit(rankings, method, norm, data):
    shuffled = data.draw(st.permutations(rankings))
    params = BY_HAND[method][0]
    outcomes = []
    for lists in (rankings, shuffled):
        doc_ids, found = pool([([d for d, _ in row], np.array([s for _, s in row])) for row in lists], norm)
        outcomes.append((doc_ids, prepare(method, params, len(lists))(found).tolist() if doc_ids else []))
    assert outcomes[0] == outcomes[1]
    assert all(map(math.isfinite, outcomes[0][1]))


# Against ranx, run without its compiler in a process of its own. Left out is what it leaves to a set's order:
# Condorcet, unless majorities are clear, and whatever looks at ranks after the Borda normalisation.
RANX = """
import json, sys
from ranx import Qrels, Run, fuse
from ranx.fusion import bayesfuse_train, mapfuse_train, posfuse_train, probfuse_train, segfuse_train
given = json.load(sys.stdin)
fused = []
for runs, norm, method, params in given["fuse"]:
    run = fuse([Run(run) for run in runs], None if norm == "none" else norm, method, params)
    fused.append({q: {d: float(s) for d, s in docs.items()} for q, docs in run.run.items()})
qrels, runs = Qrels(given["qrels"]), [Run(run) for run in given["runs"]]
trained = {
    "mapfuse": mapfuse_train(qrels, runs), "posfuse": posfuse_train(qrels, runs),
    "probfuse": probfuse_train(qrels, runs, 5), "segfuse": segfuse_train(qrels, runs),
    "bayesfuse": bayesfuse_train(qrels, runs),
}
def plain(row):
    return row.tolist() if hasattr(row, "tolist") else float(row)
json.dump({"fused": fused, "trained": {name: [*map(plain, found)] for name, found in trained.items()}}, sys.stdout)
"""
RANKED = {"isr", "log_isr", "logn_isr", "rrf", "rbc", "bordafuse", "w_bordafuse", "mapfuse", "posfuse", "slidefuse"}
RANKED |= {"probfuse", "segfuse", "bayesfuse"}
CLEAR = [{"q": dict(zip(ids, (5.0, 4.0, 3.0, 2.0, 1.0), strict=True))} for ids in ("abcde", "abced", "bacde")]
Dicts = dict[str, dict[str, float]]


def _random_runs(systems: int) -> list[Dicts]:
    dice = random.Random(systems)
    return [
        {f"q{q}": {d: dice.random() * 9 - 2 for d in dice.sample(POOL, dice.randint(3, 30))} for q in range(4)}
        for _ in range(systems)
    ]


POOL = [f"d{number}" for number in range(40)]
RUNS = {systems: _random_runs(systems) for systems in (2, 3)}
GRADES = {f"q{q}": {d: random.Random(q).randint(0, 2) for d in POOL[q::3]} for q in range(4)}


def _params(method: str, systems: int) -> dict:
    dice = random.Random(method)
    rows = [[dice.random() for _ in range(30)] for _ in range(systems)]
    given = {name: value for name, value in BY_HAND[method][0].items() if not isinstance(value, list)}
    if "weights" in BY_HAND[method][0] or method == "mapfuse":
        return {"map_scores" if method == "mapfuse" else "weights": [row[0] for row in rows]}
    name = {"bayesfuse": "log_odds"}.get(method, "probs")
    if method == "segfuse":
        rows = [row[:10] for row in rows]
    return {**given, name: [row[:7] for row in rows] if method == "probfuse" else rows} if method in TRAINED else given


CASES = [
    (systems, norm, method, _params(method, systems))
    for systems in RUNS
    for norm in NORMS
    for method in METHODS
    if "condorcet" not in method and not (norm == "borda" and method in RANKED)
]


@pytest.fixture(scope="module")
def ranx(tmp_path_factory) -> dict:
    fused = [(RUNS[systems], norm, method, params) for systems, norm, method, params in CASES]
    fused.append((CLEAR, "none", "condorcet", {}))
    given = {"fuse": fused, "qrels": GRADES, "runs": RUNS[3]}
    home = str(tmp_path_factory.mktemp("home"))
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "IR_DATASETS_HOME": home, "MPLCONFIGDIR": home}
    command = [sys.executable, "-W", "ignore", "-c", RANX]
    ran = subprocess.run(command, input=json.dumps(given), env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _run(run: Dicts) -> Run:
    hits = [ScoredDoc(query_id, *pair) for query_id, docs in run.items() for pair in docs.items()]
    return order(hits, [Query(query_id, "") for query_id in run], 1000)


@pytest.mark.slow
def test_as_ranx_does(ranx):
    for (systems, norm, method, params), expected in zip(CASES, ranx["fused"], strict=False):
        for query_id, theirs in expected.items():
            rankings = []
            for run in RUNS[systems]:
                best = sorted(run[query_id].items(), key=lambda pair: -pair[1])
                rankings.append(([doc_id for doc_id, _ in best], np.array([score for _, score in best])))
            doc_ids, found = pool(rankings, norm)
            ours = dict(zip(doc_ids, prepare(method, params, systems)(found).tolist(), strict=True))
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12), (systems, norm, method, query_id)


@pytest.mark.slow
def test_clear_majorities_as_ranx_does(ranx):
    doc_ids, found = pool([(list(run["q"]), np.array(list(run["q"].values()))) for run in CLEAR], "none")
    assert dict(zip(doc_ids, METHODS["condorcet"](found).tolist(), strict=True)) == ranx["fused"][-1]["q"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mapfuse", "posfuse", "probfuse", "segfuse", "bayesfuse"])
def test_learns_what_ranx_learns(ranx, method):
    qrels = [Qrel(query_id, *pair) for query_id, docs in GRADES.items() for pair in docs.items()]
    learned = list(candidates(method, [_run(run) for run in RUNS[3]], qrels, 1))
    ours = next(value for params in learned for value in params.values() if method != "probfuse" or len(value[0]) == 5)
    for mine, theirs in zip(ours, ranx["trained"][method], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("systems", "count", "step"), [(1, 1, 1.0), (2, 11, 0.1), (3, 66, 0.1), (4, 286, 0.1), (6, 252, 0.2)]
)
def test_weight_grid(systems, count, step):
    grid = weight_grid(systems)
    assert len(grid) == len({tuple(row) for row in grid}) == count
    assert all(math.isclose(sum(row), 1) for row in grid)
    assert all(math.isclose(weight / step, round(weight / step)) for row in grid for weight in row)
    assert max(grid[0]) - min(grid[0]) <= step + 1e-9  # as equal as the step allows

"""One test for each trap in evaluation: what other tools do with it, and what happens here. Fails without the rule."""

import csv
import gzip
import subprocess
import sys

import numpy as np
import pytest
import pytrec_eval

from harness import runs
from harness.datasets.dataset_table import rows
from harness.errors import BadInput, HarnessError
from harness.measures import crosscheck, evaluation, parse_measure, values
from harness.measures.evaluation import score
from harness.measures.matching import match
from harness.records import Qrel, Query, ScoredDoc
from harness.statistics.significance import p_values


def run_of(ranked, k=1000, exclude_self=False):
    """A run from query_id -> doc_id -> score."""
    yielded = [ScoredDoc(query, doc, value) for query, docs in ranked.items() for doc, value in docs.items()]
    return runs.order(yielded, [Query(query, "") for query in ranked], k, exclude_self)


def qrels_of(judged):
    return [Qrel(query, doc, grade) for query, grades in judged.items() for doc, grade in grades.items()]


def mean_of(ranked, judged, measure, level=1):
    return score(run_of(ranked), qrels_of(judged), [measure], level).means()[measure]


def test_rule_1_ties_are_broken_as_by_trec_eval_and_the_band_is_reported():
    ranked, judged = {"q1": {f"d{n:02}": 1.0 for n in range(20)}}, {"q1": {"d19": 1}}
    found = score(run_of(ranked), qrels_of(judged), ["mrr@10", "recall@20", "mrr"])
    trec_eval = pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(ranked)["q1"]["recip_rank"]
    assert found.means()["mrr@10"] == trec_eval == 1.0
    assert found.tie_band == {"mrr@10": (0.0, 1.0), "mrr": (1 / 20, 1.0)}
    assert found.tie_rate == 1.0


def test_rule_1_ranx_sees_strictly_decreasing_scores():
    run = run_of({"q1": {f"d{n:02}": 1.0 for n in range(20)}})
    matches = match(run, {"q1": {"d07": 1}})
    array = matches.ranking(matches.ranks, 20)
    assert (np.diff(array[0, :, 1]) < 0).all()
    assert array[0, :, 0].tolist() == [0 if n == 12 else -1 for n in range(20)]


def test_rule_1_a_tie_that_moves_no_measure_is_not_reported():
    ranked = {"q1": {"a": 2.0, "b": 2.0, "c": 1.0, "d": 1.0}}
    assert score(run_of(ranked), [Qrel("q1", "a", 1), Qrel("q1", "b", 1)]).tie_band == {}
    assert score(run_of(ranked), [Qrel("q1", "a", 2), Qrel("q1", "b", 1)], ["mrr@10", "ndcg@10"]).tie_band.keys() == {
        "ndcg@10"
    }


def test_rule_2_a_run_file_keeps_what_float32_can_tell_apart(tmp_path):
    near = [np.float32(0.2)]
    for _ in range(200):
        near.append(np.nextafter(near[-1], np.float32(0)))
    assert len({f"{value:.6f}" for value in near}) < 201
    run = run_of({"q1": {f"d{n}": value for n, value in enumerate(near)}})
    runs.write(run, tmp_path / "run.trec.gz", "mine")
    assert len(set(runs.read(tmp_path / "run.trec.gz")["q1"][1].tolist())) == 201


def test_rule_2_half_precision_is_noticed():
    scores = -np.sort(-np.random.default_rng(0).normal(size=200_000))[:1000].astype(np.float32)
    judged = [Qrel("q1", "d0", 1)]
    half = score(run_of({"q1": {f"d{n}": v for n, v in enumerate(scores.astype(np.float16))}}), judged)
    full = score(run_of({"q1": {f"d{n}": v for n, v in enumerate(scores)}}), judged)
    assert full.tie_rate < 0.01 < 0.2 < half.tie_rate
    assert any("of the scores are tied" in note for note in half.notes)
    assert full.notes == ()


def test_rule_3_scores_are_compared_as_float32():
    ranked, judged = {"q1": {"a": 0.71234567, "b": 0.71234566}}, {"q1": {"a": 1}}
    trec_eval = pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(ranked)["q1"]["recip_rank"]
    assert mean_of(ranked, judged, "mrr@10") == trec_eval == 0.5


def test_rule_4_queries_are_joined_by_id_whatever_their_order():
    ranked = {"q2": {"a": 2.0, "b": 1.0}, "q1": {"a": 2.0, "b": 1.0}, "q0": {"c": 1.0}}
    judged = {"q1": {"a": 1}, "q2": {"b": 1}, "q0": {"c": 1}}
    assert score(run_of(ranked), qrels_of(judged)).per_query("mrr@10") == {"q1": 1.0, "q2": 0.5, "q0": 1.0}


def test_rule_4_the_cross_check_fails_loudly():
    run, judged, measures = run_of({"q1": {"a": 2.0, "b": 1.0}}), {"q1": {"b": 1}}, [parse_measure("mrr@10")]
    assert crosscheck.check(run, judged, measures, np.array([[0.5]]), 1) == 1
    for wrong in (0.50001, 1.0, 0.0, np.nan):
        with pytest.raises(HarnessError, match=r"mrr@10 of query 'q1' is .* by ranx and 0\.5 by pytrec_eval"):
            crosscheck.check(run, judged, measures, np.array([[wrong]]), 1)


@pytest.mark.parametrize("measure", evaluation.DEFAULT_MEASURES)
def test_rule_4_every_scored_run_is_cross_checked(monkeypatch, measure):
    right = values.compute
    monkeypatch.setattr(values, "compute", lambda *arguments: right(*arguments) + 1e-5)
    with pytest.raises(HarnessError, match="by pytrec_eval"):
        score(run_of({"q1": {"a": 2.0, "b": 1.0}}), [Qrel("q1", "b", 1)], [measure])


def test_rule_4_a_large_run_is_checked_on_a_sample_that_is_stated(monkeypatch):
    ranked = {f"q{n}": {f"d{d}": 1.0 / (d + 1) for d in range(10)} for n in range(50)}
    judged = {query: {"d3": 1} for query in ranked}
    values = np.full((50, 1), 1 / 4)
    assert crosscheck.check(run_of(ranked), judged, [parse_measure("mrr")], values, 1, sample=100) == 10
    monkeypatch.setattr(crosscheck.check, "__defaults__", (100,))
    assert score(run_of(ranked), qrels_of(judged)).notes == ("cross-checked on 10 of 50 queries",)


def test_rule_5_a_query_without_results_scores_zero():
    ranked, judged = {"q1": {"a": 1.0}}, {"q1": {"a": 1}, "q2": {"a": 1}, "q3": {"b": 1}, "q4": {"b": 1}}
    found = score(run_of(ranked), qrels_of(judged))
    assert set(found.means().values()) == {0.25, 0.025}  # of precision@10, whose most is 0.1 here
    assert (found.answered, found.judged) == (1, 4)


def test_rule_6_a_query_without_positives_is_in_no_mean_and_is_named():
    ranked = {"q1": {"a": 1.0}, "q2": {"b": 1.0}}
    found = score(run_of(ranked), [Qrel("q1", "a", 1), Qrel("q2", "b", 0), Qrel("q3", "b", -1)])
    assert set(found.means()) == set(evaluation.DEFAULT_MEASURES)
    assert found.means()["recall_cap@100"] == found.means()["judged@10"] == 1.0
    assert found.query_ids == ("q1",)
    assert found.notes == ("2 queries have no document of relevance >= 1: in no mean (q2, q3)",)


def test_rules_7_and_8_own_documents_are_dropped_before_the_cut_and_counted():
    yielded = [ScoredDoc("d9", f"d{n}", float(n)) for n in range(10)]  # asked for k + 1 = 10
    kept = runs.order(yielded, [Query("d9", "")], 9, exclude_self=True)
    assert (kept.deepest, kept.dropped_self) == (9, 1)
    assert score(kept, [Qrel("d9", "d8", 1)]).means()["mrr@10"] == 1.0
    assert score(runs.order(yielded, [Query("d9", "")], 9), [Qrel("d9", "d8", 1)]).means()["mrr@10"] == 0.5
    assert [name for name, row in rows().items() if row.exclude_self] == ["arguana", "quora"]


def test_rule_9_mrr_is_that_of_ms_marco():
    rng = np.random.default_rng(9)
    judged = {f"q{n}": {f"d{d}": 1 for d in rng.choice(60, rng.integers(1, 4), replace=False)} for n in range(200)}
    ranked = {query: {f"d{d}": -place for place, d in enumerate(rng.permutation(60)[:30])} for query in judged}
    for unanswered in ("q3", "q77"):
        del ranked[unanswered]
    official = 0.0
    for query, documents in ranked.items():  # the official script: the first hit among ten, over all reference queries
        for place, doc_id in enumerate(list(documents)[:10]):
            if doc_id in judged[query]:
                official += 1 / (place + 1)
                break
    assert mean_of(ranked, judged, "mrr@10") == pytest.approx(official / len(judged), abs=1e-15)


def test_rule_10_no_dataset_is_called_msmarco():
    counts = {"msmarco-dev": 6980, "trec-dl-2019": 43, "trec-dl-2020": 54}
    assert {name: rows()[name].queries for name in counts} == counts
    assert "msmarco" not in rows()


def test_rule_11_gain_is_linear_and_graded():
    ranked, judged = {"q1": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q1": {"a": 1, "b": 3, "c": 2}}
    discounts = [1, 1 / np.log2(3), 1 / 2]
    linear = np.dot([1, 3, 2], discounts) / np.dot([3, 2, 1], discounts)
    exponential = np.dot([1, 7, 3], discounts) / np.dot([7, 3, 1], discounts)
    assert mean_of(ranked, judged, "ndcg@10") == pytest.approx(linear)
    assert abs(linear - exponential) > 0.05


def test_rule_12_binary_measures_use_the_relevance_level_and_ndcg_the_grades():
    ranked, judged = {"q1": {"a": 2.0, "b": 1.0}}, {"q1": {"a": 1, "b": 2}}
    assert [mean_of(ranked, judged, "map", level) for level in (1, 2)] == [1.0, 0.5]
    assert [mean_of(ranked, judged, "recall@1", level) for level in (1, 2)] == [0.5, 0.0]
    assert mean_of(ranked, judged, "ndcg@10", 1) == mean_of(ranked, judged, "ndcg@10", 2) < 1.0
    assert {name for name, row in rows().items() if row.relevance_level == 2} == {"trec-dl-2019", "trec-dl-2020"}


def test_rule_13_recall_and_capped_recall_on_more_relevant_documents_than_places(shared):
    path = shared / "collections/queries-and-qrels-only/beir-trec-covid/qrels/test.tsv.gz"
    with gzip.open(path, "rt") as file:
        qrels = [Qrel(query, doc, int(grade)) for query, doc, grade in list(csv.reader(file, delimiter="\t"))[1:]]
    best = run_of({q: {d: g for query, d, g in qrels if query == q} for q in {qrel.query_id for qrel in qrels}}, k=100)
    means = score(best, qrels).means()
    assert means["ndcg@10"] == means["recall_cap@100"] == 1.0
    assert 0.2 < means["recall@100"] < 0.4


def test_rule_14_touche_is_the_version_of_beir_1():
    assert rows()["webis-touche2020"].qrels == 2214
    assert "v2" in rows()["webis-touche2020"].version


@pytest.mark.parametrize("test", ["t", "permutation"])
def test_rule_19_identical_runs_have_p_one(test):
    system = np.random.default_rng(0).random((30, 1))
    p, error = p_values(np.hstack([system, system]), [0], [1], test, 0)
    assert (p.tolist(), error.tolist()) == ([1.0], [0.0])


def test_rule_20_a_duplicate_names_file_line_query_and_document(tmp_path):
    path = tmp_path / "twice.trec"
    path.write_text("q1 Q0 a 1 2 t\nq1 Q0 b 2 1 t\nq1 Q0 a 3 0.5 t\n")
    with pytest.raises(BadInput, match=r"twice\.trec:3: document 'a' of query 'q1'"):
        runs.read(path)


def test_rule_21_scores_are_known_by_query_id():
    run, judged = run_of({"q1": {"a": 1.0}, "q2": {"b": 1.0, "c": 2.0}}), {"q1": {"a": 1}, "q2": {"b": 1}}
    one, two = score(run, qrels_of(judged)), score(run, qrels_of(dict(reversed(judged.items()))))
    assert one.query_ids != two.query_ids
    assert one.per_query("map") == two.per_query("map") == {"q1": 1.0, "q2": 0.5}
    assert one.means() == two.means()


@pytest.mark.parametrize("queries", [0, 1, 2])
@pytest.mark.parametrize("docs", [0, 1, 3])
def test_rule_23_no_query_one_query_few_documents(queries, docs):
    ranked = {f"q{n}": {f"d{d}": float(-d) for d in range(docs)} for n in range(queries)}
    found = score(run_of(ranked, k=1000), [Qrel(f"q{n}", "d0", 1) for n in range(3)])
    assert found.means()["mrr@10"] == (queries / 3 if docs else 0.0)
    assert found.answered == (queries if docs else 0)


RULE_24 = """
import os, sys
from pathlib import Path
import harness.measures.evaluation, harness.runs
heavy = {"ranx", "numba", "pandas", "pytrec_eval", "torch", "scipy", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
import numba
before = numba.config.THREADING_LAYER, numba.get_num_threads(), numba.config.CACHE_DIR, dict(os.environ)
from harness.records import Qrel, Query, ScoredDoc
run = harness.runs.order([ScoredDoc("q1", "a", 1.0)], [Query("q1", "")], 10)
assert harness.measures.evaluation.score(run, [Qrel("q1", "a", 1)], ["map"]).means() == {"map": 1.0}
assert "ranx" in sys.modules and "torch" not in sys.modules
assert (numba.config.THREADING_LAYER, numba.get_num_threads(), numba.config.CACHE_DIR, dict(os.environ)) == before
assert list(Path(os.environ["HOME"]).iterdir()) == [], list(Path(os.environ["HOME"]).iterdir())
assert list(Path(os.environ["BEIR_HARNESS_CACHE"], "numba").rglob("*.nbc"))
"""


@pytest.mark.slow
def test_rule_24_ranx_comes_late_leaves_numba_as_it_was_and_caches_in_our_folder(tmp_path):
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    environment = {"HOME": str(home), "BEIR_HARNESS_CACHE": str(cache), "NUMBA_NUM_THREADS": "2", "PATH": "/usr/bin"}
    subprocess.run([sys.executable, "-c", RULE_24], env=environment, check=True)

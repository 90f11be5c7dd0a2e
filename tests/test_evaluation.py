"""Scores against values worked out by hand and by brute force; the tie band; the table of scores."""

import gzip
from itertools import permutations, product
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import runs
from harness.errors import BadInput, HarnessError
from harness.measures import parse_measure
from harness.measures.evaluation import DEFAULT_MEASURES, Scores, mean, read_scores, score, write_scores
from harness.records import Qrel, Query, ScoredDoc


def run_of(ranked, k=1000):
    """A run from query_id -> doc_id -> score."""
    yielded = [ScoredDoc(query, doc, value) for query, docs in ranked.items() for doc, value in docs.items()]
    return runs.order(yielded, [Query(query, "") for query in ranked], k)


def qrels_of(judged):
    return [Qrel(query, doc, grade) for query, grades in judged.items() for doc, grade in grades.items()]


RANKED = {"q1": {"x": 9.0, "a": 8.0, "c": 7.0, "b": 6.0}, "q2": {"d": 1.0}}
JUDGED = {"q1": {"a": 2, "b": 1, "c": 0, "e": -1}, "q2": {"d": 1, "f": 3}, "q3": {"a": 1}}


@pytest.mark.parametrize(
    ("measure", "level", "q1", "q2"),
    [
        ("ndcg@10", 1, (2 / log2(3) + 1 / log2(5)) / (2 + 1 / log2(3)), 1 / (3 + 1 / log2(3))),
        ("ndcg@3", 1, (2 / log2(3)) / (2 + 1 / log2(3)), 1 / (3 + 1 / log2(3))),
        ("ndcg@1", 1, 0.0, 1 / 3),
        ("ndcg", 1, (2 / log2(3) + 1 / log2(5)) / (2 + 1 / log2(3)), 1 / (3 + 1 / log2(3))),
        ("mrr@10", 1, 1 / 2, 1.0),
        ("mrr@1", 1, 0.0, 1.0),
        ("mrr", 1, 1 / 2, 1.0),
        ("map", 1, (1 / 2 + 2 / 4) / 2, 1 / 2),
        ("map@3", 1, (1 / 2) / 2, 1 / 2),
        ("recall@3", 1, 1 / 2, 1 / 2),
        ("recall@100", 1, 1.0, 1 / 2),
        ("recall_cap@1", 1, 0.0, 1.0),
        ("recall_cap@100", 1, 1.0, 1 / 2),
        ("precision@2", 1, 1 / 2, 1 / 2),
        ("precision@10", 1, 2 / 10, 1 / 10),
        ("judged@2", 1, 1 / 2, 1.0),
        ("judged@10", 1, 3 / 4, 1.0),
        ("ndcg@10", 2, (2 / log2(3) + 1 / log2(5)) / (2 + 1 / log2(3)), 1 / (3 + 1 / log2(3))),
        ("mrr@10", 2, 1 / 2, 0.0),
        ("map", 2, 1 / 2, 0.0),
        ("recall@100", 2, 1.0, 0.0),
        ("precision@4", 2, 1 / 4, 0.0),
    ],
)
def test_values_by_hand(measure, level, q1, q2):
    judged = JUDGED if level == 1 else {query: JUDGED[query] for query in ("q1", "q2")}
    found = score(run_of(RANKED), qrels_of(judged), [measure], level)
    assert found.per_query(measure) == pytest.approx({"q1": q1, "q2": q2} | ({"q3": 0.0} if level == 1 else {}))
    assert found.means()[measure] == pytest.approx((q1 + q2) / len(judged))
    assert (found.judged, found.answered) == (len(judged), 2)


def by_brute_force(text, docs, grades, level):
    """One measure of one ranking, straight from its definition."""
    name, cutoff, _ = parse_measure(text)
    top = docs[: cutoff or None]
    relevant = {doc for doc, grade in grades.items() if grade >= level}
    hits = [doc in relevant for doc in top]
    if name == "ndcg":
        gain = lambda ranked: sum(max(0, grade) / log2(rank + 2) for rank, grade in enumerate(ranked))
        ideal = gain(sorted(grades.values(), reverse=True)[: cutoff or None])
        return gain([grades.get(doc, 0) for doc in top]) / ideal
    if name == "mrr":
        return 1 / (hits.index(True) + 1) if True in hits else 0.0
    if name == "map":
        return sum(sum(hits[: rank + 1]) / (rank + 1) for rank, hit in enumerate(hits) if hit) / len(relevant)
    if name == "judged":
        return sum(doc in grades for doc in top) / max(1, len(top))
    return sum(hits) / {"recall": len(relevant), "recall_cap": min(cutoff, len(relevant)), "precision": cutoff}[name]


names = st.sampled_from([f"d{number}" for number in range(12)])
rankings = st.dictionaries(names, st.integers(0, 5).map(lambda n: n / 2), max_size=12)
judgments = st.dictionaries(names, st.integers(-1, 3), min_size=1, max_size=12)
MEASURES = ["ndcg@3", "ndcg@10", "mrr@3", "map", "map@4", "recall@3", "recall_cap@3", "precision@5", "judged@4"]


@given(st.lists(st.tuples(rankings, judgments), min_size=1, max_size=4), st.integers(1, 3))
@settings(deadline=None, max_examples=100)
def test_values_by_brute_force(queries, level):
    ranked = {f"q{number}": ranking for number, (ranking, _) in enumerate(queries)}
    judged = {f"q{number}": grades for number, (_, grades) in enumerate(queries)}
    run, counted = run_of(ranked), {query: docs for query, docs in judged.items() if max(docs.values()) >= level}
    if not counted:
        with pytest.raises(HarnessError, match=f"relevance >= {level}"):
            score(run, qrels_of(judged), MEASURES, level)
        return
    found = score(run, qrels_of(judged), MEASURES, level)
    assert found.query_ids == tuple(counted)
    for measure in MEASURES:
        expected = {query: by_brute_force(measure, run[query][0], grades, level) for query, grades in counted.items()}
        assert found.per_query(measure) == pytest.approx(expected, abs=1e-12)


@given(
    st.dictionaries(names, st.integers(0, 1), min_size=2, max_size=6),
    st.dictionaries(names, st.integers(0, 2), max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_the_tie_band_is_what_the_orders_of_tied_documents_can_give(ranking, grades):
    grades |= {"d0": 1}  # one positive at least
    found = score(run_of({"q1": ranking}), qrels_of({"q1": grades}), MEASURES)
    groups = [[doc for doc, value in ranking.items() if value == level] for level in (1, 0)]
    orders = [[*above, *below] for above, below in product(*map(permutations, groups))]
    for measure in MEASURES:
        values = [by_brute_force(measure, order, grades, 1) for order in orders]
        if max(values) - min(values) > 1e-4:
            assert found.tie_band[measure] == pytest.approx((min(values), max(values)))
        else:
            assert measure not in found.tie_band


def test_the_number_of_threads_changes_no_bit():
    import numba

    rng = np.random.default_rng(0)
    ranked = {f"q{n}": {f"d{d}": float(v) for d, v in enumerate(rng.random(200))} for n in range(100)}
    judged = {query: {f"d{d}": int(rng.integers(0, 4)) for d in range(0, 200, 3)} | {"d0": 1} for query in ranked}
    run, qrels, before = run_of(ranked), qrels_of(judged), numba.get_num_threads()
    values = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        values.append(score(run, qrels).values.tobytes())
        assert numba.get_num_threads() == threads
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("ranked", "judged", "message"),
    [
        ({"q1": {"a": 1.0}}, [Qrel("q1", "a", 0)], "none of the 1 judged queries has a document of relevance >= 1"),
        ({"q1": {"a": 1.0}}, [], "none of the 0 judged queries"),
        ({"q1": {"a": 1.0}}, [Qrel("q1", "a", 1), Qrel("q1", "a", 0)], "'a' is judged twice for query 'q1'"),
        ({"7": {"a": 1.0}}, [Qrel("q1", "a", 1)], "wrong or mixed query ids: the run answers 0 of the 1 .* '7'"),
    ],
)
def test_what_cannot_be_scored_says_why(ranked, judged, message):
    with pytest.raises(HarnessError, match=message):
        score(run_of(ranked), judged)


def test_the_mean_is_summed_exactly_so_that_no_order_of_queries_changes_it():
    values = [1e16, 1.0, -1e16, 1.0]
    assert {mean(order) for order in permutations(values)} == {0.5}


def test_a_measure_named_twice_is_scored_once():
    assert score(run_of(RANKED), qrels_of(JUDGED), ["map", "mrr@10", "map"]).measures == ("map", "mrr@10")


def test_the_table_of_scores_is_read_as_it_was_written(tmp_path):
    found, path = score(run_of(RANKED), qrels_of(JUDGED)), tmp_path / "scores.tsv.gz"
    write_scores(found, path)
    table = read_scores(path)
    assert (table.measures, table.query_ids) == (tuple(DEFAULT_MEASURES), ("q1", "q2", "q3"))
    assert table.values.tobytes() == found.values.tobytes()
    before = path.read_bytes()
    write_scores(found, path)
    assert path.read_bytes() == before


def test_query_ids_that_look_like_numbers_stay_text(tmp_path):
    write_scores(Scores(("007", "1e5", "nan"), ("map",), np.array([[0.1], [1 / 3], [1.0]]), 3), tmp_path / "s.tsv.gz")
    table = read_scores(tmp_path / "s.tsv.gz")
    assert table.per_query("map") == {"007": 0.1, "1e5": 1 / 3, "nan": 1.0}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "not a table of scores"),
        ("id\tmap\n", 1, "first column is not query_id"),
        ("query_id\tmap\nq1\t0.5\t0.5\n", 2, "2 values for 1 measures"),
        ("query_id\tmap\nq1\t0.5\nq1\t0.5\n", 3, "'q1' is there a second time"),
        ("query_id\tmap\nq1\tnan\n", 2, "'nan' is no finite number"),
        ("query_id\tmap\nq1\thigh\n", 2, "'high' is no finite number"),
        ("query_id\tmap\nq1\t0.5\nq2\t2.0\n", 3, "'2.0' is not between 0 and 1"),
        ("query_id\tmap\nq1\t-0.5\n", 2, "'-0.5' is not between 0 and 1"),
    ],
)
def test_a_broken_table_of_scores_is_named(tmp_path, text, line, message):
    path = tmp_path / "scores.tsv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(BadInput, match=message) as caught:
        read_scores(path)
    assert (caught.value.path, caught.value.line) == (path, line)

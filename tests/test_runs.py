"""What a retriever yields becomes a run: one total order, the own document dropped, the faults named."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import runs
from harness.errors import BadInput, HarnessError
from harness.records import Query, ScoredDoc
from harness.runs.rankings import is_ordered, total_order
from harness.runs.text_hashes import hash_texts

QUERIES = [Query("q1", "one"), Query("q2", "two"), Query("q3", "three")]

ids = st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), min_size=1, max_size=20)
coarse = st.integers(-3, 3).map(lambda n: np.float32(n / 4))  # few values, so many ties
rankings = st.dictionaries(ids, coarse, min_size=1, max_size=30)


def scored(query_id, *pairs):
    return [ScoredDoc(query_id, doc_id, score) for doc_id, score in pairs]


@pytest.mark.parametrize(
    ("yielded", "expected"),
    [
        ([("a", 1.0), ("b", 2.0)], ["b", "a"]),
        ([("a", 1.0), ("b", 1.0)], ["b", "a"]),  # equal scores: doc_id descending
        ([("9", 1.0), ("10", 1.0)], ["9", "10"]),  # as strings, not as numbers
        ([("Z", 1.0), ("a", 1.0), ("é", 1.0), ("z", 1.0)], ["é", "z", "a", "Z"]),  # as bytes of UTF-8
        ([("\ue000", 1.0), ("\U0001f600", 1.0)], ["\U0001f600", "\ue000"]),  # UTF-16 would say otherwise
        ([("a", 0.71234567), ("b", 0.71234566)], ["b", "a"]),  # the same float32
        ([("a", -0.0), ("b", 0.0)], ["b", "a"]),
        ([("a", -1), ("b", np.float64(-2.0)), ("c", np.float32(3))], ["c", "a", "b"]),
    ],
)
def test_total_order(yielded, expected):
    assert runs.order(scored("q1", *yielded), QUERIES, 10)["q1"][0] == expected


@given(rankings, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_the_documents_came(ranking, random):
    shuffled = list(ranking.items())
    random.shuffle(shuffled)
    assert runs.order(scored("q1", *ranking.items()), QUERIES, 50) == runs.order(scored("q1", *shuffled), QUERIES, 50)


@given(rankings)
def test_the_order_is_total(ranking):
    doc_ids, scores = list(ranking), np.array(list(ranking.values()), np.float32)
    order = total_order(doc_ids, scores).tolist()
    assert sorted(order) == list(range(len(doc_ids)))
    keys = [(-float(scores[i]), [-byte for byte in doc_ids[i].encode()] + [1]) for i in order]
    assert all(above < below for above, below in pairwise(keys))


def test_a_run_in_order_is_recognised_across_its_queries():
    run = runs.order(scored("q1", ("a", 1.0)) + scored("q2", ("c", 9.0), ("b", 1.0), ("a", 1.0)), QUERIES, 9)
    assert is_ordered(run)  # q2 begins with a higher score than q1 ends with
    assert not is_ordered(replace(run, scores=run.scores[[0, 2, 1, 3]]))
    assert not is_ordered(replace(run, doc_ids=run.doc_ids.take(pa.array([0, 1, 3, 2]))))


@given(st.lists(ids, max_size=40), st.integers(0, 3))
def test_hashes_are_equal_for_equal_texts_and_differ_for_others(texts, start):
    array = pa.array(texts, pa.large_string()).slice(start)
    hashes = hash_texts(array).tolist()
    assert len(hashes) == len(array)
    assert len(set(hashes)) == len(set(texts[start:])) == len(set(zip(hashes, texts[start:], strict=True)))


def test_queries_stand_in_the_order_asked_and_those_without_results_are_left_out():
    run = runs.order([*scored("q3", ("a", 1.0)), *scored("q1", ("b", 1.0), ("a", 3.0))], QUERIES, 10)
    assert run.query_ids == ("q1", "q3")
    assert [(query_id, doc_ids, scores.tolist()) for query_id, doc_ids, scores in run] == [
        ("q1", ["a", "b"], [3.0, 1.0]),
        ("q3", ["a"], [1.0]),
    ]
    assert (len(run), run.size, run.deepest) == (2, 3, 2)
    assert "q2" not in run
    assert run["q2"][0] == []


@pytest.mark.parametrize(
    ("k", "exclude_self", "expected", "dropped"),
    [
        (3, True, ["d", "c", "b"], 1),  # k + 1 asked, so k remain
        (3, False, ["q1", "d", "c"], 0),
        (9, True, ["d", "c", "b"], 1),
        (1, True, ["d"], 1),
    ],
)
def test_own_document(k, exclude_self, expected, dropped):
    yielded = scored("q1", ("b", 1.0), ("c", 2.0), ("d", 3.0), ("q1", 4.0)) + scored("q2", ("q1", 1.0))
    run = runs.order(yielded, QUERIES, k, exclude_self)
    assert run["q1"][0] == expected
    assert run["q2"][0] == ["q1"]  # another query's id is a document like any other
    assert run.dropped_self == dropped


def test_a_query_whose_only_result_was_itself_is_not_answered():
    run = runs.order(scored("q1", ("q1", 1.0)), QUERIES, 5, exclude_self=True)
    assert (len(run), run.dropped_self) == (0, 1)


def test_no_results_at_all():
    run = runs.order([], QUERIES, 10)
    assert (len(run), run.size, run.deepest, list(run)) == (0, 0, 0, [])
    assert run == runs.order([], [], 10)


@pytest.mark.parametrize(
    ("yielded", "message"),
    [
        (scored("q9", ("a", 1.0)), "returned query 'q9', which is none of the 3 asked"),
        (scored("q1", ("a", 1.0)) + scored("q2", ("a", 1.0)) + scored("q1", ("b", 1.0)), "query 'q1' in two pieces"),
        (scored("q1", ("b", 3.0), ("a", 1.0), ("a", 2.0)), "returned document 'a' twice for query 'q1'"),
        (scored("q1", ("a", 1.0), ("b", float("nan"))), "score nan of document 'b' for query 'q1' is no finite"),
        (scored("q1", ("a", 1.0), ("b", float("inf"))), "score inf of document 'b' for query 'q1'"),
        (scored("q1", ("a", 1.0), ("b", -1e39)), r"score -1e\+39 of document 'b' for query 'q1' is no finite float32"),
        (scored("q1", ("a", 1.0), ("b", "1.5")), r"score '1.5' of document 'b' for query 'q1' is no finite float32"),
        (scored("q1", ("a", 1.0), ("b", 1j)), r"score 1j of document 'b' for query 'q1' is no finite float32"),
        (scored("q1", ("a", 1.0), ("b", 10**400)), r"score 10+ of document 'b' for query 'q1' is no finite float32"),
        (scored("q1", ("a", 1.0), ("b", None)), "score None of document 'b' for query 'q1'"),
        (scored("q1", ("a", 1.0), ("b", "x")), "score 'x' of document 'b' for query 'q1'"),
        (scored("q1", ("a", 1.0), ("b", [1.0, 2.0])), "of document 'b' for query 'q1'"),
        (scored("q1", ("a", 1.0), (7, 1.0)), "returned document 7 for query 'q1'"),
        (scored("q1", ("a", 1.0), (None, 1.0)), "returned document None for query 'q1'"),
        (scored("q1", ("a", 1.0), (b"b", 1.0)), "returned document b'b' for query 'q1'"),
        (scored("q1", ("a", 1.0), ("", 1.0)), "returned document '' for query 'q1'"),
        (scored("q1", ("a", 1.0), ("b c", 1.0)), "returned document 'b c' for query 'q1'"),
        (scored("q1", ("a", 1.0), ("b\n", 1.0)), "without white space"),
        (scored("q1", ("a", 1.0), ("\ud800", 1.0)), "returned document"),
    ],
)
def test_a_fault_is_named(yielded, message):
    with pytest.raises(HarnessError, match=message):
        runs.order(yielded, QUERIES, 10)


def test_a_run_from_elsewhere_gets_the_rules_of_the_dataset(tmp_path):
    path = tmp_path / "mine.trec"
    path.write_text(
        "".join(f"q1 Q0 {doc} 0 {score} mine\n" for doc, score in [("q1", 9), ("a", 1), ("b", 2), ("c", 3)])
    )
    run = runs.read(path, QUERIES, k=2, exclude_self=True)
    assert (run["q1"][0], run.dropped_self) == (["c", "b"], 1)
    assert runs.read(path, QUERIES, k=2)["q1"][0] == ["q1", "c"]
    assert runs.read(path)["q1"][0] == ["q1", "c", "b", "a"]


@pytest.mark.parametrize(
    ("in_file", "fine"),
    [
        (["q1", "q2", "q3"], True),
        (["q1"], True),  # the others are unanswered
        (["q1", "q2", "u1", "u2", "u3", "u4"], True),  # unjudged topics
        (["u1", "u2"], False),
        (["q1", "u1", "u2", "u3"], False),
    ],
)
def test_a_run_of_other_queries_is_an_error_that_names_one(tmp_path, in_file, fine):
    path = tmp_path / "mine.trec"
    path.write_text("".join(f"{query_id} Q0 a 1 1 mine\n" for query_id in in_file))
    if fine:
        assert runs.read(path, QUERIES).query_ids == tuple(in_file)
    else:
        with pytest.raises(BadInput, match=r"mine\.trec: wrong or mixed query ids: .* such as 'u1'"):
            runs.read(path, QUERIES)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "search gave None; it has to yield ScoredDoc"),
        ({"q1": {"a": 1.0}}, "search gave 'q1'; it has to yield"),
        ([[ScoredDoc("q1", "a", 1.0)]], "search gave [ScoredDoc("),
        ([("a", 1.0)], "search gave ('a', 1.0); it has"),
        ([("q1", 1.0), ("q1", 2.0)], "search gave ('q1', 1.0); it has"),
    ],
)
def test_what_is_no_scored_document_is_shown(found: object, says: str) -> None:
    """A dict of dicts, a list of lists and a function without `return` are what one writes first."""
    with pytest.raises(HarnessError, match=re.escape(says)):
        runs.order(found, [Query("q1", "x")], 10)  # type: ignore[arg-type]

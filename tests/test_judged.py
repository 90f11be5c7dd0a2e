"""Stored judgments: any measure from ranks and grades, equal to what the whole run gives."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import runs
from harness.errors import BadInput, HarnessError
from harness.measures import DEFAULT_MEASURES, parse
from harness.measures.evaluation import by_query, judge, score
from harness.measures.from_ir_measures import name_of
from harness.measures.judged import read_judged, write_judged
from harness.measures.plain import plain
from harness.measures.values import values_at
from harness.records import Qrel, Query, ScoredDoc

OPEN = ["nDCG@20", "RBP(p=.8)", "RBP(p=0.5)@20", "ERR@20", "ERR", "Bpref", "Rprec", "infAP", "Success@5", "AP(rel=2)",
        "SetP", "SetR", "SetAP", "SetF(beta=0.5)", "SetP(relative=True)", "nDCG(gains=exponential)@10", "IPrec@0.1",
        "P(judged_only=True)@5", "Compat(p=0.9)", "RR(rel=2)", "R@5", "nDCG", "SetP(judged_only=True)",
        "AP(judged_only=True)", "IPrec(judged_only=True)@0.3", "nDCG(judged_only=True)@5"]  # fmt: skip


def ordered(scored: Iterable[ScoredDoc]) -> runs.Run:
    scored = list(scored)
    return runs.order(scored, [Query(name, "") for name in dict.fromkeys(one.query_id for one in scored)], 1000)


def made(seed: int, queries: int = 12, ties: bool = False) -> tuple[runs.Run, list[Qrel], dict, dict]:
    generator = np.random.default_rng(seed)
    qrels, rows = {}, {}
    for query in range(queries):
        judged = generator.choice(200, 30, replace=False)
        qrels[f"q{query}"] = {f"d{doc}": int(g) for doc, g in zip(judged, generator.integers(-1, 4, 30), strict=True)}
        qrels[f"q{query}"][f"d{judged[0]}"] = 3
        size = int(generator.integers(1, 120))
        scores = generator.integers(0, 30 if ties else 10**7, size)
        rows[f"q{query}"] = {
            f"d{doc}": float(s) for doc, s in zip(generator.choice(200, size, replace=False), scores, strict=True)
        }
    del rows["q3"]  # a query without an answer
    run = ordered(ScoredDoc(q, d, s) for q, docs in rows.items() for d, s in docs.items())
    return run, [Qrel(q, d, g) for q, docs in qrels.items() for d, g in docs.items()], qrels, rows


@pytest.mark.parametrize("ties", [False, True])
def test_what_is_read_back_gives_the_same_bits(tmp_path: Path, ties: bool) -> None:
    run, qrels, _, _ = made(1, ties=ties)
    write_judged(judge(run, by_query(qrels)), tmp_path / "judged.tsv.gz")
    judged = read_judged(tmp_path / "judged.tsv.gz")
    scores = score(run, qrels, [*DEFAULT_MEASURES, *OPEN])
    assert judged.query_ids == scores.query_ids
    measures = [parse(name) for name in scores.measures]
    found = values_at(measures, judged.matches, judged.matches.ranks, judged.deepest, 1)
    np.testing.assert_array_equal(found, scores.values)
    write_judged(judged, tmp_path / "again.tsv.gz")
    assert (tmp_path / "again.tsv.gz").read_bytes() == (tmp_path / "judged.tsv.gz").read_bytes()


THEIRS = [name for name in OPEN if not any(ours in name for ours in ("RBP", "ERR", "exponential"))]


@pytest.mark.parametrize("name", THEIRS)
def test_values_are_those_of_ir_measures_on_the_whole_run(name: str) -> None:
    run, qrels, judgments, rows = made(2)
    ours = score(run, qrels, [name]).per_query(str(parse(name)))
    measure = ir_measures.parse_measure(name_of(parse(name)))
    theirs = {one.query_id: one.value for one in ir_measures.iter_calc([measure], judgments, rows)}
    assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("name", ["ERR@20", "nDCG(gains=exponential)@10"])
def test_err_and_exponential_gain_are_those_of_gdeval(name: str) -> None:
    """The script takes ids that are numbers alone, and prints five digits."""
    run, qrels, judgments, rows = made(2)
    ours = score(run, qrels, [name]).per_query(str(parse(name)))
    judgments = {q[1:]: {doc: max(0, grade) for doc, grade in docs.items()} for q, docs in judgments.items()}
    measure = ir_measures.parse_measure(name.replace("gains=exponential", "dcg='exp-log2'"))
    rows = {query[1:]: docs for query, docs in rows.items()}
    found = ir_measures.providers.registry["gdeval"].evaluator([measure], judgments).iter_calc(rows)
    for one in found:
        assert ours[f"q{one.query_id}"] == pytest.approx(one.value, abs=1e-5)


def test_rbp_by_hand() -> None:
    run = ordered([ScoredDoc("q", doc, 9.0 - place) for place, doc in enumerate("axbyc")])
    qrels = [Qrel("q", "a", 1), Qrel("q", "b", 2), Qrel("q", "c", 1), Qrel("q", "z", 1)]
    values = score(run, qrels, ["RBP(p=.8)", "RBP(p=0.8,rel=2)", "RBP(p=0.8)@3", "ERR"]).values[0]
    expected_err = 1 / 16 + (15 / 16) * (3 / 16) / 3 + (15 / 16) * (13 / 16) * (1 / 16) / 5
    np.testing.assert_allclose(values, [0.2 * (1 + 0.64 + 0.4096), 0.2 * 0.64, 0.2 * 1.64, expected_err])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_bpref_and_ndcg_are_pytrec_evals(seed: int, ties: bool) -> None:
    run, qrels, judgments, _ = made(seed, 4, ties)
    scores = score(run, qrels, ["bpref", "ndcg@20"])
    rows = {q: {d: float(-at) for at, d in enumerate(run[q][0])} for q in run.query_ids}
    theirs = pytrec_eval.RelevanceEvaluator(judgments, {"bpref", "ndcg_cut_20"}).evaluate(rows)
    for query, (bpref, ndcg) in zip(scores.query_ids, scores.values.tolist(), strict=True):
        expected = theirs.get(query, {"bpref": 0.0, "ndcg_cut_20": 0.0})
        assert (bpref, ndcg) == pytest.approx((expected["bpref"], expected["ndcg_cut_20"]), abs=1e-6)


def test_a_grade_beyond_the_scale_of_err_names_the_cure() -> None:
    run = ordered([ScoredDoc("q", "a", 1.0)])
    with pytest.raises(HarnessError, match=r"ERR@10 takes grades up to 4, and there is a 7 here.*ERR\(max_rel=7\)@10"):
        score(run, [Qrel("q", "a", 7)], ["ERR@10"])
    assert score(run, [Qrel("q", "a", 7)], ["ERR(max_rel=7)@10"]).values[0, 0] == 127 / 128


def test_a_level_that_no_document_reaches_is_no_division_by_zero() -> None:
    run = ordered([ScoredDoc("q", "a", 1.0)])
    names = ["AP(rel=3)", "R(rel=3)@5", "R_cap(rel=3)@5", "Rprec(rel=3)", "RBP(rel=3)", "Success(rel=3)@5"]
    assert not score(run, [Qrel("q", "a", 1)], names).values.any()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1\t5\t1x1", "is not a query, a number"),
        ("q1\tfive\t1x1\t1:1", "is not a query, a number"),
        ("q1\t5\t0x1 1x1\t1:1", "descending"),
        ("q1\t5\t\t", "descending"),
        ("q1\t5\t1by1\t1:1", "'1by1' is no grade"),
        ("q1\t5\t1x1 1x1\t1:1", "descending"),
        ("q1\t5\t1x1\t1:1:1", "'1:1:1' is no grade"),
        ("q1\t5\t2x1  1x1\t1:1", "'' is no grade"),
        ("q1\t5\t1x1\t6:1", "can't be"),
        ("q1\t5\t1x1\t1:1 2:1", "can't be"),
        ("q1\t5\t1x2\t2:1 1:1", "can't be"),
        ("q1\t5\t1x1\t1:2", "can't be"),
        ("q1\t5\t1x1\t3(4-5):1", "can't be"),
        ("q1\t5\t1x1\t0:1", "can't be"),
        ("q1\t5\t1x999999999\t1:1", "descending"),
        ("q0\t5\t1x1\t1:1", "a second time"),
    ],
)
def test_damage_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "judged.tsv.gz"
    good = "query_id\tretrieved\tjudged\tfound\nq0\t5\t2x1 1x1 0x3\t1:0 3(2-4):2\n"
    path.write_bytes(gzip.compress(good.encode()))
    assert read_judged(path).first.tolist() == [0, 1]
    path.write_bytes(gzip.compress((good + line + "\n").encode()))
    with pytest.raises(BadInput, match=message) as raised:
        read_judged(path)
    assert raised.value.line == (None if "second time" in message else 3)
    path.write_bytes(gzip.compress(b"query\n"))
    with pytest.raises(BadInput, match="its columns are not"):
        read_judged(path)


@pytest.mark.parametrize(
    "name",
    ["ndcg@10", "ndcg", "nDCG(gains=exponential)@5", "mrr@10", "mrr", "map", "map@5", "AP(rel=3)", "recall@7",
     "recall_cap@7", "precision@7", "P(rel=2)@3", "success@1", "rprec", "Rprec(rel=3)"],
)  # fmt: skip
@pytest.mark.parametrize("level", [1, 2])
def test_in_numpy_alone_they_are_the_same(name: str, level: int) -> None:
    run, qrels, _, _ = made(3, 30, ties=True)
    seen = judge(run, by_query(qrels))
    expected = values_at([parse(name)], seen.matches, seen.matches.ranks, seen.deepest, level)[:, 0]
    np.testing.assert_allclose(plain(parse(name), seen.matches, level), expected, atol=1e-12)
    assert (
        plain(parse("bpref"), seen.matches, 1) is None and plain(parse("P(judged_only=1)@3"), seen.matches, 1) is None
    )

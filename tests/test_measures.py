"""Names of measures: parsed, printed, refused."""

import ir_measures
import pytest

from harness.errors import HarnessError
from harness.measures import DEFAULT_MEASURES, Measure, display, parse


@pytest.mark.parametrize(
    ("text", "name", "cutoff", "printed"),
    [
        ("ndcg@10", "ndcg", 10, "nDCG@10"),
        ("ndcg", "ndcg", 0, "nDCG"),
        ("mrr@10", "mrr", 10, "MRR@10"),
        ("map", "map", 0, "MAP"),
        ("map@100", "map", 100, "MAP@100"),
        ("recall@1000", "recall", 1000, "R@1000"),
        ("recall_cap@100", "recall_cap", 100, "R_cap@100"),
        ("precision@5", "precision", 5, "P@5"),
        ("judged@10", "judged", 10, "J@10"),
        ("bpref", "bpref", 0, "Bpref"),
        ("err@20", "err", 20, "ERR@20"),
    ],
)
def test_names(text, name, cutoff, printed):
    assert parse(text) == (name, cutoff, ())
    assert str(parse(text)) == text == parse(text).slug
    assert display(text) == printed
    assert parse(printed) == parse(text)


@pytest.mark.parametrize(
    ("text", "same", "printed", "slug"),
    [
        ("RBP(p=.8)", "rbp(p=0.8)", "RBP(p=0.8)", "rbp_p=0.8"),
        ("RBP", "rbp(p=0.8)", "RBP(p=0.8)", "rbp_p=0.8"),
        ("RBP(rel=2, p=0.5)@20", "rbp(p=0.5,rel=2)@20", "RBP(p=0.5,rel=2)@20", "rbp_p=0.5_rel=2@20"),
        ("AP(rel=2)", "map(rel=2)", "MAP(rel=2)", "map_rel=2"),
        ("RR@10", "mrr@10", "MRR@10", "mrr@10"),
        ("nDCG(gains=exponential)@10", "ndcg(dcg=exp-log2)@10", "nDCG(dcg=exp-log2)@10", "ndcg_dcg=exp-log2@10"),
        ("nDCG(dcg='exp-log2')@10", "ndcg(dcg=exp-log2)@10", "nDCG(dcg=exp-log2)@10", "ndcg_dcg=exp-log2@10"),
        ("nDCG(dcg='log2')@10", "ndcg@10", "nDCG@10", "ndcg@10"),
        ("P(judged_only=True)@5", "precision(judged_only=True)@5", "P(judged_only=True)@5", None),
        ("IPrec@0.1", "iprec@0.1", "IPrec@0.1", "iprec@0.1"),
        ("SetF(beta=0.5)", "setf(beta=0.5)", "SetF(beta=0.5)", "setf_beta=0.5"),
        ("success@5", "success@5", "Success@5", "success@5"),
        ("NDCG@10", "ndcg@10", "nDCG@10", "ndcg@10"),
    ],
)
def test_one_measure_has_one_spelling(text, same, printed, slug):
    measure = parse(text)
    assert (str(measure), measure.display) == (same, printed)
    assert parse(same) == parse(printed) == measure
    assert slug is None or measure.slug == slug
    assert "/" not in measure.slug and "(" not in measure.slug


@pytest.mark.parametrize("text", ["RBP(p=0.8)", "ERR@20", "Bpref", "Rprec", "infAP", "Success@5", "AP(rel=2)", "SetP",
                                  "SetF(beta=2.0)", "nDCG@20", "nDCG(dcg='exp-log2')@10", "IPrec@0.1", "Compat",
                                  "P(rel=2,judged_only=True)@5", "Judged@10", "RR@10", "R@100"])  # fmt: skip
def test_what_ir_measures_prints_is_understood(text):
    assert isinstance(parse(str(ir_measures.parse_measure(text))), Measure)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ndgc@10", "unknown measure 'ndgc'; did you mean 'ndcg'"),
        ("", "unknown measure ''"),
        ("recall", r"needs a cutoff, as in 'recall@10'"),
        ("judged", "needs a cutoff"),
        ("ndcg@", "whole number from 1"),
        ("ndcg@0", "whole number from 1"),
        ("ndcg@-1", "whole number from 1"),
        ("ndcg@1.5", "whole number from 1"),
        ("ndcg@010", "whole number from 1"),
        ("ndcg@10@5", "whole number from 1"),
        ("ndcg@10-l2", "whole number from 1"),
        ("bpref@10", "takes no cutoff; Bpref takes rel"),
        ("RBP(q=.8)", r"no parameter 'q'; RBP takes p \(a number between 0 and 1: persistence\), rel"),
        ("RBP(p=1.5)", "p is a number between 0 and 1: persistence, not '1.5'"),
        ("RBP(p)", "p is a number between 0 and 1"),
        ("AP(rel=0)", "rel is a whole number from 1"),
        ("AP(rel=two)", "rel is a whole number from 1.*, not 'two'"),
        ("nDCG(gains=cubic)@10", "gains is linear or exponential, not 'cubic'"),
        ("judged(rel=1)@10", "J takes no parameter"),
        ("IPrec", "needs a cutoff, as in 'iprec@0.1'"),
        ("IPrec@2", "recall is a level of recall, 0 to 1"),
        ("alpha_nDCG@20", "judgments by intent"),
        ("NumRet", "no score between 0 and 1"),
        ("INST", "cwl_eval"),
        ("RBP(p=.8", "unknown measure"),
    ],
)
def test_what_is_no_measure_is_refused(text, message):
    with pytest.raises(HarnessError, match=message):
        parse(text)


def test_the_default_measures_are_measures():
    assert [str(parse(text)) for text in DEFAULT_MEASURES] == list(DEFAULT_MEASURES)

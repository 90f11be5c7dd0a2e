"""Names of measures: parsed, printed, refused."""

import pytest

from harness.errors import HarnessError
from harness.measures import DEFAULT_MEASURES, display, parse_measure


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
    ],
)
def test_names(text, name, cutoff, printed):
    assert parse_measure(text) == (name, cutoff)
    assert str(parse_measure(text)) == text
    assert display(text) == printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ndgc@10", "unknown measure 'ndgc'; did you mean 'ndcg'"),
        ("NDCG@10", "unknown measure 'NDCG'"),
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
    ],
)
def test_what_is_no_measure_is_refused(text, message):
    with pytest.raises(HarnessError, match=message):
        parse_measure(text)


def test_the_default_measures_are_measures():
    assert [str(parse_measure(text)) for text in DEFAULT_MEASURES] == list(DEFAULT_MEASURES)

"""The tests that this package brings: the laws of the harness, and a query with a typing error."""

import pytest
from trigram_retriever import Trigram

from harness.conformance import CHECKS
from harness.records import Doc, Query


@pytest.mark.parametrize("law", CHECKS, ids=lambda law: law.__name__)
def test_law(law, tmp_path):
    law(Trigram, tmp_path)


def test_a_typing_error_does_no_harm(tmp_path):
    retriever = Trigram()
    retriever.index([Doc("right", "photosynthesis in plants"), Doc("wrong", "volcanoes of Iceland")], tmp_path)
    retriever.load(tmp_path)
    assert next(retriever.search([Query("q", "fotosynthesys")], 1)).doc_id == "right"

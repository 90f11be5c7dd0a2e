"""A joint score taken apart: the parts are those of the score, and each term is where it is said to be."""

import json

import pytest

from dense import tiny
from joint.test_dupmae import QUERY, searched
from joint.tiny import save
from retrievers import explain
from retrievers.dupmae import DupMAE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("dupmae"))


def test_the_parts_sum_to_the_score_of_the_retriever(folder, tmp_path) -> None:
    made = DupMAE(str(folder))
    scores = searched(folder, tmp_path / "joint")
    dense = searched(folder, tmp_path / "joint", "cls")
    for doc in tiny.DOCS:
        found = explain.parts(made, QUERY, doc)
        assert found.score == pytest.approx(scores[doc.doc_id], rel=3e-3, abs=3e-2)  # the index holds fp16
        assert found.dense == pytest.approx(dense[doc.doc_id], rel=3e-3, abs=3e-2)
        assert found.dense + sum(term.value for term in found.terms) == pytest.approx(found.score, abs=1e-4)
        assert [term.value for term in found.terms] == sorted((term.value for term in found.terms), reverse=True)
        words = set(QUERY.split())
        assert all(term.in_query for term in found.terms if term.piece in words)


def test_the_command_prints_and_draws(tmp_path, capsys) -> None:
    from harness.datasets import load

    doc_id = next(iter(load("sample").docs())).doc_id
    argv = ["dupmae-mini", "--query", "how do plants make food", "--doc", doc_id]
    assert explain.main([*argv, "--json", "--plot", str(tmp_path / "score.png")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == pytest.approx(found["dense"] + sum(term["value"] for term in found["terms"]), abs=1e-4)
    assert (tmp_path / "score.png").stat().st_size > 1000
    assert explain.main([*argv, "--most", "2"]) == 0
    assert "joint score" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        explain.main([*argv[:-1], "none such"])

"""Run files from elsewhere, scored: what is said where their numbers would mislead."""

import json
import re
from pathlib import Path

import pytest

import toy
from foreign import TREC, notes, score, zeros, zeros_run
from harness import results
from harness.cli import main
from harness.errors import HarnessError
from harness.leaderboard import build
from harness.records import Query
from harness.runs import order
from harness.views.tables.rendering import render


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("k", ["0", "-5"])
def test_a_depth_has_a_range_wherever_it_is_used(place: Path, k: str, capsys: pytest.CaptureFixture) -> None:
    assert score(place, TREC, "--k", k) == 2
    assert f"a depth of {k}: keep at least 1 document a query" in capsys.readouterr().err
    assert not list(place.glob("results/runs/*/*/manifest.json"))
    with pytest.raises(HarnessError, match="a depth of"):
        order([], [Query("q", "")], int(k))


def test_the_header_s_fields_are_in_the_manifest(place: Path) -> None:
    assert score(place, "# ir_metadata.start\n# tag: mine\n# ir_metadata.end\n" + TREC) == 0
    body = json.loads(Path("results/runs/mine/toy/manifest.json").read_text())
    assert body["ir_metadata"] == {"tag": "mine"}
    assert (body["relevance_level"], body["exclude_self"]) == (1, False)


def test_distances_in_place_of_scores_get_a_note(place: Path) -> None:
    upside = "q1 Q0 d2 1 0.1 t\nq1 Q0 d1 2 0.5 t\nq2 Q0 d3 1 0.2 t\nq2 Q0 d1 2 0.9 t\n"
    assert score(place, upside) == 0 and "are these distances?" in notes()[0]
    assert score(place, upside.replace(" t\n", "  t\n"), "--overwrite") == 0 and "are these distances?" in notes()[0]
    one_right = upside + "q3 Q0 d5 1 5 t\nq3 Q0 d4 2 4 t\n"
    assert score(place, one_right, "--overwrite") == 0 and not notes()
    no_ranks = upside.replace(" 2 0", " 1 0")
    assert score(place, no_ranks, "--overwrite") == 0 and not notes()


def test_documents_foreign_to_the_collection_are_counted_or_refused(place: Path, capsys: pytest.CaptureFixture) -> None:
    zeros(place / "zeros", 120)
    assert score(place, zeros_run(0.0), dataset="zeros/") == 0 and notes(dataset="zeros") == []
    assert score(place, zeros_run(0.5), "--overwrite", dataset="zeros/") == 0
    assert notes(dataset="zeros") == [
        "60 of the run's 120 documents are not in the collection, '0' for one; they count as not relevant"
    ]
    before = Path("results/runs/mine/zeros/manifest.json").read_bytes()
    # ids from 100 on have no zero to lose
    lost = zeros_run(1.0).replace("q100 Q0 100", "q100 Q0 x100").replace("Q0 11", "Q0 y11").replace("Q0 10", "Q0 y10")
    assert score(place, lost, "--overwrite", dataset="zeros/") == 2
    assert score(place, lost, tag="new", dataset="zeros/") == 2 and not Path("results/runs/new").exists()
    said = capsys.readouterr().err
    assert "documents are not in the collection" in said
    assert "its ids are like '0', and those of the judgments like '000': did they lose zeros" in said
    assert Path("results/runs/mine/zeros/manifest.json").read_bytes() == before


def test_a_retriever_s_documents_are_looked_at_too(place: Path, capsys: pytest.CaptureFixture) -> None:
    zeros(place / "zeros", 120)
    (place / "plugin.py").write_text(
        "from harness.records import ScoredDoc\n"
        "class IntIds:\n"
        "    def index(self, docs, folder): (folder / 'ids').write_text(' '.join(doc.doc_id for doc in docs))\n"
        "    def load(self, folder): self.ids = [int(one) for one in (folder / 'ids').read_text().split()][:100]\n"
        "    def search(self, queries, k):\n"
        "        for query in queries:\n"
        "            yield from (ScoredDoc(query.query_id, str(one), 1.0) for one in self.ids[:k])\n"
    )
    assert main(["run", "./plugin.py:IntIds", "--dataset", "zeros/", "--results", "results"]) == 1
    assert "100 of the run's 100 documents are not in the collection, '0' for one" in capsys.readouterr().err


def test_a_run_of_depth_ten_is_marked_and_not_tested_against_a_deeper_one(place: Path) -> None:
    zeros(place / "zeros", 120)

    def run(depth: int) -> str:
        names = [f"{number:03d}" for number in range(120)]
        return "".join(
            f"q{q} Q0 {d} 1 {200 - at} t\n" for q in names for at, d in enumerate([*names[60:], *names[:60]][:depth])
        )

    for tag, depth in (("ten", 10), ("deep", 119), ("all", 120)):
        assert score(place, run(depth), tag=tag, dataset="zeros/") == 0
    found, _ = results.read(place / "results")
    assert {one.tag: one.depth for one in found} == {"ten": 10, "deep": 119, "all": 1000}
    shallow = build(found, "recall@100", "deep")
    assert shallow.columns[0].shallow == {"ten": 10}
    assert [(c.first, c.second) for c in shallow.family] == [("all", "deep")]
    assert not shallow.cells["ten", "zeros"].level and shallow.cells["ten", "zeros"].depth == 10
    text = render([shallow], "md")
    assert (
        re.search(r"\| ten +\| +0\.0\d+§ \|", text)
        and "§ the run ends before R@100 does: not compared with deeper runs" in text
    )
    assert r"0.083\textsuperscript{\S{}}" in render([shallow], "latex")
    assert len(build(found, "precision@10", "deep").family) == 2  # all three are as deep as that looks
    for words in (["compare", "ten", "deep", "--dataset", "zeros", "--measure", "recall@100"],):
        assert main([*words, "--results", "results"]) == 2
    assert main(["report", "--results", "results", "--output", "site"]) == 0


def test_a_system_that_finds_little_is_no_run_cut_short(place: Path) -> None:
    zeros(place / "zeros", 120)
    text = "".join(f"q{q:03d} Q0 {d:03d} 1 {200 - d} t\n" for q in range(120) for d in range(1 + q % 40))
    assert score(place, text, dataset="zeros/") == 0
    assert results.read(place / "results")[0][0].depth == 1000

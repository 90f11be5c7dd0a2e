"""Collections of ir_datasets by its own API: documents, judgments, excluded documents, a run that it carries."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import datasets
from harness.cli import main
from harness.errors import HarnessError
from toy_sources import DOCS, QRELS, QUERIES, TEXTS


@pytest.fixture
def irds(tmp_path: Path) -> Iterator[str]:
    """A collection registered with ir_datasets itself, with a document that is never a result, as BRIGHT marks it."""
    ir_datasets = pytest.importorskip("ir_datasets")
    from ir_datasets.datasets.base import Dataset
    from ir_datasets.formats import TrecQrels, TrecScoredDocs, TsvDocs, TsvQueries
    from ir_datasets.util import LocalDownload

    lines = {
        "docs": ["\t".join((d["_id"], " ".join((d["title"], d["text"])).strip())) for d in DOCS],
        "queries": [f"{name}\t{text}" for name, text in QUERIES.items()],
        "qrels": [*(f"{q} 0 {d} {g}" for q, d, g in QRELS), "q1 0 d8 -100"],
        "scored": ["q1 Q0 d1 1 1.5 x", "q1 Q0 d2 1 2.5 x", "q2 Q0 d3 1 0.25 x"],
    }
    paths = {}
    for name, rows in lines.items():
        paths[name] = tmp_path / f"{name}.txt"
        paths[name].write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    docs, queries = TsvDocs(LocalDownload(paths["docs"])), TsvQueries(LocalDownload(paths["queries"]))
    judged = Dataset(docs, queries, TrecQrels(LocalDownload(paths["qrels"]), {0: "no", 1: "yes", -100: "excluded"}))
    kept = dict(ir_datasets.registry._registered)
    ir_datasets.registry.register("toys", Dataset(docs))
    ir_datasets.registry.register("toys/test", judged)
    scored = TrecScoredDocs(LocalDownload(paths["scored"]))
    ir_datasets.registry.register("toys/scored", Dataset(judged, scored))
    yield "irds:toys/test"
    ir_datasets.registry._registered.clear()
    ir_datasets.registry._registered.update(kept)


def test_ir_datasets(irds: str) -> None:
    found = datasets.load(irds)
    assert found.name == "irds-toys-test" == datasets.name_of(irds)
    assert [doc.text for doc in found.docs()][-3:] == list(TEXTS.values())
    assert {query.query_id: query.text for query in found.queries()} == QUERIES
    assert found.qrels() == QRELS
    assert found.excluded() == {"q1": {"d8"}} and found.spare() == 1
    assert found.facts()["source"] == irds and found.facts()["excluded_sha256"]


def test_excluded_documents_are_never_a_result(irds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["q1 Q0 d8 1 3 x", "q1 Q0 d2 2 2 x", "q2 Q0 d8 1 2 x", "q2 Q0 d3 2 1 x"]
    Path("run").write_text("".join(f"{line}\n" for line in lines))
    assert main(["score", "run", "--dataset", irds, "--tag", "theirs"]) == 0
    body = json.loads(Path("results/runs/theirs/irds-toys-test/manifest.json").read_text())
    assert body["run"]["documents"] == 3 and body["run"]["dropped_self"] == 1 and body["scores"]["mrr@10"] == 1.5 / 4
    assert main(["run", "bm25", "--dataset", irds, "--set", "language=ja"]) == 0
    assert main(["compare", "theirs", "bm25-language=ja", "--dataset", irds, "--measure", "P@1"]) == 0


def test_a_run_that_a_collection_carries_is_scored_and_fused(
    irds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["score", "--carried", "--dataset", "irds:toys/scored", "--tag", "first"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "MRR@10" in line]
    assert line.split()[1] == "0.5000"  # d2 above d1, and d3, of four queries
    assert main(["run", "bm25", "--dataset", "irds:toys/scored"]) == 0
    assert main(["run", "fusion", "--set", 'systems=["bm25", "first"]', "--dataset", "irds:toys/scored"]) == 0
    assert main(["score", "--carried", "--dataset", irds]) == 2
    assert "irds-toys-test carries no run" in capsys.readouterr().err
    assert main(["score", "--dataset", irds]) == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "irds:toys",
            r"irds:toys has no judgments, so there is nothing to evaluate on; these below it have them: toys/test",
        ),
        ("irds:toys/tset", r"ir_datasets has no 'toys/tset'; did you mean .*toys/test"),
        ("ird:toys/test", r"unknown source of datasets 'ird'; did you mean 'irds'"),
        ("hf:scifact", r"a name is owner/name, then @revision"),
    ],
)
def test_what_is_no_collection(irds: str, name: str, says: str) -> None:
    with pytest.raises(HarnessError, match=says):
        datasets.load(name)


def test_offline_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ir_datasets")
    with pytest.raises(HarnessError, match="irds:vaswani is not here whole and downloading is off"):
        datasets.load("irds:vaswani", download=False)

"""Results go to MTEB, ir_measures and trec_eval, and come back."""

import gzip
import importlib
import json
from pathlib import Path

import pytest

import toy
from harness import results as stored
from harness import runs
from harness.cli import main
from harness.datasets import rows
from harness.errors import HarnessError
from harness.results import exchange, mteb
from harness.results import means as imported
from harness.results.exchange import ir_measures_name
from made_results import add


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A run file scored on the toy collection, as a user would."""
    toy.write(tmp_path / "toy")
    lines = ["q1 Q0 d2 1 3 t", "q1 Q0 d5 2 2 t", "q2 Q0 d4 1 2 t", "q2 Q0 d3 2 1 t"]
    (tmp_path / "theirs.trec").write_text("\n".join(lines) + "\n")
    folder = str(tmp_path / "results")
    arguments = ["--dataset", f"{tmp_path / 'toy'}/", "--tag", "theirs", "--results", folder]
    assert main(["score", str(tmp_path / "theirs.trec"), *arguments]) == 0
    return tmp_path / "results"


@pytest.mark.parametrize(
    ("measure", "level", "name"),
    [
        ("ndcg@10", 1, "nDCG@10"),
        ("ndcg@10", 2, "nDCG@10"),
        ("mrr@10", 1, "RR@10"),
        ("mrr@10", 2, "RR(rel=2)@10"),
        ("map", 1, "AP"),
        ("map", 2, "AP(rel=2)"),
        ("recall@100", 2, "R(rel=2)@100"),
        ("precision@10", 1, "P@10"),
        ("judged@10", 2, "Judged@10"),
        ("recall_cap@100", 1, None),
    ],
)
def test_names_of_ir_measures(measure: str, level: int, name: str | None) -> None:
    assert ir_measures_name(measure, level) == name
    theirs = pytest.importorskip("ir_measures")
    if name:
        assert str(theirs.parse_measure(name)) == name


def test_ir_measures_computes_what_is_exported(results: Path, tmp_path: Path) -> None:
    """Its own program on our exported run, against our exported scores, query by query."""
    theirs = pytest.importorskip("ir_measures")
    found, _ = stored.read(results)
    (run,), _ = exchange.export(found, "trec", tmp_path / "out")
    (scores,), notes = exchange.export(found, "ir-measures", tmp_path / "out")
    assert notes == ["ir_measures has no recall_cap@100"]
    ours = {tuple(line.split("\t")[:2]): float(line.split("\t")[2]) for line in scores.read_text().splitlines()}
    names = {name for _, name in ours} - {"Judged@10"}  # it divides by 10, also where fewer were retrieved
    qrels = [theirs.Qrel(query, doc, grade) for query, doc, grade in toy.QRELS]
    retrieved = list(theirs.read_trec_run(gzip.decompress(run.read_bytes()).decode()))
    for one in theirs.iter_calc([theirs.parse_measure(name) for name in names], qrels, retrieved):
        assert ours[one.query_id, str(one.measure)] == pytest.approx(one.value, abs=1e-6)
    means = {
        str(name): value
        for name, value in theirs.calc_aggregate(list(map(theirs.parse_measure, names)), qrels, retrieved).items()
    }
    assert {name: ours["all", name] for name in names} == pytest.approx(means, abs=1e-6)


def test_an_exported_run_is_the_run(results: Path, tmp_path: Path) -> None:
    found, _ = stored.read(results)
    (path,), _ = exchange.export(found, "trec", tmp_path / "out")
    assert runs.read(path) == runs.read(found[0].folder / "run.trec.gz")
    (found[0].folder / "run.trec.gz").unlink()
    assert exchange.export(found, "trec", tmp_path / "more") == (
        [], ["theirs on toy: run.trec.gz is not here; run the system again to have it"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "task", "split"),
    [
        ("scifact", "SciFact", "test"),
        ("webis-touche2020", "Touche2020", "test"),
        ("cqadupstack-tex", "CQADupstackTexRetrieval", "test"),
        ("msmarco-dev", "MSMARCO", "dev"),
        ("trec-dl-2019", "MSMARCO", "test"),
    ],
)
def test_names_of_tasks_and_back(dataset: str, task: str, split: str) -> None:
    assert (mteb.task_of(dataset), mteb.dataset_of(task, split)) == (task, dataset)


def test_every_dataset_comes_back(tmp_path: Path) -> None:
    for name, row in rows().items():
        assert mteb.dataset_of(mteb.task_of(name), row.split) == name


def test_mteb_out_and_in_again(tmp_path: Path) -> None:
    scores = {"ndcg@10": [0.5, 0.75], "mrr@10": [0.25, 0.5], "map": [0.1, 0.2], "recall_cap@100": [1.0, 1.0]}
    add(tmp_path / "a", "ours", "scifact", scores)
    found, _ = stored.read(tmp_path / "a")
    (path,), notes = exchange.export(found, "mteb", tmp_path / "out")
    assert path == tmp_path / "out/ours/SciFact.json"
    assert notes == ["scifact: MTEB's format has no place for R_cap@100"]
    body = json.loads(path.read_text())
    assert body["mteb_dataset_name"] == body["task_name"] == "SciFact"
    assert body["scores"]["test"] == [
        {
            "ndcg_at_10": 0.625, "mrr_at_10": 0.375, "map_at_1000": pytest.approx(0.15), "main_score": 0.625,
            "hf_subset": "default", "languages": ["eng-Latn"],
        }
    ]  # fmt: skip
    (back,) = imported.import_mteb(path, "again", tmp_path / "b")
    assert back.scores == {"ndcg@10": 0.625, "mrr@10": 0.375, "map": pytest.approx(0.15)}
    assert imported.read(tmp_path / "b") == ([back], [])


def test_measures_that_would_mean_another_thing_are_left_out(tmp_path: Path) -> None:
    changes = {"split": "test", "fingerprint": {"relevance_level": 2}}
    add(tmp_path, "ours", "trec-dl-2019", {"ndcg@10": [0.5], "mrr@10": [0.5]}, **changes)
    (path,), notes = exchange.export(stored.read(tmp_path)[0], "mteb", tmp_path / "out")
    assert path.name == "MSMARCO-test.json"
    assert "mrr_at_10" not in json.loads(path.read_text())["scores"]["test"][0]
    assert notes == ["trec-dl-2019: MTEB's format has no place for MRR@10"]


@pytest.mark.parametrize(
    "body",
    [
        {"mteb_dataset_name": "SciFact", "mteb_version": "0.0.2", "test": {"evaluation_time": 3, "ndcg_at_10": 0.5}},
        {"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": 0.5, "hf_subset": "default"}], "train": []}},
    ],
)
def test_both_forms_are_read(tmp_path: Path, body: dict) -> None:
    (tmp_path / "x.json").write_text(json.dumps(body))
    assert mteb.read(tmp_path / "x.json")[2] == {"scifact": {"ndcg@10": 0.5}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "is no MTEB result"),
        ('{"task_name": "Banking77", "scores": {"test": [{"accuracy": 0.5}]}}', "no scores of a dataset known here"),
        ('{"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": 67.9}]}}', "not a number between 0 and 1"),
        ('{"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": "x"}]}}', "not a number between 0 and 1"),
    ],
)
def test_what_is_no_result(tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "x.json").write_text(text)
    assert main(["import", str(tmp_path / "x.json"), "--tag", "t", "--results", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_means_never_take_the_place_of_a_run(tmp_path: Path) -> None:
    add(tmp_path, "ours", "scifact", [0.5])
    (tmp_path / "x.json").write_text('{"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": 0.5}]}}')
    (tmp_path / "y.json").write_text('{"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": 0.6}]}}')
    with pytest.raises(HarnessError, match="ours has a run on scifact"):
        imported.import_mteb(tmp_path / "x.json", "ours", tmp_path)
    imported.import_mteb(tmp_path / "x.json", "theirs", tmp_path)
    imported.import_mteb(tmp_path / "x.json", "theirs", tmp_path)
    with pytest.raises(HarnessError, match="holds other means; --overwrite"):
        imported.import_mteb(tmp_path / "y.json", "theirs", tmp_path)
    imported.import_mteb(tmp_path / "y.json", "theirs", tmp_path, overwrite=True)
    assert imported.read(tmp_path)[0][0].scores == {"ndcg@10": 0.6}
    assert [result.tag for result in stored.read(tmp_path)[0]] == ["ours"]


def test_means_are_listed_as_what_can_be_renamed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "x.json").write_text('{"task_name": "SciFact", "scores": {"test": [{"ndcg_at_10": 0.5}]}}')
    imported.import_mteb(tmp_path / "x.json", "theirs", tmp_path)
    for named in ("theirs", "ours"):
        assert main(["list", "results", "--results", str(tmp_path), "--json"]) == 0
        told = capsys.readouterr()
        [row] = json.loads(told.out)
        assert (row["tag"], row["dataset"], row["score"], row["queries"]) == (named, "scifact", 0.5, None)
        assert "note: what has no queries are means that `import` took over" in told.err
        assert main(["results", "rename", "theirs", "ours", "--results", str(tmp_path)]) == 2 * (named == "ours")
        capsys.readouterr()


def test_the_commands(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    capsys.readouterr()
    for form, name in (("mteb", "toy.json"), ("trec", "toy.trec.gz"), ("ir-measures", "toy.tsv")):
        assert main(["export", "--format", form, "--output", str(tmp_path / "o"), "--results", str(results)]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'o/theirs' / name}\n"
    assert importlib.import_module("harness.commands.import").HELP


@pytest.mark.parametrize("packed", [False, True])
def test_a_run_that_is_imported_is_sent_to_score(tmp_path: Path, packed: bool, capsys: pytest.CaptureFixture) -> None:
    path, text = tmp_path / f"run.trec{'.gz' * packed}", b"q1 Q0 d1 1 0.5 t\n"
    path.write_bytes(gzip.compress(text) if packed else text)
    assert main(["import", str(path), "--tag", "t", "--results", str(tmp_path)]) == 2
    assert "is a run file, not a result of MTEB; `beir-harness score` takes runs" in capsys.readouterr().err

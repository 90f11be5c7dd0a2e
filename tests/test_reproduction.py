"""Measured against published: the verdict at each distance, the cause for each known mistake, the table itself."""

import gzip
import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.datasets import dataset_table
from harness.published import reference, reproduction
from harness.published.reference import figures
from harness.published.reproduction import judged
from harness.published.subject import Subject
from harness.results import Result

BM25 = {"k1": 0.9, "b": 0.4, "stemmer": "default", "language": "en", "threads": 2, "heap": "2g"}
FLAT, MULTI = {"fields": "flat", **BM25}, {"fields": "multifield", **BM25}
TUNED = FLAT | {"k1": 0.82, "b": 0.68}


def manifest(dataset, arguments, scores, retriever="bm25", tag="t", k=1000, **changes):
    """The part of a manifest that the comparison reads, of a sound result unless `changes` say otherwise."""
    row = dataset_table.rows().get(dataset)
    judged = changes.get("judged", row.queries if row else 10)
    return {
        "schema": 1,
        "tag": tag,
        "dataset": dataset,
        "k": k,
        "retriever": {"name": retriever, "arguments": {}, "all_arguments": arguments},
        "data": {"qrels": changes.get("qrels", row.qrels if row else 20)},
        "queries": {"judged": judged, "answered": changes.get("answered", judged)},
        "run": {"dropped_self": changes.get("dropped_self", 9)},
        "primary_measure": next(iter(scores)),
        "scores": scores,
        "complete": True,
    }


def subject(*arguments, **more):
    """What `manifest` makes, whose means are those of its scores."""
    body = manifest(*arguments, **more)
    result = Result(Path(), body["tag"], body["dataset"], body)
    vars(result)["means"] = body["scores"]  # as if there were scores
    return Subject.of(result)


DISTANCES = [
    (0.6789, "ok"), (0.6794, "ok"), (0.6784, "ok"), (0.6795, "close"), (0.6739, "close"), (0.6738, "differs"),
]  # fmt: skip


@pytest.mark.parametrize(("measured", "status"), DISTANCES)
def test_status_is_distance(measured, status):
    (verdict,) = judged([subject("scifact", FLAT, {"ndcg@10": measured})])
    assert (verdict.status, verdict.published, verdict.system) == (status, 0.6789, "BM25 flat")
    assert bool(verdict.cause) == (status == "differs")
    assert "castorini/pyserini" in verdict.source


FACTS = [  # told by the manifest
    ("msmarco-dev", FLAT, {"mrr@10": 0.7}, {"judged": 43}, "43 judged queries instead of 6,980, as trec-dl-2019 has"),
    ("msmarco", FLAT, {"mrr@10": 0.7}, {"judged": 43}, "trec-dl-2019 was scored as msmarco-dev"),
    ("arguana", MULTI, {"ndcg@10": 0.33}, {"dropped_self": 0}, "own documents kept: arguana's queries are documents"),
    ("webis-touche2020", FLAT, {"ndcg@10": 0.5}, {"qrels": 932}, "another version of the judgments: 932 rows"),
    ("scifact", FLAT, {"recall@1000": 0.9253}, {"k": 100}, "truncated depth: the run is cut at 100 documents"),
    ("cacm", FLAT, {"map": 0.28}, {"k": 100}, "truncated depth"),
    ("scifact", FLAT, {"ndcg@10": 0.5}, {"answered": 200}, "only 200 of 300 judged queries have results"),
]
LOOKS = [  # told by the score
    ("msmarco-dev", TUNED, "ndcg@10", 0.4973, "0.4973 is the figure of trec-dl-2019: trec-dl-2019 was scored as"),
    ("msmarco-dev", TUNED, "ndcg@10", 0.4771, "0.4769 is known: BEIR's MS MARCO split `test`"),
    ("trec-dl-2019", FLAT, "ndcg@10", 0.4796, "0.4796 is the figure of trec-dl-2020"),
    ("arguana", MULTI, "ndcg@10", 0.3152, "0.315 is known: the early BM25 figure of the BEIR paper, which nobody"),
    ("scifact", MULTI, "ndcg@10", 0.6789, "0.6789 is the figure for fields=flat"),
    ("fever", FLAT, "ndcg@10", 0.7530, "0.7530 is the figure for fields=multifield"),
    ("trec-dl-2019", TUNED, "ndcg@10", 0.5058, "0.5058 is the figure for b=0.4 k1=0.9"),
    ("webis-touche2020", FLAT, "ndcg@10", 0.598, "version 1 of the Touché judgments"),
    ("webis-touche2020", FLAT, "ndcg@10", 0.657, "version 3 of the Touché judgments"),
    ("scifact", {"model": "BAAI/bge-base-en-v1.5"}, "ndcg@10", 0.6, "needs the query prompt"),
    ("scifact", FLAT, "ndcg@10", 0.5, "no known cause fits"),
]
CASES = FACTS + [(dataset, args, {measure: score}, {}, cause) for dataset, args, measure, score, cause in LOOKS]


@pytest.mark.parametrize(("dataset", "arguments", "scores", "changes", "cause"), CASES)
def test_a_difference_has_its_likely_cause(dataset, arguments, scores, changes, cause):
    (verdict,) = judged([subject(dataset, arguments, scores, **changes)])
    assert verdict.status == "differs"
    assert cause in verdict.cause


def test_a_sound_result_has_no_cause_beside_it():
    for dataset, arguments, score in [("arguana", MULTI, 0.4142), ("webis-touche2020", FLAT, 0.4422)]:
        (verdict,) = judged([subject(dataset, arguments, {"ndcg@10": score}, dropped_self=0)])
        assert (verdict.status, verdict.cause) == ("ok", "")


def test_titled_passages_are_not_compared():
    model = {"model": "/models/RetroMAE_MSMARCO_distill", "threads": 2}
    (verdict,) = judged([subject("msmarco-dev", model, {"mrr@10": 0.35}, "retromae")])
    assert (verdict.status, verdict.published) == ("not comparable", 0.416)
    assert "RocketQA's titled passages" in verdict.cause


def test_a_result_without_a_figure_says_for_what_there_is_one():
    results = [
        subject("scifact", FLAT | {"k1": 1.2}, {"ndcg@10": 0.68}),
        subject("sample", FLAT, {"ndcg@10": 0.5}, tag="u"),
    ]
    first, second = judged(results)
    assert (first.status, first.published) == ("no figure", None)
    assert "fields=flat k1=0.9 b=0.4" in first.cause and "fields=multifield" in first.cause
    assert (second.status, second.cause) == ("no figure", "")


def test_of_two_figures_the_nearest_counts():
    (by_script,) = judged([subject("msmarco-dev", TUNED, {"mrr@10": 0.18741228})])
    (by_trec_eval,) = judged([subject("msmarco-dev", TUNED, {"mrr@10": 0.1875})])
    assert (by_script.published, by_trec_eval.published) == (0.18741227770955546, 0.1875)


def test_context_shows_where_there_is_no_figure_to_reproduce():
    verdicts = judged([subject("scifact", {}, {"ndcg@10": 0.68}, "dupmae")])
    assert [(v.status, v.system, v.published) for v in verdicts] == [
        ("context", "DupMAE", 0.699), ("context", "DupMAE†", 0.725)
    ]  # fmt: skip


def test_groups_are_means_over_their_units():
    rows = [row for row in dataset_table.rows().values() if row.group == "beir"]
    published = {f.dataset: f.value for f in figures() if f.system == "BM25 flat" and f.measure == "ndcg@10"}
    results = [subject(row.name, FLAT, {"ndcg@10": published[row.name]}) for row in rows]
    found = {verdict.dataset: verdict for verdict in judged(results)}
    assert len(rows) == 29 and len(found) == 32
    assert {verdict.status for verdict in found.values()} == {"ok"}
    assert {name: found[name].published for name in ("cqadupstack", "beir", "beir-public")} == {
        "cqadupstack": published["cqadupstack"], "beir": 0.4244, "beir-public": 0.4274
    }  # fmt: skip
    short = {verdict.dataset for verdict in judged([result for result in results if result.dataset != "bioasq"])}
    assert "beir" not in short and "beir-public" in short


def test_the_table_is_sound():
    known = {*dataset_table.rows(), *dataset_table.collections(), "cqadupstack", "beir", "beir-public", "cacm"}
    for figure in figures():
        assert figure.dataset in known and figure.kind in reference.KINDS and figure.source and figure.system, figure
        assert 0 < figure.value < 1 and figure.retriever + figure.arguments, figure
        assert figure.measure.partition("@")[0] in {"ndcg", "mrr", "map", "recall", "precision"}, figure
        assert all(pair.count("=") == 1 for pair in figure.arguments.split()), figure
        assert figure.kind != "trap" or figure.note, figure
    assert len({figure[:6] for figure in figures()}) == len(figures())


def test_the_faults_of_the_printed_tables_are_noted():
    notes = {(f.dataset, f.system, f.printed): (f.kind, f.note) for f in figures() if f.note}
    contriever = "Contriever (as in the RetroMAE-2 paper)"
    assert "not the mean of its column, which is .4436" in notes["beir", contriever, "0.448"][1]
    assert notes["arguana", "BM25 (BEIR paper)", "0.315"][0] == "trap"
    assert "pre-trained further" in notes["beir", "DupMAE†", "0.491"][1]


IDENTITY = [
    ({"fields": "flat", "k1": 1}, "fields=flat k1=1.0", True),
    ({"fields": "flat", "k1": 0.9}, "fields=flat k1=0.82", False),
    ({"fields": "flat"}, "fields=flat k1=0.9", False),
    ({"stemmer": "porter"}, "stemmer=default|porter", True),
    ({"stemmer": "krovetz"}, "stemmer=default|porter", False),
    ({"checkpoint": "Shitao/RetroMAE_BEIR"}, "model=Shitao/RetroMAE_BEIR", True),
    ({"name": "/models/RetroMAE_BEIR/"}, "model=Shitao/RetroMAE_BEIR", True),
    ({"name": "RetroMAE_BEIR"}, "model=Shitao/RetroMAE_BEIR", True),
    ({"name": "RetroMAE"}, "model=Shitao/RetroMAE_BEIR", False),
    ({"flag": True}, "flag=1", False),
]


@pytest.mark.parametrize(("arguments", "wanted", "fits"), IDENTITY)
def test_a_figure_is_of_a_result_with_all_its_arguments(arguments, wanted, fits):
    figure = reference.Figure("scifact", "s", "", wanted, "ndcg@10", "0.5", "figure", "", "here")
    assert reference.is_of(figure, "any", arguments) is fits
    assert not reference.is_of(figure._replace(retriever="bm25"), "retromae", arguments)


@pytest.mark.parametrize(("printed", "rounding"), [("0.6789", 0.00005), ("0.60", 0.005), ("0.452", 0.0005)])
def test_rounding(printed, rounding):
    figure = figures()[0]._replace(printed=printed)
    assert figure.rounding == pytest.approx(rounding)


@pytest.mark.parametrize(
    ("score", "code", "summary"), [(0.6789, 0, "1 ok"), (0.676, 0, "1 close"), (0.5, 1, "1 differs")]
)
def test_the_command_reads_manifests_and_its_exit_code_says_it_all(score, code, summary, tmp_path, capsys):
    place = tmp_path / "runs" / "t" / "scifact"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps(manifest("scifact", FLAT, {"ndcg@10": score})))
    (place / "scores.tsv.gz").write_bytes(gzip.compress(f"query_id\tndcg@10\n1\t{score}\n".encode()))
    (tmp_path / "runs" / "t" / "nfcorpus").mkdir()
    assert main(["verify", "--results", str(tmp_path)]) == code
    output = capsys.readouterr()
    assert output.out.splitlines()[-1] == summary and "not finished" in output.err
    assert main(["verify", "--results", str(tmp_path), "--json"]) == code
    body = json.loads(capsys.readouterr().out)
    assert body["count"] == {summary.split()[1]: 1}
    assert body["verdicts"][0] | {"cause": ""} == {
        "status": summary.split()[1], "tag": "t", "dataset": "scifact", "measure": "ndcg@10", "measured": score,
        "published": 0.6789, "system": "BM25 flat", "cause": "", "source": figures()[0].source,
    }  # fmt: skip


def test_no_results_is_an_error_with_the_cure(tmp_path, capsys):
    assert main(["verify", "--results", str(tmp_path)]) == 2
    assert "no finished results" in capsys.readouterr().err


def test_bounds_are_those_of_the_text():
    assert (reproduction.OK, reproduction.CLOSE) == (0.0005, 0.005)
    assert "within .0005" in reproduction.__doc__ and "within .005\n" in reproduction.__doc__

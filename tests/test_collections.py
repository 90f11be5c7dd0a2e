"""Collections that the package names and other libraries hold: names, measures, groups, suites, figures."""

import tomllib

import pytest

from harness import datasets
from harness.cli import main
from harness.datasets import dataset_table
from harness.datasets.dataset_table import collections, groups
from harness.errors import HarnessError
from harness.measures import parse
from harness.published.reference import figures
from harness.running import suites
from retrievers.anserini.lucene import LANGUAGES


@pytest.mark.parametrize(
    ("group", "count", "measure"),
    [("nano", 13, "ndcg@10"), ("bright", 12, "ndcg@10"), ("lotte", 10, "success@5"), ("miracl", 18, "ndcg@10"),
     ("mr-tydi", 11, "mrr@100"), ("trec-dl-v2", 3, "ndcg@10"), ("neuclir", 6, "ndcg@20")],
)  # fmt: skip
def test_groups_and_their_official_measures(group: str, count: int, measure: str) -> None:
    members = groups()[group]
    assert len(members) == count and {collections()[name].measure for name in members} == {measure}
    assert str(parse(measure)) == measure
    assert datasets.expand([group]) == list(members)


def test_trec_holds_the_deep_learning_tracks_of_the_table_too() -> None:
    assert groups()["trec"][:3] == ("trec-dl-2019", "trec-dl-2020", "trec-dl-2021")
    assert not set(collections()) & set(dataset_table.rows())
    assert not set(groups()["all"]) & set(collections())


@pytest.mark.parametrize("one", collections().values(), ids=lambda one: one.name)
def test_every_source_is_an_id_of_ir_datasets_with_all_that_is_needed(one) -> None:
    ir_datasets = pytest.importorskip("ir_datasets")
    prefix, _, name = one.source.partition(":")
    found = ir_datasets.load(name)
    assert prefix == "irds" and found.has_docs() and found.has_queries() and found.has_qrels()
    assert datasets.name_of(one.name) == one.name


@pytest.mark.parametrize("name", ["nano", "bright", "lotte", "miracl", "mr-tydi", "trec"])
def test_suites(name: str) -> None:
    suite = suites.load(name)
    assert suite.datasets == (name,)
    raw = tomllib.loads((suites.FOLDER / f"{name}.toml").read_text())
    for dataset, arguments in raw["system"][0].get("on", {}).items():
        assert arguments["language"] in LANGUAGES and dataset.endswith(f"-{arguments['language']}")


def test_figures_are_of_these_datasets_under_their_measures() -> None:
    for name in ("miracl", "mr-tydi", "bright"):
        found = [one for one in figures() if one.dataset in groups()[name]]
        official = {one.dataset for one in found if one.measure == collections()[one.dataset].measure}
        assert len(official) == len(groups()[name]) - (name == "miracl")  # BM25 of Yoruba is of words cut beforehand


def test_a_collection_is_loaded_with_its_rules(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(HarnessError, match="irds:nano-beir/arguana is not here whole and downloading is off"):
        datasets.load("nano-arguana", download=False)
    assert main(["run", "bm25", "--dataset", "nano-arguanna"]) == 2
    assert "did you mean 'nano-arguana'" in capsys.readouterr().err

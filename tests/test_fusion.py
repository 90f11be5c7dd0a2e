"""Fusion as a retriever: what it refuses, what it does with runs that do not match, and the way through the harness."""

import json
import re

import pytest

import toy
from harness import datasets
from harness.conformance import CHECKS
from harness.errors import HarnessError
from harness.files import sha256
from harness.plugins.constructor import checked
from harness.records import Query, ScoredDoc
from harness.results import manifest
from harness.running import runner, suites
from harness.running.foreign import score_file
from harness.runs import order, write
from retrievers.fusion import Fusion

QUERIES = [Query(name, "") for name in ("q1", "q2", "q3", "q4")]
RUNS = {
    "a": {"q1": {"d1": 3.0, "d2": 2.0, "d3": 1.0}, "q2": {"d1": 5.0, "d4": 5.0}},
    "b": {"q1": {"d2": 9.0, "d4": 5.0, "d1": 1.0}, "q3": {"d9": -2.0}},
}


def lay(folder, runs=RUNS):
    """Write run files where the harness puts them."""
    for tag, queries in runs.items():
        hits = [ScoredDoc(query_id, *pair) for query_id, docs in queries.items() for pair in docs.items()]
        write(order(hits, QUERIES, 1000), folder / "runs" / f"{tag}.trec.gz", tag)
    return folder


def fused(folder, k=10, queries=QUERIES, **arguments):
    retriever = Fusion(**{"systems": ["a", "b"], **arguments})
    retriever.load(folder)
    found = {}
    for query_id, doc_id, score in retriever.search(iter(queries), k):
        found.setdefault(query_id, {})[doc_id] = score
    return found


def test_fuses_what_there_is(tmp_path):
    found = fused(lay(tmp_path), method="sum")
    assert found["q1"] == {"d2": 1.5, "d1": 1.0, "d4": 0.5, "d3": 0.0}  # d3 and d4 in one run only
    assert list(found["q1"]) == ["d2", "d1", "d4", "d3"]
    assert found["q2"] == {"d4": 0.0, "d1": 0.0}  # only one system answered, with a tie
    assert found["q3"] == {"d9": 0.0}
    assert "q4" not in found  # nobody answered


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_cut_is_in_the_total_order(tmp_path, k):
    folder = lay(tmp_path, {"a": {"q1": {"d1": 1.0, "d2": 1.0, "d10": 1.0}}})
    assert list(fused(folder, k, systems=["a"], norm="max", method="sum")["q1"]) == ["d2", "d10", "d1"][:k]


def test_one_system_keeps_its_order(tmp_path):
    found = fused(lay(tmp_path), systems=["a"])
    assert {query_id: list(docs) for query_id, docs in found.items()} == {"q1": ["d1", "d2", "d3"], "q2": ["d4", "d1"]}


def test_no_norm_takes_the_scores_as_they_are(tmp_path):
    for norm in (None, "none"):
        assert fused(lay(tmp_path / str(norm)), norm=norm, method="max")["q1"]["d2"] == 9.0


def test_params_from_a_file(tmp_path):
    (tmp_path / "weights.json").write_text(json.dumps({"weights": [0.3, 0.7]}))
    path, folder = str(tmp_path / "weights.json"), lay(tmp_path)
    given = {"method": "wsum", "params": {"weights": [0.3, 0.7]}}
    assert fused(folder, **given) == fused(folder, method="wsum", params=path)
    before = Fusion(["a", "b"], "wsum", params=path).fingerprint()
    (tmp_path / "weights.json").write_text(json.dumps({"weights": [0.5, 0.5]}))
    assert Fusion(["a", "b"], "wsum", params=path).fingerprint() != before
    assert Fusion(["a", "b"], **given).fingerprint() == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"systems": []}, "name the systems to fuse"),
        ({"systems": ["a", "b", "a"]}, "'a' is named twice"),
        ({"systems": ["../a"]}, "'../a' is no tag"),
        ({"method": "rff"}, "unknown fusion method 'rff'; did you mean 'rrf'?"),
        ({"norm": "minmax"}, "unknown normalisation 'minmax'; did you mean 'min-max'?"),
        ({"params": {"kk": 3}}, "unknown parameter of rrf 'kk'; did you mean 'k'?"),
        ({"params": {"k": -1}}, "parameter 'k' is a number from 0 to inf, not -1"),
        ({"params": {"k": True}}, "parameter 'k' is a number"),
        ({"method": "sum", "params": {"k": 1}}, "method sum takes no params"),
        ({"method": "wsum"}, "method wsum needs params with weights; `beir-harness tune fusion` finds them"),
        ({"method": "wsum", "params": {"weights": [1.0]}}, "parameter 'weights' is a list of 2 numbers, one a system"),
        ({"method": "wsum", "params": {"weights": [1.0, float("inf")]}}, "parameter 'weights' is a list of 2 numbers"),
        ({"method": "posfuse", "params": {"probs": [[0.1], []]}}, "parameter 'probs' is a list of 2 lists of numbers"),
        ({"method": "slidefuse", "params": {"probs": [[1], [1]], "w": 1.5}}, "parameter 'w' is a whole number from 0"),
        ({"params": "nowhere.json"}, "params is 'nowhere.json': neither a JSON object nor a file of one"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(message)):
        Fusion(**{"systems": ["a", "b"], **arguments})


def test_a_params_file_that_is_no_object(tmp_path):
    for text, message in (("[1]", "holds no JSON object"), ("{", "is not JSON")):
        (tmp_path / "params.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            Fusion(["a"], params=str(tmp_path / "params.json"))


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run of 'c'"):
        fused(lay(tmp_path), systems=["a", "c"])
    with pytest.raises(ValueError, match="load the runs"):
        next(Fusion(["a"]).search(QUERIES, 1))


class FusionOfToys(Fusion):
    """Fusion whose runs are made in `index`, as the conformance suite has no other systems: two counts of letters."""

    def __init__(self, method: str = "mnz", norm: str = "min-max", params: dict | None = None) -> None:
        super().__init__(["one", "two"], method, norm, params)

    def index(self, docs, folder):
        from harness.conformance import collection as c

        docs, queries = list(docs), (*c.QUERIES, *c.EMPTY_QUERIES, *c.UNICODE_QUERIES)
        for tag, words in (("one", str.split), ("two", set)):
            hits = [
                ScoredDoc(query.query_id, doc.doc_id, float(len(set(words(query.text)) & set(words(doc.text)))))
                for query in {query.query_id: query for query in queries}.values()
                for doc in docs
            ]
            write(order(hits, queries, 1000), folder / "runs" / f"{tag}.trec.gz", tag)
        super().index(docs, folder)


@pytest.mark.parametrize("method", ["rrf", "mnz", "bordafuse", "condorcet"])
@pytest.mark.parametrize("law", CHECKS, ids=lambda law: law.__name__)
def test_conforms(law, method, tmp_path):
    law(lambda: FusionOfToys(method), tmp_path)


@pytest.fixture
def filed(tmp_path):
    """The toy collection and the results of two systems on it."""
    dataset = datasets.load(str(toy.write(tmp_path / "toy")))
    for tag, docs in (("a", ("d1", "d2", "d3")), ("b", ("d2", "d4", "d1"))):
        lines = [f"{q} Q0 {doc} 0 {9 - rank} {tag}\n" for q in ("q1", "q2") for rank, doc in enumerate(docs)]
        (tmp_path / f"{tag}.trec").write_text("".join(lines))
        score_file(tmp_path / f"{tag}.trec", dataset, tag, 1000, tmp_path / "results")
    return dataset, tmp_path


def run(dataset, folder, **arguments):
    system = suites.system("fusion", checked(Fusion, {"systems": ["a", "b"], **arguments}), "fused")
    return runner.run(system, dataset, 1000, folder / "results", folder / "cache")


def test_through_the_harness(filed):
    dataset, folder = filed
    outcome = run(dataset, folder)
    assert (outcome.status, outcome.result.answered) == ("done", 2)
    read = {sha256(folder / "results" / "runs" / tag / "toy" / manifest.RUN) for tag in "ab"}
    assert set(outcome.result.fingerprint["state"]["runs"].values()) == read
    assert outcome.result.facts["systems"]["a"] == {"queries": 2, "deepest": 3}
    assert run(dataset, folder).status == "reused"


def test_a_changed_run_is_another_fusion(filed):
    dataset, folder = filed
    run(dataset, folder)
    (folder / "a.trec").write_text("q1 Q0 d4 0 1 a\nq2 Q0 d3 0 1 a\n")
    score_file(folder / "a.trec", dataset, "a", 1000, folder / "results", overwrite=True)
    with pytest.raises(HarnessError, match="made differently"):
        run(dataset, folder)


def test_a_missing_system_says_how_to_make_it(filed):
    with pytest.raises(HarnessError, match=r"there is no run of 'c' on toy.*--tag c --dataset toy"):
        run(*filed, systems=["a", "c"])

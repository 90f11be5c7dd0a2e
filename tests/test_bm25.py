"""BM25: the published scores, the arithmetic by hand, ties, odd input, and the contract of `index` and `load`."""

import gzip
import json
import math
import random
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval

from harness.records import Doc, Query, ScoredDoc
from retrievers.bm25 import BM25, _falling

TOY = [
    Doc("d1", "the cat sat on the mat", "cats"),
    Doc("d2", "dogs chase cats", "dogs"),
    Doc("d3", "a quiet evening", ""),
    Doc("d4", "", "cat without text"),
    Doc("d5", " \n\t", ""),
]


def made(folder: Path, docs: list[Doc], **arguments: object) -> BM25:
    """A fresh, loaded instance on an index of `docs`."""
    BM25(**arguments).index(iter(docs), folder)  # type: ignore[arg-type]
    bm25 = BM25(**arguments)  # type: ignore[arg-type]
    bm25.load(folder)
    return bm25


def found(bm25: BM25, text: str, k: int = 10) -> dict[str, float]:
    return {doc_id: score for _, doc_id, score in bm25.search([Query("q", text)], k)}


def read(folder: Path) -> tuple[list[Doc], list[Query], dict[str, dict[str, int]]]:
    """A whole collection in BEIR layout: documents, judged queries, qrels."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt") as lines:
        docs = [Doc(row["_id"], row["text"], row.get("title", "")) for row in map(json.loads, lines)]
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query_id, doc_id, relevance = line.split("\t")
        qrels.setdefault(query_id, {})[doc_id] = int(relevance)
    with gzip.open(folder / "queries.jsonl.gz", "rt") as lines:
        queries = [Query(row["_id"], row["text"]) for row in map(json.loads, lines)]
    return docs, [query for query in queries if query.query_id in qrels], qrels


def means(run: dict[str, dict[str, float]], qrels: dict[str, dict[str, int]]) -> dict[str, float]:
    measures = {"ndcg_cut.10", "recall.100,1000", "map", "P.30"}
    scores = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    assert scores.keys() == qrels.keys()
    total = sum((Counter(values) for values in scores.values()), Counter())
    return {measure: round(value / len(qrels), 4) for measure, value in total.items()}


def as_run(hits: list[ScoredDoc]) -> dict[str, dict[str, float]]:
    run: dict[str, dict[str, float]] = {}
    for query_id, doc_id, score in hits:
        run.setdefault(query_id, {})[doc_id] = score
    return run


@pytest.mark.parametrize(
    ("fields", "terms", "expected"),
    [
        ("flat", {"contents": 838_128}, {"ndcg_cut_10": 0.6789, "recall_100": 0.9253, "recall_1000": 0.9767}),
        ("multifield", {"contents": 784_591}, {"ndcg_cut_10": 0.6647, "recall_100": 0.9076, "recall_1000": 0.9800}),
    ],
)
def test_scifact_scores_as_published(
    shared: Path, tmp_path: Path, fields: str, terms: dict[str, int], expected: dict[str, float]
) -> None:
    docs, queries, qrels = read(shared / "collections" / "scifact")
    bm25 = made(tmp_path, docs, fields=fields)
    assert {field: bm25.terms(field) for field in terms} == terms
    scores = means(as_run(list(bm25.search(queries, 1000))), qrels)
    assert {measure: scores[measure] for measure in expected} == expected


def test_cacm_scores_as_published_in_the_order_of_ties_that_anserini_uses(shared: Path, tmp_path: Path) -> None:
    docs, queries, qrels = read(shared / "collections" / "cacm")
    bm25 = made(tmp_path, docs)
    assert bm25.terms("contents") == 320_968
    published = {"map": 0.3123, "P_30": 0.1942, "ndcg_cut_10": 0.4543, "recall_100": 0.6436, "recall_1000": 0.8867}
    assert means(as_run(list(bm25.search(queries, 1000))), qrels) == published
    descending = {"map": 0.3124, "P_30": 0.1942, "ndcg_cut_10": 0.4544, "recall_100": 0.6451, "recall_1000": 0.8867}
    bm25.ties = "equal"
    assert means(as_run(list(bm25.search(queries, 1000))), qrels) == descending


def test_nothing_depends_on_threads_memory_or_the_order_of_documents(shared: Path, tmp_path: Path) -> None:
    docs, queries, _ = read(shared / "collections" / "cacm")
    expected = sorted(made(tmp_path / "one", docs, threads=1).search(queries, 100))
    for threads, heap in [(2, "2g"), (5, "2g"), (2, "2m")]:  # the last makes many segments and merges them
        random.Random(threads).shuffle(docs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Java runs already, with the heap of the first index
            bm25 = made(tmp_path / f"{threads} {heap}", docs, threads=threads, heap=heap)
        assert sorted(bm25.search(queries, 100)) == expected, (threads, heap)


def test_scores_by_hand(tmp_path: Path) -> None:
    docs = [Doc("a", "apple apple pear"), Doc("b", "apple"), Doc("c", "plum")]
    k1, b, average = 0.9, 0.4, 5 / 3

    def score(frequency: int, length: int, holders: int) -> float:
        idf = math.log(1 + (3 - holders + 0.5) / (holders + 0.5))
        return idf * frequency / (frequency + k1 * (1 - b + b * length / average))

    bm25 = made(tmp_path, docs, k1=k1, b=b)
    assert found(bm25, "apple") == pytest.approx({"a": score(2, 3, 2), "b": score(1, 1, 2)})
    assert found(bm25, "apple pear") == pytest.approx({"a": score(2, 3, 2) + score(1, 3, 1), "b": score(1, 1, 2)})
    assert found(bm25, "pear pear") == pytest.approx({"a": 2 * score(1, 3, 1)})


@pytest.mark.parametrize("k", [1, 7, 64, 65, 500, 2999, 3000, 5000])
def test_ties_are_cut_as_asked(tmp_path_factory: pytest.TempPathFactory, k: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "ties"
    ids = [f"d{number}" for number in range(3000)]
    if not folder.exists():
        BM25().index((Doc(doc_id, "the same words") for doc_id in random.Random(1).sample(ids, 3000)), folder)
    bm25 = BM25(ties="equal")
    bm25.load(folder)
    hits = found(bm25, "words", k)
    assert set(hits) == set(sorted(ids, reverse=True)[:k])
    assert len(set(hits.values())) == 1
    bm25.ties = "anserini"
    falling = found(bm25, "words", k)
    assert sorted(falling, key=falling.__getitem__, reverse=True) == sorted(ids)[:k]
    assert list(falling.values()) == pytest.approx(list(hits.values()), rel=1e-3)


def test_falling_scores_change_by_units_in_the_last_place() -> None:
    up = np.nextafter(np.float32(1), np.float32(2))
    scores = np.array([5, 5, 5, up, up, 1, 1, 0.5], np.float32)
    fallen = _falling(scores)
    assert (np.diff(fallen) < 0).all()
    assert fallen[0] == 5
    assert fallen[-1] == np.float32(0.5)
    assert np.abs(fallen.view(np.int32) - scores.view(np.int32)).max() == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("the of and", set()),
        ("unknownword", set()),
        ("cat", {"d1", "d2", "d4"}),
        ("CATS!!", {"d1", "d2", "d4"}),
        ('+cat -dogs "chase" title:dogs (cat^9 OR ~) AND NOT [a TO b] \\ / * ?', {"d1", "d2", "d4"}),
        ("cat\0dogs \ud800 \N{GRINNING FACE} 日本語", {"d1", "d2", "d4"}),
        (" ".join(f"word{number}" for number in range(3000)) + " evening", {"d3"}),
    ],
)
def test_queries_are_bags_of_words(tmp_path: Path, text: str, expected: set[str]) -> None:
    assert set(found(made(tmp_path, TOY), text)) == expected


def test_documents_are_those_that_anserini_indexes(tmp_path: Path) -> None:
    assert set(found(made(tmp_path / "flat", TOY), "cat dogs evening")) == {"d1", "d2", "d3", "d4"}
    multifield = made(tmp_path / "multifield", TOY, fields="multifield")
    assert set(found(multifield, "cat dogs evening")) == {"d1", "d2", "d3"}


def test_odd_documents_keep_their_ids(tmp_path: Path) -> None:
    ids = ["ä/ö", '<dbpedia:"x">', "日本", "\N{GRINNING FACE}", "with space", "x" * 5000]
    docs = [Doc(doc_id, f"word{number} \0 \udc00 \N{GRINNING FACE}") for number, doc_id in enumerate(ids)]
    bm25 = made(tmp_path, docs)
    assert [list(found(bm25, f"word{number}")) for number in range(len(ids))] == [[doc_id] for doc_id in ids]


def test_zero_one_and_many_queries_agree(tmp_path: Path) -> None:
    bm25 = made(tmp_path, TOY)
    queries = [Query(f"q{number}", text) for number, text in enumerate(["cat", "dogs chase", "", "evening cat"] * 50)]
    assert list(bm25.search([], 10)) == list(bm25.search(queries, 0)) == []
    assert list(bm25.search(iter(queries), 10)) == [hit for query in queries for hit in bm25.search([query], 10)]


def test_two_instances_searching_in_turn_do_not_mix(tmp_path: Path) -> None:
    queries = [Query(str(number), f"cat number{number % 7}") for number in range(400)]
    many = [Doc(f"n{number}", f"number{number % 7} cat " * (1 + number % 3)) for number in range(500)]
    left, right = made(tmp_path / "left", TOY, threads=4), made(tmp_path / "right", many, threads=4, k1=2.0)
    expected = list(left.search(queries, 3)), list(right.search(queries, 3))
    streams = left.search(queries, 3), right.search(queries, 3)
    taken: tuple[list[ScoredDoc], list[ScoredDoc]] = [], []
    for side in [0, 1] * 1200:
        taken[side].extend(hit for hit in [next(streams[side], None)] if hit)
    assert taken == expected


@pytest.mark.parametrize(
    ("docs", "message"),
    [
        ([*TOY, Doc("d2", "again")], "document id 'd2' occurs twice"),
        ([Doc("a\nb", "text")], r"document id 'a\\nb' holds a line break"),
    ],
)
def test_ids_that_cannot_be(tmp_path: Path, docs: list[Doc], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BM25().index(docs, tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no finished BM25 index"):
        BM25().load(tmp_path)


def test_an_index_that_broke_off_is_refused_and_redone(tmp_path: Path) -> None:
    def broken() -> object:
        for number in range(5000):
            yield Doc(str(number), "some text")
        raise OSError("the disk went away")

    made(tmp_path, TOY)
    with pytest.raises(OSError, match="the disk went away"):
        BM25().index(broken(), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        BM25().load(tmp_path)
    assert set(found(made(tmp_path, TOY), "cat")) == {"d1", "d2", "d4"}


def test_load_checks_that_the_index_is_whole_and_its_own(tmp_path: Path) -> None:
    made(tmp_path, TOY)
    with pytest.raises(ValueError, match="was made with fields='flat'"):
        BM25(fields="multifield").load(tmp_path)
    with pytest.raises(RuntimeError, match="call load"):
        next(BM25().search([], 10))
    tuned = BM25(k1=0.82, b=0.68)
    tuned.load(tmp_path)
    assert found(tuned, "cat").keys() == {"d1", "d2", "d4"}
    (tmp_path / "doc_ids.txt").write_text("d1\nd2\n")
    with pytest.raises(ValueError, match="do not belong together"):
        BM25().load(tmp_path)


def test_an_empty_collection_finds_nothing(tmp_path: Path) -> None:
    assert found(made(tmp_path, []), "cat") == {}


def test_index_writes_in_its_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "a" / "b", TOY, threads=1)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} >= {"a/b/bm25.json", "a/b/doc_ids.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fields": "title"}, "fields='title' is not one of flat, multifield"),
        ({"stemmer": "snowball"}, "stemmer='snowball' is not one of default, krovetz, none, porter"),
        ({"language": "de", "stemmer": "porter"}, "stemmer='porter' is not one of default"),
        ({"language": "tlh"}, "language='tlh' is not one of ar, bn"),
        ({"k1": -1.0}, "k1 must be finite"),
        ({"k1": math.nan}, "k1 must be finite"),
        ({"b": 1.5}, "b between 0 and 1"),
        ({"threads": 0}, "at least 1"),
        ({"heap": "lots"}, "heap='lots' is not a size"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BM25(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "query", "expected"),
    [
        ({}, "cat university", {"a", "b"}),
        ({"stemmer": "porter"}, "cat university", {"a", "b"}),
        ({"stemmer": "krovetz"}, "cat university", {"a"}),
        ({"stemmer": "none"}, "cat university", set()),
        ({"language": "de"}, "Haus", {"c"}),
    ],
)
def test_analysis(tmp_path: Path, arguments: dict[str, str], query: str, expected: set[str]) -> None:
    docs = [Doc("a", "two cats"), Doc("b", "the universe"), Doc("c", "die Häuser")]
    assert set(found(made(tmp_path, docs, **json.loads(json.dumps(arguments))), query)) == expected


@pytest.mark.parametrize("ties", ["equal", "anserini"])
def test_a_query_without_a_hit_has_none_and_the_others_go_on(tmp_path: Path, ties: str) -> None:
    bm25 = made(tmp_path, [Doc("a", "apple"), Doc("b", "apple pear")], ties=ties)
    queries = [Query("1", "nothing"), Query("2", "pear"), Query("3", ""), Query("4", "apple")]
    assert [hit[:2] for hit in bm25.search(queries, 5)] == [("2", "b"), ("4", "a"), ("4", "b")]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    docs = [Doc("a", "text", "title"), Doc("b", "", "a title alone"), Doc("c", " ", ""), Doc("d", "\t", "and another")]
    flat = made(tmp_path / "flat", docs)
    assert flat.facts() == {"documents": 3, "left_out": 1, "left_out_with_title": 0}
    both = made(tmp_path / "both", docs, fields="multifield")
    assert both.facts() == {"documents": 1, "left_out": 3, "left_out_with_title": 2}

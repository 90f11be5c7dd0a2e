"""Reranking: the scorer's own scores, pair by pair; the input's order below; nothing scored twice after a kill."""

import json
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import torch

from dense.tiny import DOCS, save_sentence_transformer
from families import tiny
from harness import runs
from harness.records import Doc, Query, ScoredDoc
from retrievers import rerank
from retrievers.rerank import Reranker, adapt
from retrievers.reranking.blocks import blocks
from retrievers.reranking.texts import Texts, write

QUERIES = [Query("q1", "heart failure"), Query("q2", "mice of the cells"), Query("q3", "nothing found")]
MANY = [*DOCS, *(Doc(f"e{number}", f"heart {'mice ' * number}", "") for number in range(30))]


class Lengths:
    """Scores a pair by the lengths of its texts; counts the pairs that it was asked for, but for one alone, a test."""

    def __init__(self, sign: float = 1.0, fault: str = "") -> None:
        self.sign, self.fault, self.asked = sign, fault, 0

    def score(self, queries: list[str], docs: list[str]) -> np.ndarray:
        self.asked += len(docs) if len(docs) > 1 else 0
        if self.fault == "stop" and self.asked > 40:
            raise KeyboardInterrupt
        scores = np.array([self.sign * len(doc) for doc in docs], np.float32)
        return {
            "nan": scores * np.nan, "short": scores[1:], "words": "abc", "1j": scores * 1j, "huge": [1e99] * len(docs),
            "integers": [10**400] * len(docs), "text": ["1.5"] * len(docs), "bf16": torch.tensor(scores).bfloat16(),
        }.get(self.fault, scores)  # fmt: skip


Scored = adapt(Lengths)


def laid(folder: Path, docs: list[Doc] = MANY, queries: list[Query] = QUERIES[:2]) -> Path:
    """An index folder with the run of `first`: every document for each of the queries, in the order of ids."""
    hits = [ScoredDoc(query.query_id, doc.doc_id, float(-at)) for query in queries for at, doc in enumerate(docs)]
    runs.write(runs.order(hits, queries, 1000), folder / "runs" / "first.trec.gz", "first")
    return folder


def ready(folder: Path, made: Reranker, docs: list[Doc] = MANY) -> Reranker:
    made.index(iter(docs), laid(folder, docs))
    made.load(folder)
    return made


def test_scores_are_those_of_predict_pair_by_pair(tmp_path) -> None:
    made = rerank.Rerank(
        system="first", model=str(tiny.cross_encoder(tmp_path)), depth=20, device="cpu", batch_tokens=1
    )
    found = list(ready(tmp_path / "index", made).search(iter(QUERIES), 20))
    texts = {doc.doc_id: f"{doc.title} {doc.text}".strip() for doc in MANY}
    asked = {query.query_id: query.text for query in QUERIES}
    model = made.scorer.own.model
    for hit in found:
        assert hit.score == float(model.predict([(asked[hit.query_id], texts[hit.doc_id])], show_progress_bar=False)[0])
    assert [hit.query_id for hit in found] == ["q1"] * 20 + ["q2"] * 20
    assert {hit.doc_id for hit in found} == {doc.doc_id for doc in MANY[:20]}


def test_the_tail_follows_in_its_order(tmp_path) -> None:
    made = ready(tmp_path, Scored(system="first", depth=6))
    found = [hit for hit in made.search(iter(QUERIES), 30) if hit.query_id == "q1"]
    first = sorted(MANY[:6], key=lambda doc: (len(f"{doc.title} {doc.text}".strip()), doc.doc_id), reverse=True)
    assert [hit.doc_id for hit in found] == [doc.doc_id for doc in (*first, *MANY[6:30])]
    scores = np.array([hit.score for hit in found], np.float32)
    assert (np.diff(scores[5:]) < 0).all()
    without = ready(tmp_path / "b", Scored(system="first", depth=6, tail=False))
    assert [hit for hit in without.search(iter(QUERIES), 30) if hit.query_id == "q1"] == found[:6]


@pytest.mark.parametrize("last", [-3e8, 1e-9, -3e30])
def test_the_tail_stays_below_scores_of_any_size(tmp_path, last: float) -> None:
    made = Scored(system="first", depth=2, sign=last)
    found = list(ready(tmp_path, made).search(QUERIES[:1], 36))
    assert (np.diff(np.array([hit.score for hit in found[1:]], np.float32)) < 0).all()


def test_a_deeper_search_scores_only_what_is_new(tmp_path) -> None:
    ready(tmp_path, Scored(system="first", depth=20))
    first = Scored(system="first", depth=20)
    first.load(tmp_path)
    shallow = list(first.search(iter(QUERIES), 100))
    assert first.scorer.asked == 40 and first.earlier_s == 0
    deep = Scored(system="first", depth=36)
    deep.load(tmp_path)
    found = list(deep.search(iter(QUERIES), 100))
    assert deep.scorer.asked == 32 and deep.earlier_s > 0
    again = Scored(system="first", depth=20)  # in the folder of the deeper one
    again.load(tmp_path)
    assert list(again.search(iter(QUERIES), 100)) == shallow and again.scorer.asked == 0
    list(again.search(iter(QUERIES), 100))
    assert again.scorer.asked == 40  # a repeated search, of which latencies are measured, does its work
    once_more = Scored(system="first", depth=36)
    once_more.load(tmp_path)
    assert list(once_more.search(iter(QUERIES), 100)) == found and once_more.scorer.asked == 0  # and takes nothing away
    fresh = Scored(system="first", depth=36)
    assert list(ready(tmp_path / "fresh", fresh).search(iter(QUERIES), 100)) == found


class Company(Lengths):
    """Its score depends on how many pairs it sees at a time, as rounding does."""

    def score(self, queries: list[str], docs: list[str]) -> np.ndarray:
        sleep(0.02)
        return super().score(queries, docs) + np.float32(len(docs) / 64)


def test_neither_scores_nor_seconds_depend_on_what_was_searched_before(tmp_path) -> None:
    made = adapt(Company)
    alone = list(ready(tmp_path / "alone", made(system="first", depth=30)).search(iter(QUERIES), 100))
    deep = ready(tmp_path / "both", made(system="first", depth=36))
    list(deep.search(iter(QUERIES), 100))
    shallow = made(system="first", depth=20)
    shallow.load(tmp_path / "both")
    list(shallow.search(iter(QUERIES), 100))
    assert 0.08 <= shallow.earlier_s < 0.16 and shallow.scorer.asked == 0  # the first two blocks of two queries
    between = made(system="first", depth=30)
    between.load(tmp_path / "both")
    assert list(between.search(iter(QUERIES), 100)) == alone


def test_half_a_character_is_named(tmp_path) -> None:
    docs = [Doc("a", "heart", ""), Doc("b", "mice \ud800", "")]
    made = rerank.Rerank(system="first", model=str(tiny.cross_encoder(tmp_path)), device="cpu")
    with pytest.raises(ValueError, match=r"the text of document 'b' holds .*half of a surrogate pair"):
        list(ready(tmp_path / "docs", made, docs).search(iter(QUERIES), 9))
    with pytest.raises(ValueError, match="the text of query 'q1' holds"):
        list(ready(tmp_path / "query", made, docs[:1]).search([Query("q1", "x \udc00")], 9))


@pytest.mark.parametrize("default", [None, "query"])
def test_prompts_are_those_of_predict(tmp_path, default: str | None) -> None:
    """It puts a prompt before the pair only where one is the model's default."""
    folder = tiny.cross_encoder(tmp_path, prompts={"query": "mice cells "}, default_prompt_name=default)
    scorer = rerank.CrossEncoderScorer(str(folder), device="cpu")
    own = float(scorer.own.model.predict([("heart", "mice")], show_progress_bar=False)[0])
    assert scorer.score(["heart"], ["mice"]).tolist() == [own]
    assert scorer.facts()["prompt"] == ("mice cells " if default else "")


def test_an_interrupted_search_goes_on_behind_the_last_query(tmp_path) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(ready(tmp_path, Scored(system="first", depth=30, fault="stop")).search(iter(QUERIES), 100))
    second = Scored(system="first", depth=30)
    second.load(tmp_path)
    found = list(second.search(iter(QUERIES), 100))
    assert second.scorer.asked == 36  # the block in which a depth ends is scored whole
    assert found == list(ready(tmp_path / "b", Scored(system="first", depth=30)).search(iter(QUERIES), 100))


def test_damaged_scores_are_not_used(tmp_path) -> None:
    list(ready(tmp_path, Scored(system="first", depth=10)).search(iter(QUERIES), 9))
    for path in (tmp_path / "scored").iterdir():
        body = json.loads(path.read_bytes())
        for block in body["blocks"]:
            block["scores"] = [1000000.0] * len(block["scores"])
        path.write_text(json.dumps(body))
    made = Scored(system="first", depth=10)
    made.load(tmp_path)
    with pytest.warns(UserWarning, match="the scores kept for query 'q1' are damaged .*are made again"):
        assert max(hit.score for hit in made.search(iter(QUERIES), 9)) < 1e6
    assert made.scorer.asked == 20


@pytest.mark.parametrize("depths", [(20, 100), (7, 33, 34), (1, 10, 50, 1000)])
def test_depths_share_every_pair(tmp_path, depths: tuple[int, ...]) -> None:
    """Each is scored once, whichever depth comes first, and as the depth alone would have it."""
    docs = [Doc(f"d{number:03d}", "heart " * (number % 7) + "x" * number, "") for number in range(120)]
    for order in (depths, depths[::-1]):
        place, asked = tmp_path / f"first{order[0]}", 0
        ready(place, Scored(system="first"), docs)
        for depth in order:
            made = Scored(system="first", depth=depth)
            made.load(place)
            found = list(made.search(QUERIES[:2], 200))
            asked += made.scorer.asked
            alone = ready(tmp_path / f"{order[0]}{depth}", Scored(system="first", depth=depth), docs)
            assert found == list(alone.search(QUERIES[:2], 200))
            assert alone.scorer.asked < 2 * (depth + 20)
        assert asked == alone_asked(docs, max(depths), tmp_path / f"deepest{order[0]}")


def alone_asked(docs: list[Doc], depth: int, place: Path) -> int:
    made = ready(place, Scored(system="first", depth=depth), docs)
    list(made.search(QUERIES[:2], 200))
    return made.scorer.asked


def test_usual_depths_score_no_pair_beyond() -> None:
    ranked = [str(rank) for rank in range(1000)]
    for depth in (10, 20, 40, 50, 100, 150, 200, 500, 1000):
        assert sum(map(len, blocks(ranked, depth))) == depth


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("nan", r"the score of query 'q1' and document 'd\d' is NaN"),
        ("short", r"one number for each of the 10 pairs, and gave an array of shape \(9,\)"),
        ("words", "one number for each of the 10 pairs, and gave str"),
        ("huge", r"document 'd\d' is NaN, infinite or beyond fp32 \(1e\+99\)"),
        ("integers", "one number for each of the 10 pairs, and gave list .*too large"),
        ("1j", r"one number for each of the 10 pairs, and gave ndarray \(of complex64\)"),
        ("text", r"one number for each of the 10 pairs, and gave list \(of str\d*\)"),
    ],
)
def test_unusable_scores_are_named(tmp_path, fault: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        list(ready(tmp_path, Scored(system="first", fault=fault)).search(iter(QUERIES), 9))


def test_scores_in_bf16_are_taken(tmp_path) -> None:
    first, *_ = ready(tmp_path, Scored(system="first", fault="bf16")).search(iter(QUERIES[:1]), 9)
    assert first.score == torch.tensor(max(len(f"{doc.title} {doc.text}".strip()) for doc in MANY)).bfloat16().item()


class Normalised:
    """The scores of a call sum to 1: what a softmax over the documents would do."""

    def score(self, queries, docs):
        given = np.array(
            [len({*query.split()} & {*doc.split()}) + 1.0 for query, doc in zip(queries, docs, strict=True)]
        )
        return given / given.sum()


class Rounded:
    """What half precision does to scores: the last digits hang on the pairs beside them."""

    def score(self, queries, docs):
        given = np.array(
            [len({*query.split()} & {*doc.split()}) + 1.0 for query, doc in zip(queries, docs, strict=True)]
        )
        return given * (1 + 0.004 * len(docs) / 10)


@pytest.mark.parametrize(("scorer", "noted"), [(Normalised, True), (Rounded, False)])
def test_scores_that_hang_on_the_pairs_beside_them_are_told(tmp_path, scorer: type, noted: bool) -> None:
    made = ready(tmp_path, adapt(scorer)(system="first"))
    list(made.search(iter(QUERIES), 9))
    assert any("depends on the pairs beside it" in note for note in made.facts()["notes"]) == noted


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({}, "--set system=bm25"),
        ({"system": "../x"}, "no tag"),
        ({"system": "first", "depth": 0}, "at least 1"),
        ({"system": "first", "depth": []}, r"depth is \[\]; a list of depths holds whole numbers, at least one"),
        ({"system": "first", "depth": [20, 0]}, "whole numbers, at least one, from 1"),
        ({"system": "first", "depth": [20, 100]}, "one retriever has one depth"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments: dict, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Scored(**arguments)
    assert arguments.get("depth") == [20, 100] or Scored.rows(arguments) == [{}]


def test_what_cannot_rerank_is_refused(tmp_path) -> None:
    for made, cure in (
        (save_sentence_transformer(tmp_path / "dense"), "run it as `sentence-transformer`"),
        (tiny.sparse(tmp_path / "sparse"), "run it as `sparse`"),
        (tiny.cross_encoder(tmp_path / "labels", labels=3), "has 3 labels"),
    ):
        with pytest.raises(ValueError, match=cure):
            rerank.Rerank(system="first", model=str(made), device="cpu")


def test_a_run_of_another_collection_is_named(tmp_path) -> None:
    made = Scored(system="first")
    made.index(iter(MANY[1:]), laid(tmp_path))
    made.load(tmp_path)
    with pytest.raises(ValueError, match="holds document 'd0' for query 'q1', which is not in"):
        list(made.search(iter(QUERIES), 9))


def test_a_depth_beyond_the_run_is_told(tmp_path) -> None:
    made = ready(tmp_path, Scored(system="first", depth=500))
    list(made.search(iter(QUERIES), 9))
    assert any("holds 36 documents" in note for note in made.facts()["notes"])
    assert made.facts()["pairs_per_query"] == 36  # of the queries that have documents


def test_texts_of_any_id_come_back(tmp_path) -> None:
    texts = {"a": "x", "ä\ud800": "half \udc00", "": "empty", **{f"n{number}": str(number) for number in range(1200)}}
    write(tmp_path, texts.items())
    assert Texts(tmp_path).of([*texts, "missing"]) == texts

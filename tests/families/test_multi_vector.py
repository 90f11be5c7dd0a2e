"""Late interaction: the model's own MaxSim pair by pair, exactly, in shards or over another system's documents."""

import numpy as np
import pytest
import torch

from dense.tiny import DOCS, save_bert, save_sentence_transformer
from families import tiny
from harness import runs
from harness.records import Query, ScoredDoc
from retrievers.multi_vector import MultiVector
from retrievers.search import maxsim, vector_store
from retrievers.search.ragged import ragged

QUERIES = [Query("q1", "heart failure"), Query("q2", "mice of the cells protein"), Query("q3", "")]


def held(folder, rows: list[np.ndarray], shard_docs: int = 8) -> vector_store.VectorStore:
    """A store of token vectors, fp32 rows (m, n), rounded to fp16."""
    vector_store.begin(folder, {}, shard_docs)
    for number, start in enumerate(range(0, len(rows), shard_docs)):
        some = ragged([row.astype(np.float16) for row in rows[start : start + shard_docs]])
        ids = [f"d{start + at:03d}" for at in range(len(some.lengths))]
        vector_store.write_shard(folder, number, ids, str(number), {"vectors": some})
    vector_store.finish(folder, len(rows))
    return vector_store.VectorStore(folder)


def by_hand(query: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """Scores fp32 (N,) in fp64, one document at a time."""
    wide = query.astype(np.float64)
    docs = [row.astype(np.float16).astype(np.float64) for row in rows]
    return np.array([sum((wide @ doc.T).max(axis=1)) if len(doc) else -1e9 for doc in docs], np.float32)


def case(seed: int, docs: int, tied: bool = False) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Documents of 0 to 20 tokens and five queries; `tied`: of few values, so that many scores are equal."""
    rng = np.random.default_rng(seed)

    def make(tokens: int) -> np.ndarray:
        return (rng.integers(-1, 2, (tokens, 16)) if tied else rng.normal(size=(tokens, 16))).astype(np.float32)

    return [make(int(rng.integers(0, 20))) for _ in range(docs)], [make(tokens) for tokens in (1, 3, 9, 40, 5)]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("k", [1, 7, 100])
def test_finds_the_exact_top_k_of_all_pairs(tmp_path, monkeypatch: pytest.MonkeyPatch, tied: bool, k: int) -> None:
    monkeypatch.setattr(maxsim, "DOC_TOKENS", 60)
    monkeypatch.setattr(maxsim, "QUERY_TOKENS", 12)
    rows, queries = case(3, 90, tied)
    store = held(tmp_path, rows)
    for query, (found, scores) in zip(queries, maxsim.top_k(queries, store, k, threads=2), strict=True):
        expected = by_hand(query, rows)
        order = sorted(range(len(rows)), key=lambda at: (expected[at], f"d{at:03d}"), reverse=True)[:k]
        assert found.tolist() == order
        assert scores.tolist() == pytest.approx(expected[order].tolist(), rel=1e-6)


def test_neither_threads_nor_blocks_nor_other_queries_matter(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, queries = case(5, 60)
    store = held(tmp_path, rows, 60)
    whole = [(found.tolist(), scores.tolist()) for found, scores in maxsim.top_k(queries, store, 20, threads=1)]
    monkeypatch.setattr(maxsim, "DOC_TOKENS", 17)
    monkeypatch.setattr(maxsim, "PASS_QUERIES", 2)
    small = held(tmp_path / "b", rows, 7)
    again = [(found.tolist(), scores.tolist()) for found, scores in maxsim.top_k(queries, small, 20, threads=3)]
    alone = [next(iter(maxsim.top_k([query], small, 20))) for query in queries]
    assert again == whole == [(found.tolist(), scores.tolist()) for found, scores in alone]


def test_the_margin_bounds_what_was_seen(tmp_path) -> None:
    rows, queries = case(7, 200)
    store = held(tmp_path, rows, 200)
    for query, margin in zip(queries, maxsim.margins(queries, store), strict=True):
        values = store.shards[0].ragged()
        similarities = (query @ values.values.astype(np.float32).T).astype(np.float32)
        scores = np.empty((1, 200), np.float32)
        starts = np.array([0, len(query)])
        maxsim.maxsim_kernels.add_best(similarities, starts, values.starts, scores, 0, 1)
        assert np.abs(scores[0] - by_hand(query, rows)).max() < margin / 2


@pytest.mark.parametrize("similarity", ["maxsim", "meanmaxsim"])
def test_scores_are_the_models_own_pair_by_pair(tmp_path, similarity: str) -> None:
    folder = tiny.multi_vector(tmp_path, similarity)
    retriever = MultiVector(str(folder), device="cpu", batch_tokens=1, store_dtype="fp32")
    retriever.shard_docs = 4  # type: ignore[misc]
    retriever.index(iter(DOCS), tmp_path / "index")
    retriever.load(tmp_path / "index")
    found = list(retriever.search(iter(QUERIES), 9))
    assert len(found) == len(QUERIES) * len(DOCS)
    model, texts = retriever.own.model, {doc.doc_id: f"{doc.title} {doc.text}".strip() for doc in DOCS}
    asked = {query.query_id: query.text for query in QUERIES}
    for hit in found:
        one = model.encode_query([asked[hit.query_id]]), model.encode_document([texts[hit.doc_id]])
        assert hit.score == pytest.approx(float(model.similarity_pairwise(*one)[0]), rel=1e-5)
    facts = retriever.facts()
    assert facts["tokens"] == sum(len(model.encode_document([text])[0]) for text in texts.values())
    assert facts["similarity"] == similarity and facts["dim"] == 8


def test_over_another_system_only_its_documents_are_encoded_and_found(tmp_path) -> None:
    folder = str(tiny.multi_vector(tmp_path))
    whole = MultiVector(folder, device="cpu", batch_tokens=1)
    whole.index(iter(DOCS), tmp_path / "whole")
    whole.load(tmp_path / "whole")
    found = list(whole.search(iter(QUERIES), 9))
    chosen = {"q1": ["d0", "d3"], "q2": ["d3", "d5", "d1"]}
    hits = [ScoredDoc(query, doc_id, 1.0) for query, ids in chosen.items() for doc_id in ids]
    runs.write(runs.order(hits, QUERIES, 9), tmp_path / "over" / "runs" / "first.trec.gz", "first")
    retriever = MultiVector(folder, over="first", device="cpu", batch_tokens=1)
    retriever.index(iter(DOCS), tmp_path / "over")
    retriever.load(tmp_path / "over")
    assert retriever.store.docs == 4
    assert list(retriever.search(iter(QUERIES), 9)) == [
        hit for hit in found if hit.doc_id in chosen.get(hit.query_id, ())
    ]
    assert MultiVector.inputs({"over": "first"}) == ["first"] and MultiVector.inputs({"over": ""}) == []


def test_a_run_of_another_collection_is_named(tmp_path) -> None:
    hits = [ScoredDoc("q1", doc.doc_id, 1.0) for doc in DOCS]
    runs.write(runs.order(hits, QUERIES, 9), tmp_path / "over" / "runs" / "first.trec.gz", "first")
    retriever = MultiVector(str(tiny.multi_vector(tmp_path)), over="first", device="cpu")
    retriever.index(iter(DOCS[1:]), tmp_path / "over")
    retriever.load(tmp_path / "over")
    with pytest.raises(ValueError, match="holds document 'd0' for query 'q1', which is not in the collection"):
        list(retriever.search(iter(QUERIES), 9))


def test_other_models_are_refused_by_name(tmp_path) -> None:
    for made, cure in (
        (save_sentence_transformer(tmp_path / "dense"), "run it as `sentence-transformer`"),
        (tiny.cross_encoder(tmp_path / "cross"), "run it as `rerank`"),
        (save_bert(tmp_path / "bare"), "the rest of it would be random"),
    ):
        with pytest.raises(ValueError, match=cure):
            MultiVector(str(made), device="cpu")


def test_vectors_that_are_no_numbers_are_named(tmp_path) -> None:
    retriever = MultiVector(str(tiny.multi_vector(tmp_path)), device="cpu")
    with torch.no_grad():
        retriever.own.model[1].linear.weight[:] = float("nan")
    with pytest.raises(ValueError, match="the vectors of document 'd0' hold NaN"):
        retriever.index(iter(DOCS), tmp_path / "index")

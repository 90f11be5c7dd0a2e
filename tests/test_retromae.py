"""RetroMAE: [CLS] and dot product, settings by checkpoint, and the checkpoints that it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from dense import tiny
from harness import conformance, plugins
from harness.records import Doc, Query
from joint.tiny import masked_lm, save
from retrievers.encoders import published
from retrievers.retromae import RetroMAE

TEXTS = ["heart failure in mice", "", "protein binding " * 20, "rats[SEP]the cell"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny.save_bert(tmp_path_factory.mktemp("bert"))


def copy(folder: Path, into: Path) -> Path:
    into.mkdir(exist_ok=True)
    for path in folder.iterdir():
        (into / path.name).write_bytes(path.read_bytes())
    return into


@pytest.mark.parametrize("law", conformance.CHECKS, ids=lambda law: law.__name__)
def test_conformance(law, folder, tmp_path) -> None:
    law(lambda: RetroMAE(str(folder)), tmp_path)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_vectors_are_the_models_first_hidden_states(tmp_path, family: str) -> None:
    folder = save(tmp_path, family)
    (folder / "dupmae.json").unlink()
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    encoder = RetroMAE(str(folder), max_length=20, query_max_length=7).encoder
    for encode, length in ((encoder.encode_docs, 20), (encoder.encode_queries, 7)):
        for text, vector in zip(TEXTS, encode(TEXTS), strict=True):
            given = tokenizer(text, return_tensors="pt", truncation=True, max_length=length)
            with torch.inference_mode():
                alone = model(given["input_ids"], given["attention_mask"]).last_hidden_state[0, 0]
            np.testing.assert_allclose(vector, alone, rtol=1e-4, atol=1e-5)


def test_title_and_text_are_one_segment(folder) -> None:
    retriever = RetroMAE(str(folder), title="[SEP]")
    made = retriever.encoder.tokenize_docs(["rats[SEP]the cell"]).ids.tolist()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.convert_ids_to_tokens(made) == ["[CLS]", "rats", "[SEP]", "the", "cell", "[SEP]"]


def test_scores_are_dot_products_in_half_precision_too(folder, tmp_path) -> None:
    exact, half = RetroMAE(str(folder), store_dtype="fp32"), RetroMAE(str(folder), precision="bf16")
    found = []
    for name, retriever in (("a", exact), ("b", half)):
        retriever.index(tiny.DOCS, tmp_path / name)
        retriever.load(tmp_path / name)
        found.append({hit.doc_id: hit.score for hit in retriever.search([Query("q", "mice cells")], 10)})
    [query] = exact.encoder.encode_queries(["mice cells"])
    vectors = exact.encoder.encode_docs([doc.default_text() for doc in tiny.DOCS])
    for doc, score in zip(tiny.DOCS, vectors @ query, strict=True):
        assert found[0][doc.doc_id] == pytest.approx(score, rel=1e-5)
        assert found[1][doc.doc_id] == pytest.approx(score, rel=0.1, abs=0.5)


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        (None, {}, (" ", 64, 64)),
        (None, {"title": None, "max_length": 9}, (None, 9, 64)),
        ({"title": "[SEP]", "max_length": 30, "query_max_length": 12}, {}, ("[SEP]", 30, 12)),
        ({"title": None, "max_length": 30}, {"max_length": 31}, (None, 31, 64)),
        ({"title": None}, {"title": " "}, (" ", 64, 64)),
    ],
)
def test_settings_come_from_the_checkpoint(folder, tmp_path, settings, given, expected) -> None:
    place = copy(folder, tmp_path / "model")
    if settings is not None:
        (place / "retromae.json").write_text(json.dumps({"schema": 1, **settings, "trained": {"steps": 3}}))
    facts = RetroMAE(str(place), **given).facts()
    assert (facts["title"], facts["max_length"], facts["query_max_length"]) == expected
    assert facts["similarity"] == "dot" and facts["packed"] is True
    assert facts["trained"] == (None if settings is None else {"steps": 3})


def test_the_index_depends_on_the_checkpoint_and_not_on_the_queries(folder, tmp_path) -> None:
    first, longer = RetroMAE(str(folder)), RetroMAE(str(folder), query_max_length=9)
    assert first.shaping == longer.shaping and "max_length" in first.shaping
    other = tiny.save_bert(tmp_path, seed=1)
    assert RetroMAE(str(other)).fingerprint() != first.fingerprint() == longer.fingerprint()


def test_every_row_of_the_table_is_whole() -> None:
    for name, row in published.table().items():
        assert {"what", "use", "retriever"} <= row.keys(), name
        assert (
            not row["retriever"] or row.get("shipped") or {"max_length", "query_max_length", "title"} <= row.keys()
        ), name
        assert row["retriever"] or not {"max_length", "title"} & row.keys(), name
        assert ("bytes" in row) == ("sha256" in row), name


def drop(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink()


def rewrite(folder: Path, name: str, **values: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    old = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
    (folder / name).write_text(json.dumps({**old, **values}))


MODULES = [{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Normalize"}]


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: drop(f, "model.safetensors"), FileNotFoundError, "holds no weights"),
        (lambda f: drop(f, "config.json"), FileNotFoundError, "holds no model"),
        (lambda f: drop(f, "vocab.txt", "tokenizer.json"), ValueError, "has no tokenizer"),
        (lambda f: rewrite(f, "config.json", model_type="t5"), ValueError, "is a 't5' model; RetroMAE and DupMAE"),
        (lambda f: rewrite(f, "config.json", architectures=["BertForSequenceClassification"]), ValueError,
         "is a BertForSequenceClassification, no encoder"),
        (lambda f: rewrite(f, "config.json", num_hidden_layers=3), ValueError,
         r"16 tensors are missing, encoder.layer.2.*random numbers"),
        (lambda f: rewrite(f, "config.json", hidden_size=64), ValueError, "do not fit its config.json"),
        (lambda f: rewrite(f, "1_Pooling/config.json", pooling_mode_mean_tokens=True, pooling_mode_cls_token=False),
         ValueError, "pools by pooling_mode_mean_tokens, no RetroMAE does.*sentence-transformer"),
        (lambda f: (f / "modules.json").write_text(json.dumps(MODULES)), ValueError, "normalises its vectors"),
        (lambda f: rewrite(f, "training.json", objective="retromae"), ValueError, "pre-trained only.*Fine-tune"),
        (lambda f: rewrite(f, "retromae.json", schema=2), ValueError, "has schema 2, this version reads up to 1"),
        (lambda f: (f / "retromae.json").write_text("{"), ValueError, "retromae.json is no JSON"),
        (lambda f: rewrite(f, "retromae.json", schema=1, similarity="cos"), ValueError, "similarity is 'cos'"),
        (lambda f: rewrite(f, "retromae.json", schema=1, max_length=65), ValueError,
         "max_length is 65; this model takes 3 to 64"),
        (lambda f: rewrite(f, "dupmae.json", schema=1), ValueError,
         "was trained for the retriever dupmae .* beir-harness run dupmae --set checkpoint="),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused(folder, tmp_path, spoil, error, message) -> None:
    place = copy(folder, tmp_path / "model")
    spoil(place)
    with pytest.raises(error, match=message):
        RetroMAE(str(place))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Shitao/RetroMAE", "was pre-trained only and is no retriever as it is.*allow_pretrained=true"),
        ("amazingvince/bert-DupMAE-tiktoken-minipile_4096-v1", "cannot be used: it has another architecture"),
        ("Shitao/RetroMAE_BEIR", r"not in the local cache of the Hugging Face hub.*HF_HUB_OFFLINE is set.*go online"),
        ("./nowhere", "nowhere does not exist"),
    ],
)
def test_names_that_cannot_be_had(tmp_path, monkeypatch, name: str, message: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        RetroMAE(name)


def test_pretrained_checkpoints_run_where_it_is_asked_for(folder, tmp_path) -> None:
    place = copy(folder, tmp_path / "model")
    (place / "training.json").write_text("{}")
    assert RetroMAE(str(place), allow_pretrained=True).facts()["max_length"] == 64


def test_pickles_are_read_as_weights_only(folder, tmp_path) -> None:
    place = copy(folder, tmp_path / "model")
    drop(place, "model.safetensors")
    torch.save(AutoModel.from_pretrained(folder).state_dict(), place / "pytorch_model.bin")
    expected = RetroMAE(str(folder)).encoder.encode_docs(TEXTS)
    assert (RetroMAE(str(place)).encoder.encode_docs(TEXTS) == expected).all()

    class Code:
        def __reduce__(self) -> tuple:
            return (print, ("this must not run",))

    torch.save({"embeddings.word_embeddings.weight": Code()}, place / "pytorch_model.bin")
    with pytest.raises(ValueError, match="the file is damaged, or holds code, which is not run"):
        RetroMAE(str(place))
    drop(place, "pytorch_model.bin")
    (place / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be read: the file is damaged"):
        RetroMAE(str(place))


def test_a_masked_lm_is_an_encoder_too(tmp_path) -> None:
    folder = save(tmp_path)
    (folder / "dupmae.json").unlink()
    ours = RetroMAE(str(folder)).encoder.encode_docs(["heart"])
    given = AutoTokenizer.from_pretrained(folder)("heart", return_tensors="pt")
    with torch.inference_mode():
        theirs = masked_lm().bert(given["input_ids"], given["attention_mask"]).last_hidden_state[0, 0]
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-4, atol=1e-5)


def test_nan_weights_name_the_document(folder, tmp_path) -> None:
    place = copy(folder, tmp_path / "model")
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    model.embeddings.word_embeddings.weight.data[5] = torch.nan  # "heart"
    model.save_pretrained(place)
    with pytest.raises(ValueError, match="the vectors of document 'b' hold NaN"):
        RetroMAE(str(place)).index([Doc("a", "mice"), Doc("b", "heart")], tmp_path / "index")


def test_the_plugin_is_found_by_name(folder) -> None:
    made = plugins.make("retromae", {"checkpoint": str(folder), "title": None})
    assert isinstance(made, RetroMAE)
    assert plugins.describe(type(made)).name == "retromae"
    assert plugins.describe(RetroMAE).runtime == {"device", "batch_tokens", "threads"}

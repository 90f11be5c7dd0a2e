"""DupMAE end to end: both parts from the model, one score, one index for all scores."""

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from dense import tiny
from harness import conformance, plugins
from harness.records import Query
from joint.tiny import masked_lm, save
from retrievers.dupmae import DupMAE

QUERY = "heart of mice"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("dupmae"))


def reference(folder, family: str, text: str, length: int, sep: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """[CLS] (H,) and mu (V,) of one text, by transformers alone."""
    given = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt", truncation=True, max_length=length)
    inputs = {name: given[name] for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        made = masked_lm(family)(**inputs, output_hidden_states=True)
    logits = made.logits[0, 1 : None if sep else -1]
    mu = logits.max(0).values if len(logits) else torch.zeros(logits.shape[1])
    return made.hidden_states[-1][0, 0].numpy(), mu.numpy()


def searched(folder, place, score: str = "joint", query: str = QUERY, **arguments: object) -> dict[str, float]:
    retriever = DupMAE(str(folder), score=score, **arguments)
    retriever.index(iter(tiny.DOCS), place)
    retriever.load(place)
    return {hit.doc_id: hit.score for hit in retriever.search([Query("q", query)], 10)}


@pytest.mark.parametrize("law", conformance.CHECKS, ids=lambda law: law.__name__)
def test_conformance(law, folder, tmp_path) -> None:
    law(lambda: DupMAE(str(folder)), tmp_path)


ACTIVATIONS = {
    "raw": lambda mu: mu,
    "relu": lambda mu: np.maximum(mu, 0),
    "log1p_relu": lambda mu: np.log1p(np.maximum(mu, 0)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("family", "sep"), [("bert", True), ("bert", False), ("roberta", True), ("distilbert", True)])
def test_eq_12_from_the_model(tmp_path, family: str, sep: bool, activation: str) -> None:
    """Every score, from logits and hidden states of transformers, one text at a time and without padding."""
    folder = save(tmp_path / "model", family, activation=activation, include_sep=sep)
    weight = DupMAE(str(folder)).weight.numpy()
    activate = ACTIVATIONS[activation]
    h_q, mu_q = reference(folder, family, QUERY, 16, sep)
    expected = {"joint": {}, "cls": {}, "ot": {}}
    for doc in tiny.DOCS:
        h_d, mu_d = reference(folder, family, doc.default_text(), 24, sep)
        kept = np.argsort(-mu_d, kind="stable")[:5]
        cls = float((weight @ h_q) @ (weight @ h_d))
        ot = float(activate(mu_q)[kept] @ activate(mu_d)[kept])
        for score, value in (("joint", cls + ot), ("cls", cls), ("ot", ot)):
            expected[score][doc.doc_id] = value
    for score, values in expected.items():
        found = searched(folder, tmp_path / "index", score)
        assert found == pytest.approx(values, rel=3e-3, abs=3e-2)  # the index holds fp16


def test_one_index_serves_all_scores(folder, tmp_path) -> None:
    joint, cls, ot = (searched(folder, tmp_path, score) for score in ("joint", "cls", "ot"))
    assert {doc: cls[doc] + ot[doc] for doc in joint} == pytest.approx(joint, rel=1e-6)
    assert plugins.describe(DupMAE).defaults["score"] == "joint"
    assert "score" in DupMAE.search_only


def test_batches_change_nothing(folder) -> None:
    texts = [doc.default_text() for doc in tiny.DOCS]
    whole, single = DupMAE(str(folder)), DupMAE(str(folder), batch_tokens=1)
    backwards = whole._fields(whole.docs.tokenize(texts[::-1], 24))
    for name, array in whole._fields(whole.docs.tokenize(texts, 24)).items():
        alone = single._fields(single.docs.tokenize(texts, 24))[name]
        np.testing.assert_allclose(alone.astype(float), array.astype(float), rtol=2e-3, atol=1e-3)
        np.testing.assert_allclose(backwards[name][::-1].astype(float), array.astype(float), rtol=2e-3, atol=1e-3)


def test_the_quicker_precision_is_one_that_there_is(folder) -> None:
    made = DupMAE(str(folder), precision="auto", device="cpu")
    assert made.facts()["precision"] in ("fp32", "bf16")


def test_half_precision_is_close(folder, tmp_path) -> None:
    exact, half = searched(folder, tmp_path / "a"), searched(folder, tmp_path / "b", precision="bf16")
    assert half == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        ({}, {}, (5, "log1p_relu", True, " ", 24, 16)),
        ({"k": 3, "activation": "raw", "include_sep": False, "title": None}, {}, (3, "raw", False, None, 24, 16)),
        ({"k": 3, "title": "[SEP]"}, {"k": 4, "max_length": 9}, (4, "log1p_relu", True, "[SEP]", 9, 16)),
        ({"include_sep": False}, {"include_sep": True, "title": None}, (5, "log1p_relu", True, None, 24, 16)),
    ],
)
def test_settings_come_from_the_checkpoint(tmp_path, settings, given, expected) -> None:
    facts = DupMAE(str(save(tmp_path, **settings)), **given).facts()
    names = ("k", "activation", "include_sep", "title", "max_length", "query_max_length")
    assert tuple(facts[name] for name in names) == expected
    assert (facts["dim"], facts["vocabulary"], facts["trained"]) == (12, 18, {"steps": 1})


def test_settings_without_a_file(tmp_path) -> None:
    folder = save(tmp_path)
    (folder / "dupmae.json").unlink()
    facts = DupMAE(str(folder)).facts()
    assert (facts["k"], facts["activation"], facts["max_length"], facts["title"]) == (384, "log1p_relu", 64, " ")


def test_more_entries_than_words_is_the_full_product(folder, tmp_path) -> None:
    """With k beyond the vocabulary the sparse part is the product of whole vocabulary vectors."""
    found = searched(folder, tmp_path, "ot", k=1000, activation="raw")
    mu_q = reference(folder, "bert", QUERY, 16)[1]
    full = {doc.doc_id: float(mu_q @ reference(folder, "bert", doc.default_text(), 24)[1]) for doc in tiny.DOCS}
    assert found == pytest.approx(full, rel=3e-3, abs=3e-2)


def test_cls_as_it_is_needs_no_projection(tmp_path) -> None:
    folder = save(tmp_path / "model", d=None)
    found = searched(folder, tmp_path / "index", "cls", projection="none")
    h_q = reference(folder, "bert", QUERY, 16)[0]
    expected = {doc.doc_id: float(h_q @ reference(folder, "bert", doc.default_text(), 24)[0]) for doc in tiny.DOCS}
    assert found == pytest.approx(expected, rel=3e-3, abs=3e-2)


def test_the_plugin_is_found_by_name(folder) -> None:
    made = plugins.make("dupmae", {"checkpoint": str(folder), "k": 7})
    assert isinstance(made, DupMAE) and made.k == 7
    assert plugins.describe(type(made)).name == "dupmae"

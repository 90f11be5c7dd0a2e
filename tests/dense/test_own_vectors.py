"""Foreign models: the vectors are those of the model's own `encode`, or the packed path declines and says why."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer as Own
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils import parametrize
from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

import toy
from dense.tiny import DOCS, TEXTS, bert, minilm, save_bert, save_sentence_transformer
from harness import files, plugins
from harness.cli import main
from harness.errors import HarnessError
from harness.records import Doc, Query
from retrievers.encoders import own_vectors
from retrievers.encoders.packed_bert import PackedBert, why_not
from retrievers.sentence_transformer import SentenceTransformerEncoder as Encoder


def settings(folder: Path, name: str, **changes: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def assert_own(folder: Path, **arguments: object) -> Encoder:
    encoder, own = Encoder(str(folder), **arguments), Own(str(folder), device="cpu", trust_remote_code=True)  # type: ignore[arg-type]
    for ours, theirs in ((encoder.encode_queries, own.encode_query), (encoder.encode_docs, own.encode_document)):
        expected = theirs(TEXTS, normalize_embeddings=encoder.facts()["similarity"] == "cos")
        np.testing.assert_allclose(ours(TEXTS), expected, atol=2e-5, rtol=1e-3)
    return encoder


@pytest.mark.parametrize("arguments", [{}, {"similarity": "dot"}, {"similarity": "cos"}])
@pytest.mark.parametrize("own_similarity", ["dot", "cosine"])
def test_a_normalize_module_normalises_whatever_the_similarity(tmp_path, own_similarity: str, arguments: dict) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "mean", True, similarity_fn_name=own_similarity)
    encoder = assert_own(folder, **arguments)
    assert encoder.facts()["packed"]
    assert np.linalg.norm(encoder.encode_docs(TEXTS), axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"query_length": 4}, "it sets query_length"),
        ({"document_length": 6}, "it sets document_length"),
        ({"processing_kwargs": {"text": {"max_length": 5, "truncation": True}}}, "it sets processing_kwargs"),
    ],
)
def test_a_model_s_own_lengths_are_kept(tmp_path, changes: dict, reason: str) -> None:
    folder = settings(save_sentence_transformer(tmp_path / "m"), "sentence_bert_config.json", **changes)
    encoder = assert_own(folder)
    assert encoder.facts()["not_packed_as"] == reason


class Lora(nn.Linear):
    """As adapters do it: the base layer's weight is there, and the output is another."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + 0.5 * x


class Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def lora(model: nn.Module) -> None:
    attention = model.encoder.layer[0].attention.self  # type: ignore[union-attr]
    changed = Lora(32, 32)
    changed.load_state_dict(attention.query.state_dict())
    attention.query = changed


CHANGES = {
    "its part encoder.layer.0.attention.self.query is a .*Lora": lora,
    "ParametrizedLinear": lambda model: parametrize.register_parametrization(
        model.encoder.layer[1].output.dense, "weight", Doubled()
    ),
    "has a hook": lambda model: model.encoder.layer[0].register_forward_hook(lambda *given: None),
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_part_that_computes_something_else_is_not_read_by_its_weight(reason: str) -> None:
    model = bert()
    assert why_not(model) is None
    CHANGES[reason](model)
    assert re.search(reason, why_not(model) or "")


def test_whatever_looks_packable_is_held_against_its_own_encode(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law behind all of the above: probe texts, short, long, empty and with the prompt."""
    folder = save_sentence_transformer(tmp_path / "m", prompts={"query": "heart ", "document": ""})
    forward = PackedBert.__call__
    monkeypatch.setattr(PackedBert, "__call__", lambda self, ids, lengths: forward(self, ids, lengths) * 1.01 + 0.01)
    encoder = assert_own(folder)
    assert "packed batches differ from its own encode by" in encoder.facts()["not_packed_as"]

    def fails(*_: object) -> None:
        raise IndexError("nowhere")

    monkeypatch.setattr(PackedBert, "__call__", fails)
    assert "packed batches fail (IndexError: nowhere)" in assert_own(folder).facts()["not_packed_as"]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_rounding_is_no_difference(tmp_path, precision: str) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "cls", prompts={"query": "heart "})
    assert Encoder(str(folder), precision=precision).facts()["packed"]  # type: ignore[arg-type]


def test_minilm_packs_and_gives_the_same_with_cos_and_dot() -> None:
    found = [Encoder(str(minilm()), similarity=similarity) for similarity in ("cos", "dot", None)]  # type: ignore[arg-type]
    assert all(one.facts()["packed"] for one in found)
    vectors = [one.encode_docs(TEXTS) for one in found]
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])
    assert [one.facts()["similarity"] for one in found] == ["cos", "dot", "cos"]


def static_model(folder: Path) -> Path:
    """A model whose first module is a table of vectors, as potion and static-retrieval have it."""
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = Tokenizer.from_file(str(save_bert(folder.with_name("bert")) / "tokenizer.json"))
    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer, embedding_dim=16)
    Own(modules=[module], device="cpu").save_pretrained(str(folder))
    return folder


def test_static_embeddings_run_by_their_own_encode(tmp_path) -> None:
    folder = static_model(tmp_path / "static")
    encoder = assert_own(folder)
    assert (encoder.facts()["packed"], encoder.facts()["max_length"]) == (False, None)
    assert encoder.encode_docs([]).shape == (0, 16)
    with pytest.raises(ValueError, match="a StaticEmbedding has no length that can be set"):
        Encoder(str(folder), max_length=12)
    retriever = plugins.make("sentence-transformer", {"model": str(folder)})
    (tmp_path / "index").mkdir()
    retriever.index(DOCS, tmp_path / "index")
    retriever.load(tmp_path / "index")
    assert len(list(retriever.search([Query("q", TEXTS[0])], 3))) == 3


def test_a_plain_folder_s_pooling_is_said(tmp_path) -> None:
    (note,) = Encoder(str(save_bert(tmp_path / "plain"))).facts()["notes"]
    assert "says nothing of pooling and similarity: the mean over tokens and cosine were taken" in note
    assert "runs as `retromae`" in note
    assert Encoder(str(save_sentence_transformer(tmp_path / "m"))).facts()["notes"] == []


@pytest.mark.parametrize(
    ("prompt", "noted"), [(r"Instruct: x\nQuery: ", True), ("Instruct: x\nQuery: ", False), ("q: ", False)]
)
def test_a_backslash_n_in_a_prompt_is_said(tmp_path, prompt: str, noted: bool) -> None:
    notes = Encoder(str(save_sentence_transformer(tmp_path / "m")), query_prompt=prompt).facts()["notes"]
    assert bool(notes) is noted
    assert not noted or "holds a backslash and a letter" in notes[0]


OWN_CODE = """
from transformers import BertModel, BertConfig


class Other(BertModel):
    config_class = BertConfig

    def forward(self, *given, **named):
        found = super().forward(*given, **named)
        found.last_hidden_state = -3 * found.last_hidden_state.flip(-1)
        return found
"""


@pytest.fixture
def own_code(tmp_path) -> Path:
    """A model of `model_type` bert with a class of its own, as Jina's are."""
    folder = save_sentence_transformer(tmp_path / "m", "cls", False)
    (folder / "own_code.py").write_text(OWN_CODE)
    return settings(folder, "config.json", auto_map={"AutoModel": "own_code.Other"})


def test_a_class_of_its_own_runs_if_trusted_and_is_refused_else(own_code: Path) -> None:
    encoder = assert_own(own_code, trust_remote_code=True)
    assert not encoder.facts()["packed"]
    with pytest.raises(ValueError, match=r"asks to run the class 'own_code.Other'.*trust_remote_code=true"):
        Encoder(str(own_code))
    for name in ("retromae", "dupmae"):
        with pytest.raises(HarnessError, match="asks to run code of its own"):
            plugins.make(name, {"checkpoint": str(own_code)})


# --- a model is its content, wherever it lies


def test_two_paths_to_equal_bytes_are_one(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path / "toy")
    first = save_sentence_transformer(tmp_path / "private" / "place" / "mine")
    shutil.copytree(first, tmp_path / "elsewhere" / "other-name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    run = ["run", "sentence-transformer", "--dataset", "toy/", "--tag", "x", "--results", "results", "--json", "--set"]

    assert main([*run, f"model={first}"]) == 0
    manifest = tmp_path / "results" / "runs" / "x" / "toy" / "manifest.json"
    body = json.loads(manifest.read_text())
    assert body["retriever"]["arguments"] == {"model": "mine"} and body["retriever"]["all_arguments"]["model"] == "mine"
    assert str(tmp_path) not in manifest.read_text()
    assert "model" not in body["fingerprint"]["arguments"]
    assert main([*run, f"model={tmp_path / 'elsewhere' / 'other-name'}"]) == 0
    assert json.loads(manifest.read_text()) == body  # reused
    assert len(list((tmp_path / "cache" / "indexes").iterdir())) == 1
    settings(tmp_path / "elsewhere" / "other-name", "config.json", layer_norm_eps=1e-5)
    assert main([*run, f"model={tmp_path / 'elsewhere' / 'other-name'}"]) == 1  # other bytes under that name


def test_results_that_knew_a_model_by_its_path_are_still_known(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path / "toy")
    model = save_sentence_transformer(tmp_path / "mine")
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    run = [
        "run",
        "sentence-transformer",
        "--dataset",
        f"{tmp_path}/toy/",
        "--tag",
        "x",
        "--results",
        str(tmp_path / "r"),
    ]
    assert main([*run, "--set", f"model={model}"]) == 0
    place = tmp_path / "r" / "runs" / "x" / "toy" / "manifest.json"
    body = json.loads(place.read_text())
    body["fingerprint"]["arguments"]["model"] = str(model)
    del body["sha256"]
    place.write_text(json.dumps(body | {"sha256": files.sha256_json(body)}))
    before = place.read_bytes()
    assert main([*run, "--set", f"model={model}"]) == 0 and place.read_bytes() == before


# --- tokenizers, lengths, texts


def roberta(folder: Path, positions: int = 20) -> Path:
    """A RoBERTa: its position table has two rows that belong to no position."""
    torch.manual_seed(1)
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4, "a": 5, "b": 6, "Ġ": 7}
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=positions, pad_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def test_roberta_has_fewer_positions_than_rows(tmp_path) -> None:
    folder = roberta(tmp_path / "m")
    encoder = Encoder(str(folder), max_length=18)
    assert encoder.encode_docs(["a b " * 30]).shape == (1, 16)
    for length in (19, 20):
        with pytest.raises(ValueError, match="this model takes 3 to 18 tokens"):
            Encoder(str(folder), max_length=length)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20}))
    says = Encoder(str(folder))
    assert says.max_length == 18 and "has positions for 18" in " ".join(says.notes)
    assert says.encode_docs(["a b " * 30]).shape == (1, 16)


def without_frame(folder: Path) -> Path:
    (folder / "vocab.txt").unlink(missing_ok=True)  # from which another class would make the frame anew
    settings(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    return settings(folder, "tokenizer.json", post_processor=None)


def test_a_tokenizer_that_frames_nothing_is_refused_where_cls_is_read(tmp_path) -> None:
    with pytest.raises(HarnessError, match=r"not by \[CLS\] and \[SEP\]"):
        plugins.make("retromae", {"checkpoint": str(without_frame(save_bert(tmp_path / "cls")))})
    assert_own(without_frame(save_sentence_transformer(tmp_path / "mean")))  # as its own encode does, empty texts too


def test_pieces_beyond_the_embeddings_are_refused_when_the_model_is_opened(tmp_path) -> None:
    for name, argument, folder in (
        ("retromae", "checkpoint", save_bert(tmp_path / "a")),
        ("sentence-transformer", "model", save_sentence_transformer(tmp_path / "b")),
    ):
        body = json.loads((folder / "tokenizer.json").read_text())
        body["model"]["vocab"]["zebra"] = 18
        (folder / "tokenizer.json").write_text(json.dumps(body))
        with pytest.raises(HarnessError, match="the piece 'zebra' as number 18, and the model has embeddings for 18"):
            plugins.make(name, {argument: str(folder)})


@pytest.mark.parametrize("name", ["sentence-transformer", "retromae"])
def test_half_a_surrogate_pair_is_told_with_its_document_or_query(tmp_path, name: str) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "cls", False)
    retriever = plugins.make(name, {{"retromae": "checkpoint"}.get(name, "model"): str(folder)})
    (tmp_path / "index").mkdir()
    with pytest.raises(ValueError, match=r"the text of document 'bad' holds '\\ud800', half of a surrogate pair"):
        retriever.index([Doc("good", "x"), Doc("bad", "x \ud800 y")], tmp_path / "index")
    retriever.index([Doc("good", "x")], tmp_path / "index")
    retriever.load(tmp_path / "index")
    with pytest.raises(ValueError, match=r"the text of query 'q2' holds"):
        list(retriever.search([Query("q1", "x"), Query("q2", "\udfff")], 1))


def test_differ_names_shapes_and_nan() -> None:
    def vectors(texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 3), np.float32)

    assert own_vectors.differ(vectors, vectors, "fp32") is None
    assert "shape (3,), its own encode (2,)" in str(own_vectors.differ(vectors, lambda t: vectors(t)[:, :2], "fp32"))
    assert "differ" in str(own_vectors.differ(lambda texts: vectors(texts) * np.nan, vectors, "fp32"))

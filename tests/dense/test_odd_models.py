"""Odd model folders: their own vectors, or a refusal that says what is odd; never random numbers, never in silence."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer as Own
from sentence_transformers.models import Dense, Normalize, Pooling, Router, Transformer
from torch import nn
from transformers import T5Config, T5EncoderModel, T5Model

import toy
from dense.tiny import SPECIAL, TEXTS, WORDS, bert, minilm, save_bert, save_sentence_transformer, tokenizer
from harness import plugins
from harness.cli import main
from harness.errors import HarnessError
from retrievers.encoders import checkpoint, encoding, mae_model, packed_bert
from retrievers.encoders.packed_bert import PackedBert
from retrievers.retromae import RetroMAE
from retrievers.sentence_transformer import SentenceTransformerEncoder as Encoder

T5 = T5Config(vocab_size=len(SPECIAL) + len(WORDS), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)


def settings(folder: Path, name: str, **changes: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def transformer(folder: Path, seed: int = 0) -> Any:
    return Transformer(str(save_bert(folder, seed)))


def assert_own(folder: Path, **arguments: Any) -> Encoder:
    """One text at a time, so that the expectation has no padding in it."""
    encoder, own = Encoder(str(folder), **arguments), Own(str(folder), device="cpu")
    own.max_seq_length = encoder.max_length or own.max_seq_length
    for ours, theirs in ((encoder.encode_queries, own.encode_query), (encoder.encode_docs, own.encode_document)):
        expected = theirs(TEXTS, batch_size=1, normalize_embeddings=encoder.similarity == "cos")
        np.testing.assert_allclose(ours(TEXTS), expected, atol=2e-5, rtol=1e-3)
    return encoder


def without(folder: Path, part: str) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if part not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("similarity", ["dot", "cos"])
@pytest.mark.parametrize(
    "tail",
    [
        lambda: [Pooling(32), Normalize(), Dense(32, 8)],
        lambda: [Pooling(32), Dense(32, 8), Normalize()],
        lambda: [Pooling(32, ("cls", "mean"))],
    ],
)
def test_only_a_last_normalize_normalises(tmp_path: Path, tail: Callable[[], list[nn.Module]], similarity: str) -> None:
    torch.manual_seed(3)
    Own(modules=[transformer(tmp_path / "bert"), *tail()], device="cpu").save_pretrained(str(tmp_path / "m"))
    assert_own(tmp_path / "m", similarity=similarity)


def test_vectors_cut_after_normalize_stay_as_they_are(tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "mean", True, truncate_dim=8, similarity_fn_name="dot")
    assert assert_own(folder).encode_docs(TEXTS).shape == (len(TEXTS), 8)


def test_padding_on_the_left_changes_no_vector(tmp_path: Path) -> None:
    folder = settings(save_sentence_transformer(tmp_path / "m"), "tokenizer_config.json", padding_side="left")
    assert assert_own(folder).facts()["packed"]


# --- no random numbers: every module's weights are looked at


def router(folder: Path) -> Path:
    routes = [[transformer(folder / f"bert{seed}", seed), Pooling(32)] for seed in (1, 2)]
    Own(modules=[Router.for_query_document(*routes)], device="cpu").save_pretrained(str(folder / "m"))
    return folder / "m"


@pytest.mark.parametrize("route", ["query", "document"])
def test_a_route_without_all_its_weights_is_refused(tmp_path: Path, route: str) -> None:
    folder = router(tmp_path)
    assert_own(folder)
    without(folder / f"{route}_0_Transformer", "layer.1.output")
    with pytest.raises(ValueError, match=f"{route}_0_Transformer are not those of BertModel: 4 of 37 tensors"):
        Encoder(str(folder))


def test_a_route_of_another_s_code_is_not_run(tmp_path: Path) -> None:
    folder = router(tmp_path)
    body = json.loads((folder / "router_config.json").read_text())
    settings(folder, "router_config.json", types=body["types"] | {"query_1_Pooling": "modeling.Evil"})
    with pytest.raises(ValueError, match=r"router_config.json asks to run the class 'modeling.Evil'"):
        Encoder(str(folder))


@pytest.mark.parametrize("kind", [T5Model, T5EncoderModel])
def test_half_of_an_encoder_decoder_needs_all_of_that_half(tmp_path: Path, kind: Any) -> None:
    torch.manual_seed(5)
    kind(T5).save_pretrained(tmp_path / "m")
    tokenizer(tmp_path / "m").save_pretrained(tmp_path / "m")
    assert_own(tmp_path / "m", max_length=16)
    with pytest.raises(ValueError, match="names no length; set max_length"):
        Encoder(str(tmp_path / "m"))
    without(tmp_path / "m", "encoder.block.1")
    with pytest.raises(ValueError, match=r"tensors are missing .*, encoder.block.1.layer.0"):
        Encoder(str(tmp_path / "m"), max_length=16)


# --- no other model than the folder says


@pytest.mark.parametrize("kind", ["SparseEncoder", "CrossEncoder", "MultiVectorEncoder"])
def test_a_model_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    folder = save_sentence_transformer(tmp_path / "m", model_type=kind)
    with pytest.raises(ValueError, match=f"is a {kind}, which .*: run it as"):
        Encoder(str(folder))
    settings(folder, "config_sentence_transformers.json", model_type="SentenceTransformer")
    assert_own(folder)


@pytest.mark.parametrize("name", ["sentence-transformer", "retromae"])
def test_a_tokenizer_s_own_code_is_refused_too(tmp_path: Path, name: str) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "cls", False)
    settings(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "own.Tokenizer"]})
    with pytest.raises(HarnessError, match="asks to run"):
        plugins.make(name, {"checkpoint" if name == "retromae" else "model": str(folder)})


@pytest.mark.parametrize(
    ("normalise", "own", "given", "noted"),
    [(False, None, None, True), (False, "dot", None, False), (False, None, "cos", False), (True, None, None, False)],
)
def test_a_similarity_that_nobody_named_is_said(
    tmp_path: Path, normalise: bool, own: str | None, given: Any, noted: bool
) -> None:
    folder = save_sentence_transformer(tmp_path / "m", "cls", normalise, similarity_fn_name=own)
    notes = Encoder(str(folder), similarity=given).facts()["notes"]
    assert [("names no similarity: cosine was taken" in note) for note in notes] == [True] * noted


def test_an_adapter_is_known_with_its_base_and_merged_for_cls_models(tmp_path: Path) -> None:
    base, folder = save_bert(tmp_path / "base"), save_bert(tmp_path / "adapter")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    before = checkpoint.digest(folder)
    save_bert(base, seed=7)
    assert checkpoint.digest(folder) != before
    for name in ("retromae", "dupmae"):
        with pytest.raises(HarnessError, match=r"holds an adapter .*: merge it into the weights"):
            plugins.make(name, {"checkpoint": str(folder)})


@pytest.mark.parametrize(("changed", "refused"), [("", False), ("query.lora_A", True), ("pooler", False)])
def test_an_adapter_that_was_not_loaded_whole_is_refused(tmp_path: Path, changed: str, refused: bool) -> None:
    layers = nn.ModuleDict(
        {name: nn.ModuleDict({"lora_A": nn.Linear(3, 2, bias=False)}) for name in ("query", "pooler")}
    )
    held = {f"base_model.model.{name}": tensor.clone() for name, tensor in layers.state_dict().items()}
    save_file(held, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text("{}")
    for name, part in layers.named_parameters():
        if changed and changed in name:
            nn.init.ones_(part)
    if refused:
        with pytest.raises(ValueError, match=r"the adapter's query.lora_A in .* did not reach the model"):
            checkpoint.refuse_lost_adapter(tmp_path, layers)
    else:
        checkpoint.refuse_lost_adapter(tmp_path, layers)


# --- the law for [CLS] models, and vectors of before the law


def test_a_cls_model_is_held_against_its_own_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_bert(tmp_path / "m")
    plain = RetroMAE(str(folder))
    assert plain.facts()["packed"] and "vectors" not in plain.fingerprint()
    expected = plain.encoder.encode_docs(TEXTS)
    forward = PackedBert.__call__
    monkeypatch.setattr(PackedBert, "__call__", lambda self, ids, lengths: forward(self, ids, lengths) * 1.001)
    odd = RetroMAE(str(folder))
    assert "packed batches differ" in odd.facts()["not_packed_as"] and not odd.facts()["packed"]
    assert odd.fingerprint()["vectors"] == "of its own layers"
    np.testing.assert_allclose(odd.encoder.encode_docs(TEXTS), expected, atol=2e-5, rtol=1e-3)


def test_a_cls_model_with_a_replaced_layer_runs_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    model = bert()
    model.encoder.layer[0].register_forward_hook(lambda *given: None)
    made = mae_model.runner(model, torch.float32, encoding.pick_device("cpu"))
    assert "has a hook" in made.altered
    monkeypatch.setattr(packed_bert, "replaced", lambda model: None)
    assert isinstance(mae_model.runner(bert(), torch.float32, torch.device("cpu")), PackedBert)


@pytest.mark.parametrize(
    ("changes", "similarity", "state"),
    [({}, "cos", None), ({}, "dot", "normalised"), ({"query_length": 4}, "cos", "of its own encode")],
)
def test_vectors_that_earlier_versions_made_otherwise_are_not_taken_for_these(
    tmp_path: Path, changes: dict[str, Any], similarity: Any, state: str | None
) -> None:
    folder = settings(save_sentence_transformer(tmp_path / "m"), "sentence_bert_config.json", **changes)
    assert Encoder(str(folder), similarity=similarity).fingerprint().get("vectors") == state
    keys = {"checkpoint_sha256", "revision"}
    assert Encoder(str(save_sentence_transformer(tmp_path / "max", "max"))).fingerprint().keys() == keys


def test_an_index_of_vectors_without_normalize_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path / "toy")
    monkeypatch.setenv("BEIR_HARNESS_CACHE", str(tmp_path / "cache"))
    run = ["run", "sentence-transformer", "--dataset", f"{tmp_path}/toy/", "--results", str(tmp_path / "r")]
    run += ["--set", f"model={minilm()}", "--set", "similarity=dot"]
    with monkeypatch.context() as before:  # as it was: no Normalize, and a state without a word of it
        before.setattr(Encoder, "normalise", False)
        assert main([*run, "--tag", "x"]) == 0
    rmtree(tmp_path / "cache" / "looks")  # what is kept of a look counts as long as the code is as it was
    assert main([*run, "--tag", "x"]) == 1  # made differently
    assert main([*run, "--tag", "y"]) == 0
    assert main([*run[:-1], "similarity=cos", "--tag", "z"]) == 0
    y, z = (tmp_path / "r" / "runs" / tag / "toy" / "scores.tsv.gz" for tag in "yz")
    assert y.read_bytes() == z.read_bytes()
    assert len(list((tmp_path / "cache" / "indexes").iterdir())) == 3

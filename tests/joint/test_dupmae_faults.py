"""DupMAE where something is wrong: checkpoints, arguments, interrupted and damaged indexes."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForMaskedLM

from dense import tiny
from harness.records import Doc, Query
from joint.tiny import masked_lm, save
from retrievers.dupmae import DupMAE
from retrievers.search import vector_store
from retrievers.search.joint_store import JointStore

DOCS = [Doc(f"d{number}", " ".join(tiny.WORDS[number % 7 : number % 7 + 3])) for number in range(10)]


def without_head(folder) -> None:
    masked_lm().bert.save_pretrained(folder)


def set_settings(folder, **values: object) -> None:
    path = folder / "dupmae.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_head, r"has no masked-LM head \(\d+ tensors are missing.*the retriever retromae, which needs no head"),
        (lambda f: (f / "projection.safetensors").unlink(), "has no projection.safetensors.*set projection=none"),
        (lambda f: save_file({"weight": torch.ones(12, 31)}, f / "projection.safetensors"),
         r"holds \{'weight': \(12, 31\)\} instead of `weight` \(d', 32\)"),
        (lambda f: save_file({"weight": torch.ones(12, 32), "bias": torch.ones(12)}, f / "projection.safetensors"),
         "instead of `weight`"),
        (lambda f: save_file({"weight": torch.ones(9, 32)}, f / "projection.safetensors"),
         "projects to 9 dimensions, dupmae.json says 12"),
        (lambda f: (f / "projection.safetensors").write_bytes(b"damaged"), "projection.safetensors cannot be read"),
        (lambda f: set_settings(f, schema=7), "has schema 7"),
        (lambda f: set_settings(f, similarity="cos"), "similarity is 'cos'"),
        (lambda f: set_settings(f, activation="softplus"), "activation is 'softplus'; it can be raw, relu, log1p_relu"),
        (lambda f: set_settings(f, max_length=500), "max_length is 500; this model takes 3 to 64"),
    ],
)  # fmt: skip
def test_wrong_checkpoints(tmp_path, spoil, message: str) -> None:
    folder = save(tmp_path)
    spoil(folder)
    with pytest.raises(ValueError, match=message):
        DupMAE(str(folder))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k is 0"),
        ({"score": "dense"}, "score is 'dense'; it can be joint, cls or ot"),
        ({"activation": "tanh"}, "activation is 'tanh'"),
        ({"query_max_length": 2}, "query_max_length is 2; this model takes 3 to 64"),
        ({"precision": "int8"}, "precision is 'int8'; it can be fp32, bf16, fp16"),
    ],
)
def test_wrong_arguments(tmp_path, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DupMAE(str(save(tmp_path)), **arguments)


def test_no_checkpoint_says_what_to_give() -> None:
    with pytest.raises(ValueError, match="no DupMAE retriever was ever published: set checkpoint"):
        DupMAE()


def test_nothing_can_be_searched_before_load(tmp_path) -> None:
    with pytest.raises(ValueError, match="load an index before searching"):
        next(DupMAE(str(save(tmp_path))).search([Query("q", "x")], 1))


class Killed(Exception):
    """Stands for the end of the process."""


def test_an_interrupted_index_goes_on_and_is_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(DupMAE, "shard_docs", 3)
    retriever = DupMAE(str(save(tmp_path / "model")))
    encoded = []
    fields = retriever._fields

    def counted(tokens):
        if len(encoded) == 2:
            raise Killed
        encoded.append(len(tokens.lengths))
        return fields(tokens)

    monkeypatch.setattr(retriever, "_fields", counted)
    with pytest.raises(Killed):
        retriever.index(DOCS, tmp_path / "index")
    with pytest.raises(ValueError, match="indexing was interrupted"):
        retriever.load(tmp_path / "index")
    monkeypatch.setattr(retriever, "_fields", lambda tokens: (encoded.append(len(tokens.lengths)), fields(tokens))[1])
    retriever.index(DOCS, tmp_path / "index")
    assert sum(encoded) <= len(DOCS) + 3
    whole = DupMAE(str(tmp_path / "model"))
    whole.index(DOCS, tmp_path / "whole")
    for one, other in zip(JointStore(tmp_path / "index").shards, JointStore(tmp_path / "whole").shards, strict=True):
        for name in ("vectors", "entries", "weights", "sizes"):
            assert (one.field(name) == other.field(name)).all()


@pytest.mark.parametrize("field", ["vectors", "entries", "weights", "sizes"])
def test_damaged_shards_are_named_and_made_again(tmp_path, monkeypatch, field: str) -> None:
    monkeypatch.setattr(DupMAE, "shard_docs", 4)
    retriever = DupMAE(str(save(tmp_path / "model")))
    retriever.index(DOCS, tmp_path / "index")
    path = tmp_path / "index" / f"00001.{field}.npy"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ValueError, match=f"shard 1 is damaged.*{field}"):
        retriever.load(tmp_path / "index")
    with pytest.warns(UserWarning, match="encoded again"):
        retriever.index(DOCS, tmp_path / "index")
    assert path.read_bytes() == good


def test_an_index_of_other_settings_is_refused(tmp_path) -> None:
    folder = save(tmp_path / "model")
    DupMAE(str(folder)).index(DOCS, tmp_path / "index")
    with pytest.raises(ValueError, match="holds vectors of another kind"):
        DupMAE(str(folder), k=4).index(DOCS, tmp_path / "index")


def test_a_store_without_sparse_parts_is_refused(tmp_path) -> None:
    vector_store.begin(tmp_path, {}, 4)
    vector_store.write_shard(tmp_path, 0, ["a"], "digest", {"vectors": np.ones((1, 12), np.float16)})
    vector_store.finish(tmp_path, 1)
    with pytest.raises(ValueError, match="shard 0 has no entries: it is no store of joint vectors"):
        JointStore(tmp_path)


def test_nan_names_the_document_and_the_query(tmp_path) -> None:
    folder = save(tmp_path / "model")
    model = AutoModelForMaskedLM.from_pretrained(folder)
    model.bert.embeddings.position_embeddings.weight.data[9] = torch.nan  # of texts of more than seven words
    model.save_pretrained(folder)
    retriever = DupMAE(str(folder))
    long = "mice " * 12
    with pytest.raises(ValueError, match="of document 'long' hold NaN"):
        retriever.index([Doc("short", "mice"), Doc("long", long)], tmp_path / "index")
    retriever.index([Doc("short", "mice")], tmp_path / "other")
    retriever.load(tmp_path / "other")
    with pytest.raises(ValueError, match="the vector of query 'long' holds NaN"):
        list(retriever.search([Query("short", "mice"), Query("long", long)], 1))

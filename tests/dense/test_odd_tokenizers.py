"""Tokenizers, lengths and texts that are not as usual: used as the model does, or refused when it is opened."""

import json
from pathlib import Path

import pytest
import torch
from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

from dense.own import assert_own, settings
from dense.tiny import save_bert, save_sentence_transformer
from harness import plugins
from harness.errors import HarnessError
from harness.records import Doc, Query
from retrievers.sentence_transformer import SentenceTransformerEncoder as Encoder


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

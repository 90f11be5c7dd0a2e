"""The packed forward pass equals the model's own, whatever stands beside a text."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, RobertaConfig, RobertaModel

from dense.tiny import bert
from retrievers.encoders.packed_bert import PackedBert, groups, why_not

TEXTS = st.lists(st.lists(st.integers(1, 17), min_size=1, max_size=30), min_size=1, max_size=8)


def roberta() -> RobertaModel:
    torch.manual_seed(1)
    config = RobertaConfig(
        vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=40, pad_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    return RobertaModel(config, add_pooling_layer=False).eval()


@torch.inference_mode()
def alone(model: torch.nn.Module, texts: list[list[int]]) -> torch.Tensor:
    return torch.cat([model(torch.tensor([text])).last_hidden_state[0] for text in texts])


@torch.inference_mode()
def packed(model: torch.nn.Module, texts: list[list[int]], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    ids = torch.tensor([token for text in texts for token in text])
    return PackedBert(model, dtype)(ids, [len(text) for text in texts])


@settings(deadline=None, max_examples=30)
@given(TEXTS)
def test_equals_each_text_alone(texts: list[list[int]]) -> None:
    torch.testing.assert_close(packed(bert(), texts), alone(bert(), texts), atol=2e-5, rtol=1e-4)


def test_positions_of_roberta_start_after_its_padding() -> None:
    texts = [[5, 6, 7], [5, 6, 7], [8], [9, 3, 4, 5, 6, 7, 8, 9]]
    torch.testing.assert_close(packed(roberta(), texts), alone(roberta(), texts), atol=2e-5, rtol=1e-4)
    texts = [[5, 1, 7], [1, 6, 1], [8], [9, 3, 1, 1, 6, 7, 8, 1], [1], [4, 5]]  # "<pad>" may stand in a text
    torch.testing.assert_close(packed(roberta(), texts), alone(roberta(), texts), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("dtype", "nearness"), [(torch.bfloat16, 0.999), (torch.float16, 0.99999)])
def test_half_precision_is_near(dtype: torch.dtype, nearness: float) -> None:
    texts = [[5, 6, 7, 8], [9, 10], [3] * 20]
    near = torch.cosine_similarity(packed(bert(), texts, dtype).float(), alone(bert(), texts))
    assert near.min() > nearness
    assert not torch.equal(packed(bert(), texts, dtype).float(), alone(bert(), texts))


def test_a_text_beyond_the_positions_is_an_error() -> None:
    with pytest.raises(ValueError, match="65 tokens is longer than this model's 64 positions"):
        packed(bert(), [[5] * 65])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (bert(), None),
        (roberta(), None),
        (bert(hidden_act="silu"), "activation 'silu'"),
        (DistilBertModel(DistilBertConfig(vocab_size=9, dim=8, n_heads=2, n_layers=1, hidden_dim=8)), "'distilbert'"),
        (BertModel(BertConfig(vocab_size=9, hidden_size=8, num_attention_heads=2, is_decoder=True)), "decoder"),
        (torch.nn.Linear(2, 2), "architecture None"),
    ],
)
def test_what_cannot_run_packed_says_why(model: torch.nn.Module, reason: str | None) -> None:
    found = why_not(model)
    assert found == reason if reason is None else reason in str(found)
    if reason:
        with pytest.raises(ValueError, match="cannot run without padding"):
            PackedBert(model, torch.float32)


def test_groups() -> None:
    assert groups([4, 4, 3, 1, 1, 1, 4]) == [(4, 2), (3, 1), (1, 3), (4, 1)]

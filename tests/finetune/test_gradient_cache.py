"""Gradient caching: the gradients of the direct computation, in the memory of one group."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertForMaskedLM

from retrievers.training.ranking.finetune_model import Batch, FineTuning
from retrievers.training.ranking.gradient_cache import group
from retrievers.training.ranking.representation import Representation

CPU = torch.device("cpu")


def rows(lengths: list[int], seed: int) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [np.concatenate([[2], draw.integers(5, 59, length - 2), [3]]).astype(np.int32) for length in lengths]


@given(st.lists(st.integers(2, 30), min_size=1, max_size=20), st.integers(1, 100))
def test_groups_hold_every_text_once_within_their_budget(lengths: list[int], tokens: int) -> None:
    texts = rows(lengths, 0)
    grouped = group(texts, 0, tokens, CPU)
    flat = [ids[at, :length].tolist() for ids, sizes in grouped.groups for at, length in enumerate(sizes.tolist())]
    assert [flat[at] for at in grouped.place.tolist()] == [text.tolist() for text in texts]
    assert all(ids.numel() <= tokens or len(ids) == 1 for ids, _ in grouped.groups)


def gradients(
    pretrained, kind: str, cached: bool, tokens: int, teacher: bool, dropout: float
) -> dict[str, torch.Tensor]:
    lm = BertForMaskedLM.from_pretrained(
        pretrained, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
    ).train()
    torch.manual_seed(1)
    model = FineTuning(Representation(lm, kind, 6, 7), 3 if teacher else 2, 1.0, cached)
    batch = Batch(
        group(rows([5, 9, 3, 6], 1), 0, tokens, CPU),
        group(rows([12, 4, 9, 9, 15, 3, 8, 7], 2), 0, tokens, CPU),
        torch.arange(0, 8, 2),
        torch.ones(4, 8, dtype=torch.bool),
        torch.arange(8.0).view(4, 2) if teacher else None,
    )
    torch.manual_seed(2)
    loss = model(batch)["loss"]
    loss.backward()
    return {"loss": loss.detach()} | {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("teacher", [False, True])
@pytest.mark.parametrize("kind", ["cls", "ot", "joint"])
def test_loss_and_gradients_are_those_of_the_direct_computation(
    pretrained, kind: str, teacher: bool, dropout: float
) -> None:
    direct = gradients(pretrained, kind, False, 20, teacher, dropout)
    cached = gradients(pretrained, kind, True, 20, teacher, dropout)
    assert direct.keys() == cached.keys() and all(value is not None for value in direct.values())
    for name, value in direct.items():
        torch.testing.assert_close(
            cached[name], value, rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_groups_do_not_change_the_loss_beyond_rounding(pretrained) -> None:
    small, large = (gradients(pretrained, "joint", True, tokens, False, 0.0) for tokens in (15, 1000))
    for name, value in large.items():
        torch.testing.assert_close(small[name], value, rtol=1e-4, atol=1e-5)


def test_activations_are_not_kept(pretrained) -> None:
    """What autograd saves outside of the recomputed parts does not grow with the layers."""
    saved = {}
    for cached in (False, True):
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: (sizes.append(t.numel()), t)[1], lambda t: t
        ):
            lm = BertForMaskedLM.from_pretrained(pretrained).train()
            model = FineTuning(Representation(lm, "cls"), 1, 1.0, cached)
            texts = group(rows([12] * 8, 1), 0, 24, CPU)
            model(Batch(texts, texts, torch.arange(8), torch.ones(8, 8, dtype=torch.bool), None))
        saved[cached] = sum(sizes)
    assert saved[True] < saved[False] / 20

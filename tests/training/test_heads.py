"""The two losses over the vocabulary against torch's own, values and gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from retrievers.training.models.heads import pooled_logits, token_loss

T, H, V = 50, 16, 40


def head(seed: int = 0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    return torch.randn(V, H, requires_grad=True), torch.randn(V, requires_grad=True)


def gradients(value: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(value, inputs))


def close(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-4) -> bool:
    return all(torch.allclose(a, b, atol=tolerance, rtol=tolerance) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("block", [1, 7, 50, 64])
def test_token_loss_is_cross_entropy(block: int) -> None:
    weight, bias = head()
    hidden, targets = torch.randn(T, H, requires_grad=True), torch.randint(V, (T,))
    for scale, factor in ((1.0, 1), (0.25, 1), (0.25, 3)):
        ours = token_loss(hidden, weight, bias, targets, scale, block) * factor
        theirs = F.cross_entropy(hidden @ weight.T + bias, targets, reduction="sum") * scale * factor
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
        assert close(gradients(ours, hidden, weight, bias), gradients(theirs, hidden, weight, bias))


def test_token_loss_of_nothing_is_zero() -> None:
    weight, bias = head()
    hidden = torch.randn(0, H, requires_grad=True)
    loss = token_loss(hidden, weight, bias, torch.empty(0, dtype=torch.int64))
    assert loss.item() == 0
    assert all(gradient.abs().sum() == 0 for gradient in gradients(loss, hidden, weight, bias))


def test_a_hopeless_token_has_a_finite_loss() -> None:
    weight, bias = torch.eye(2) * 1000, torch.zeros(2)
    loss = token_loss(torch.tensor([[1.0, 0.0]]), weight, bias, torch.tensor([1]))
    assert 80 < loss.item() < 1001


@pytest.mark.parametrize("texts", [1, 2, 8])
def test_pooled_logits_are_the_maximum_over_the_positions_kept(texts: int) -> None:
    weight, bias = head()
    hidden, keep = torch.randn(5, 11, H, requires_grad=True), torch.rand(5, 11) < 0.5
    keep[:, 10] = True
    ours = pooled_logits(hidden, weight, bias, keep, texts)
    theirs = (hidden @ weight.T + bias).masked_fill(~keep[..., None], -torch.inf).amax(1)
    assert torch.allclose(ours, theirs, atol=1e-6)
    direction = torch.randn_like(ours)
    assert close(
        gradients((ours * direction).sum(), hidden, weight, bias),
        gradients((theirs * direction).sum(), hidden, weight, bias),
    )


def test_under_autocast_the_products_are_bf16_and_the_gradients_float32() -> None:
    weight, bias = head()
    hidden, targets = torch.randn(4, 11, H, requires_grad=True), torch.randint(V, (44,))
    with torch.autocast("cpu", torch.bfloat16):
        loss = token_loss(hidden.flatten(0, 1), weight, bias, targets)
        pooled = pooled_logits(hidden, weight, bias, torch.ones(4, 11, dtype=torch.bool))
    logits = hidden @ weight.T + bias
    exact = F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum")
    assert loss.item() == pytest.approx(exact.item(), rel=1e-2)
    assert loss.item() != exact.item()
    assert torch.allclose(pooled, logits.amax(1), atol=0.1)
    maxima = (hidden @ weight.T + bias).amax(1).sum()
    for ours, theirs in ((loss, exact), (pooled.sum(), maxima)):
        found = gradients(ours, hidden, weight, bias)
        assert all(gradient.dtype == torch.float32 for gradient in found)
        assert close(found, gradients(theirs, hidden, weight, bias), 0.3)

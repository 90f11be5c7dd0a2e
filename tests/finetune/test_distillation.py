"""Distillation: the corrected Eq. 15."""

import math

import torch

from retrievers.training.ranking.distillation import distillation_loss


def test_the_loss_by_hand() -> None:
    teacher = torch.tensor([[math.log(3), 0.0]])  # softmax 3/4, 1/4
    scores = torch.tensor([[0.0, math.log(4)]])  # softmax 1/5, 4/5
    expected = -(0.75 * math.log(0.2) + 0.25 * math.log(0.8))
    torch.testing.assert_close(distillation_loss(scores, teacher), torch.tensor(expected))


def test_agreement_has_no_gradient_and_a_shift_changes_nothing() -> None:
    teacher = torch.randn(3, 5)
    scores = (teacher + 2.5).requires_grad_()
    loss = distillation_loss(scores, teacher)
    loss.backward()
    assert scores.grad is not None and scores.grad.abs().max() < 1e-6
    entropy = -(teacher.softmax(1) * teacher.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(loss.detach(), entropy)


def test_a_sure_teacher_is_a_label() -> None:
    scores = torch.randn(4, 6)
    teacher = torch.zeros(4, 6)
    teacher[:, 0] = 1000
    torch.testing.assert_close(distillation_loss(scores, teacher), -scores.log_softmax(1)[:, 0].mean())

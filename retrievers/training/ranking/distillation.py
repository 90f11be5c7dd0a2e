"""Learning a cross-encoder's opinion of a query's documents (DupMAE, Eq. 15, whose printed numerator is a misprint)."""

from torch import Tensor


def distillation_loss(scores: Tensor, teacher: Tensor) -> Tensor:
    """Mean over queries of -sum over d of softmax(teacher)_d log softmax(scores)_d: (B, n) both."""
    return -(teacher.softmax(1) * scores.log_softmax(1)).sum(1).mean()

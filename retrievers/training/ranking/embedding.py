"""The dense half learns another model's vectors: what that model took millions of pairs to learn is there at once."""

import torch
from torch import Tensor


def embedding_loss(dense: Tensor, teacher: Tensor, scale: float) -> Tensor:
    """Mean over texts of |v / sqrt(scale) - t|² for unit vectors t: (B, d') and (B, d'). At its minimum the inner
    product of two vectors v is `scale` times the teacher's cosine."""
    return (dense / scale**0.5 - teacher).square().sum(1).mean()


def least_squares(hidden: Tensor, teacher: Tensor, scale: float, ridge: float = 1e-2) -> Tensor:
    """W (d', H) so that hidden @ W.T is nearest to sqrt(scale) * teacher: hidden (n, H), teacher (n, d').

    `ridge` is in units of the mean square of a hidden state's entry, times n.
    """
    hidden, teacher = hidden.double(), teacher.double() * scale**0.5
    gram = hidden.T @ hidden  # (H, H)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    return torch.linalg.solve(gram, hidden.T @ teacher).T.float()

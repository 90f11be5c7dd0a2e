"""InfoNCE over all documents of a batch, on all devices, with true duplicates left out of the negatives."""

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F


def _collect(rows: Tensor) -> Tensor:
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor) -> Tensor:
        ctx.own = len(rows)  # type: ignore[attr-defined]
        return _collect(rows)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        own: int = ctx.own  # type: ignore[attr-defined]
        total = grad.contiguous().clone()
        dist.all_reduce(total)
        return total[dist.get_rank() * own :][:own]


def gather_rows(rows: Tensor) -> Tensor:
    """The rows of all processes, in their order: (n, …) -> (processes * n, …); n is the same everywhere.

    The gradient of a row is the sum over what all processes do with it. With losses that are means over a process's own
    queries, and gradients averaged over processes (as DistributedDataParallel does), the result is the gradient of the
    mean over all queries.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    return _Gather.apply(rows) if rows.is_floating_point() else _collect(rows)


def contrastive_loss(scores: Tensor, positive: Tensor, allowed: Tensor) -> Tensor:
    """Mean over queries of -log softmax at the positive (DupMAE, Eq. 13 and 14): scores (B, D), positive (B,) int64.

    allowed (B, D) bool: false where a document is relevant to the query and not its positive of this batch.
    """
    return F.cross_entropy(scores.masked_fill(~allowed, -torch.inf), positive)

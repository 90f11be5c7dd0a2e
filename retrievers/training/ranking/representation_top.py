"""The k largest vocabulary entries of a text, with a gradient that touches nothing but these entries."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from retrievers.training.models.heads import BLOCK, BLOCK_GPU


class _TopLogits(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        keep: Tensor,
        k: int,
        dtype: torch.dtype,
        first: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        texts, length, _ = hidden.shape
        with torch.autocast(hidden.device.type, enabled=False):
            rows, matrix = hidden.to(dtype), weight.to(dtype)  # (B, L, H), (V, H)
            block = BLOCK if hidden.device.type == "cpu" else BLOCK_GPU
            at_once = max(1, block // (length * weight.shape[0]))
            found = []
            for start in range(0, texts, at_once):
                part = slice(start, start + at_once)
                logits = (rows[part].flatten(0, 1) @ matrix.T).unflatten(0, (-1, length))  # (texts, L, V)
                logits.masked_fill_(~keep[part, :, None], -torch.inf)
                pooled, where = logits.max(1)  # (texts, V)
                pooled = (pooled + bias).float()
                ranked = pooled if first is None else pooled.masked_fill(first[part], torch.inf)
                entries = ranked.topk(k, 1).indices  # (texts, k)
                values = pooled.gather(1, entries)
                found.append((values, entries, where.gather(1, entries)))
        values, entries, places = (torch.cat(parts) for parts in zip(*found, strict=True))  # (B, k) each
        ctx.save_for_backward(hidden, weight, bias, entries, places)
        ctx.mark_non_differentiable(entries)
        return values, entries

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, entries, places = ctx.saved_tensors  # type: ignore[attr-defined]
        with torch.autocast(grad.device.type, enabled=False):
            spread = grad.new_zeros(*hidden.shape[:2], entries.shape[1])  # (B, L, k)
            spread.scatter_(1, places[:, None], grad[:, None])  # column j has its gradient in the row of its maximum
            grad_hidden = spread @ weight.float()[entries]  # (B, L, H)
            of_entries = spread.transpose(1, 2) @ hidden.float()  # (B, k, H)
            grad_weight = torch.zeros_like(weight, dtype=torch.float32)
            grad_weight.index_add_(0, entries.flatten(), of_entries.flatten(0, 1))
            grad_bias = torch.zeros_like(bias, dtype=torch.float32)
            grad_bias.index_add_(0, entries.flatten(), grad.flatten())
        return grad_hidden.to(hidden.dtype), grad_weight.to(weight.dtype), grad_bias.to(bias.dtype), *[None] * 4


def top_logits(
    hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor, k: int, first: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The k largest of `heads.pooled_logits` and their vocabulary ids: values (B, k) float32, entries (B, k) int64.

    hidden (B, L, H), weight (V, H), bias (V,), keep (B, L) bool with at least one position per text. Entries marked in
    `first` (B, V) bool are taken before all others, whatever their logits.
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    return _TopLogits.apply(hidden, weight, bias, keep, min(k, weight.shape[0]), dtype, first)

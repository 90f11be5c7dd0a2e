"""Losses over the vocabulary that never keep a (tokens, V) matrix: logits live one block at a time.

Two functions with gradients of their own. `token_loss` makes a block's gradient while its logits are at hand, so that
nothing is kept and nothing computed twice. `pooled_logits` keeps, per text and vocabulary entry, the maximum and where
it was; its gradient has one entry per (text, vocabulary entry) and goes back through a sparse product.
A vocabulary head here is: logits = hidden @ weight.T + bias, hidden being the output of the head's transform.
"""

import warnings

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

BLOCK = 1 << 22  # logits made at a time on a CPU; from 2^20 to 2^24 the speed is the same
BLOCK_GPU = 1 << 28  # enough rows to fill a GPU


def _compute_dtype(hidden: Tensor) -> torch.dtype:
    """What matrix products run in here: the autocast dtype where autocast is on."""
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


def _block(hidden: Tensor, vocabulary: int) -> int:
    """Rows of logits made at a time."""
    return max(64, (BLOCK if hidden.device.type == "cpu" else BLOCK_GPU) // vocabulary)


class _TokenLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        dtype: torch.dtype,
        block: int,
        scale: float,
    ) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            rows, matrix, offset = hidden.to(dtype), weight.to(dtype), bias.to(dtype)  # (T, H), (V, H), (V,)
            grad_rows = torch.empty_like(rows)  # (T, H)
            grad_matrix: Tensor | None = None  # (V, H)
            grad_offset = torch.zeros_like(bias, dtype=torch.float32)  # (V,)
            loss = torch.zeros((), dtype=torch.float32, device=hidden.device)
            tiny = torch.finfo(torch.float32).tiny
            parts = rows.split(block), targets[:, None].split(block), grad_rows.split(block)
            for part, target, grad_part in zip(*parts, strict=True):
                chances = torch.addmm(offset, part, matrix.T).softmax(-1)  # (block, V)
                chance = chances.gather(1, target)  # (block, 1)
                loss -= chance.float().clamp_min(tiny).log().sum()
                chances.scatter_(1, target, chance - 1)  # now the gradient with respect to the logits
                torch.mm(chances, matrix, out=grad_part)
                grad_matrix = _add_product(grad_matrix, chances, part * scale)
                grad_offset += chances.sum(0, dtype=torch.float32)
            assert grad_matrix is not None  # even no rows are one part
            grad_rows, grad_offset = grad_rows.to(hidden.dtype) * scale, grad_offset.to(bias.dtype) * scale
        ctx.save_for_backward(grad_rows, grad_matrix.to(weight.dtype), grad_offset)
        return loss * scale

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, matrix, offset = ctx.saved_tensors  # type: ignore[attr-defined]
        if grad.device.type == "cpu" and grad == 1:  # a pass over (V, H) saved; a GPU would have to be waited for
            return rows, matrix, offset, None, None, None, None
        return rows * grad.to(rows.dtype), matrix * grad, offset * grad, None, None, None, None


def _add_product(total: Tensor | None, left: Tensor, right: Tensor) -> Tensor:
    """total + left.T @ right in float32, in place where there is a total."""
    if total is None:
        return (left.T @ right).float()
    return total.addmm_(left.T, right) if left.dtype == torch.float32 else total.add_(left.T @ right)


def token_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, scale: float = 1.0, block: int | None = None
) -> Tensor:
    """`scale` times the sum of the cross-entropies of T tokens: hidden (T, H), targets (T,) int64 -> scalar.

    Equal to `scale * cross_entropy(hidden @ weight.T + bias, targets, reduction="sum")` for weight (V, H), bias (V,);
    `block` rows of logits at a time. The scale is in the gradients from the start, which saves passes over (V, H).
    """
    block = block or _block(hidden, weight.shape[0])
    return _TokenLoss.apply(hidden, weight, bias, targets, _compute_dtype(hidden), block, scale)


class _PooledLogits(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor, dtype: torch.dtype, texts: int
    ) -> Tensor:
        length = hidden.shape[1]
        place = torch.arange(length, device=hidden.device)  # (L,)
        first = keep.to(torch.uint8).argmax(1, keepdim=True)  # (B, 1)
        source = torch.where(keep, place, first)  # (B, L), a position left out repeats the first that counts
        with torch.autocast(hidden.device.type, enabled=False):
            rows = hidden.to(dtype).gather(1, source[..., None].expand_as(hidden))  # (B, L, H)
            matrix = weight.to(dtype)  # (V, H)
            pooled = hidden.new_empty((len(hidden), weight.shape[0]), dtype=torch.float32)  # (B, V)
            where = torch.empty_like(pooled, dtype=torch.int64)  # (B, V)
            for start in range(0, len(hidden), texts):
                part = slice(start, start + texts)
                logits = (rows[part].flatten(0, 1) @ matrix.T).unflatten(0, (-1, length))  # (texts, L, V)
                pooled[part], where[part] = logits.max(1)
        ctx.save_for_backward(rows, weight, source.gather(1, where))
        ctx.dtypes = hidden.dtype, bias.dtype  # type: ignore[attr-defined]
        return pooled + bias

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, where = ctx.saved_tensors  # type: ignore[attr-defined]
        of_hidden, of_bias = ctx.dtypes  # type: ignore[attr-defined]
        texts, length, width = rows.shape
        cell = where + length * torch.arange(texts, device=where.device)[:, None]  # (B, V), which of the B L rows
        with torch.autocast(grad.device.type, enabled=False), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
            grad_matrix = _sparse(cell.T, grad.T, texts * length) @ rows.float().flatten(0, 1)  # (V, H)
            order = cell.flatten().argsort(stable=True)  # (B V,)
            per_row = torch.zeros(texts * length + 1, dtype=torch.int64, device=cell.device)
            per_row[1:] = cell.flatten().bincount(minlength=texts * length).cumsum(0)
            by_row = torch.sparse_csr_tensor(
                per_row,
                order % weight.shape[0],
                grad.flatten()[order],
                (texts * length, weight.shape[0]),
                check_invariants=False,
            )
            grad_rows = (by_row @ weight.float()).view(texts, length, width)  # (B, L, H)
        return grad_rows.to(of_hidden), grad_matrix.to(weight.dtype), grad.sum(0).to(of_bias), None, None, None


def _sparse(columns: Tensor, values: Tensor, width: int) -> Tensor:
    """The matrix with `values` (R, C) at `columns` (R, C), ascending in each row, `width` columns wide."""
    rows, each = columns.shape
    ends = torch.arange(0, rows * each + 1, each, device=columns.device)
    flat = columns.reshape(-1), values.reshape(-1)
    return torch.sparse_csr_tensor(ends, *flat, (rows, width), check_invariants=False)


def pooled_logits(hidden: Tensor, weight: Tensor, bias: Tensor, keep: Tensor, texts: int | None = None) -> Tensor:
    """For each text the maximum of the logits over its positions in `keep`, per vocabulary entry (DupMAE, section 3.3).

    hidden (B, L, H), weight (V, H), bias (V,), keep (B, L) bool with at least one position per text -> (B, V) float32.
    `texts` texts of logits are made at a time.
    """
    texts = texts or max(1, _block(hidden, weight.shape[0]) // hidden.shape[1])
    return _PooledLogits.apply(hidden, weight, bias, keep, _compute_dtype(hidden), texts)

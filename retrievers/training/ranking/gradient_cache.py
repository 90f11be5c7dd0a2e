"""Many texts through an encoder: in groups alike in length, and, if asked, without keeping what is in between.

GradCache (Gao et al. 2021, arXiv 2101.06983) encodes a large batch without activations, takes the loss's gradients with
respect to the vectors, and encodes again, group by group, to carry these gradients into the encoder. That is activation
checkpointing with the group's whole forward pass as one segment, which is how it stands here: the gradients are the
same, dropout too, and memory holds the vectors and the activations of one group.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

Parts = TypeVar("Parts", bound=tuple[Tensor | None, ...])


class Grouped(NamedTuple):
    """Texts in groups alike in length."""

    groups: list[tuple[Tensor, Tensor]]  # ids (B, L) int64, padded, and lengths (B,) int64
    place: Tensor  # (texts,) int64, where among the groups' rows each text is


def group(rows: list[np.ndarray], pad: int, tokens: int, device: torch.device) -> Grouped:
    """Put tokenised texts, special tokens included, into groups of at most `tokens` tokens with padding."""
    lengths = np.array([len(row) for row in rows], np.int64)
    order = np.argsort(-lengths, kind="stable")
    groups, start = [], 0
    while start < len(order):
        longest = int(lengths[order[start]])
        members = order[start : start + max(1, tokens // longest)]
        ids = np.full((len(members), longest), pad, np.int64)
        for line, member in zip(ids, members, strict=True):
            line[: lengths[member]] = rows[member]
        groups.append((torch.from_numpy(ids).to(device), torch.from_numpy(lengths[members]).to(device)))
        start += len(members)
    return Grouped(groups, torch.from_numpy(np.argsort(order)).to(device))


def encode(encoder: Callable[[Tensor, Tensor], Parts], texts: Grouped, cached: bool) -> Parts:
    """What `encoder(ids, lengths)` makes of the texts, in their order: a named tuple of tensors of one row per text.

    With `cached`, activations are computed again in the backward pass, group after group.
    """
    made = [
        checkpoint(encoder, *each, use_reentrant=False) if cached and torch.is_grad_enabled() else encoder(*each)
        for each in texts.groups
    ]
    joined = [None if parts[0] is None else torch.cat(parts)[texts.place] for parts in zip(*made, strict=True)]
    return type(made[0])(*joined)  # type: ignore[arg-type]

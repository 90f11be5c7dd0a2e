"""DupMAE = RetroMAE + a bag-of-words loss on the ordinary tokens' vectors (ACL 2023 long.148, arXiv 2305.02564)."""

from typing import Literal

import torch
from torch import Tensor, nn

from retrievers.encoders import backbones
from retrievers.training.data.masking import IGNORED, Masked
from retrievers.training.models.heads import pooled_logits
from retrievers.training.models.retromae import Average, Query, RetroMAE

Normalise = Literal["tokens", "unique", "sum"]


class DupMAE(RetroMAE):
    """RetroMAE, and the set of the text's words must be readable from the maximum of the token logits.

    The switches choose between the readings of section 3.3 of the paper and the released code (the defaults):
    normalise: divide a text's sum by its "tokens" with repeats, its "unique" tokens, or not at all ("sum").
    include_masked: whether positions that the encoder saw corrupted take part in the maximum.
    Both readings leave out [CLS] and padding, keep [SEP], and use the masked-LM head as the projection.
    """

    def __init__(
        self,
        lm: nn.Module,
        bow_weight: float = 0.1,
        normalise: Normalise = "tokens",
        include_masked: bool = True,
        query: Query = "embedded",
        average: Average = "token",
    ) -> None:
        super().__init__(lm, query, average)
        self.normalise = normalise
        self.include_masked = include_masked
        self.weights |= {"bag_of_words": bow_weight}

    def losses(self, batch: Masked, hidden: Tensor) -> dict[str, Tensor]:
        """The losses of RetroMAE, then the bag of words."""
        return super().losses(batch, hidden) | {"bag_of_words": self.bag_of_words(batch, hidden)}

    def bag_of_words(self, batch: Masked, hidden: Tensor) -> Tensor:
        """Mean over texts of the sum over distinct tokens x of log sum exp(mu) - mu[x], normalised."""
        position = torch.arange(batch.ids.shape[1], device=batch.ids.device)[1:]  # (L - 1,), without [CLS]
        keep = position < batch.lengths[:, None]  # (B, L - 1)
        if not self.include_masked:
            keep = keep & (batch.labels[:, 1:] == IGNORED)
        output = backbones.output(self.lm)
        rows = backbones.transform(self.lm, hidden[:, 1:])  # (B, L - 1, H)
        pooled = pooled_logits(rows, output.weight, output.bias, keep)  # (B, V), mu
        distinct, first = distinct_tokens(batch.ids, batch.lengths)  # (B, L), (B, L)
        count = first.sum(1)  # (B,)
        read = (pooled.gather(1, distinct) * first).sum(1)  # (B,), sum of mu over the set
        losses = count * pooled.logsumexp(1) - read  # (B,)
        if self.normalise != "sum":
            losses = losses / (count if self.normalise == "unique" else batch.lengths - 2)
        return losses.mean()


def distinct_tokens(ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The ordinary tokens of each text in ascending order (B, L), and where each is met first (B, L) bool."""
    position = torch.arange(ids.shape[1], device=ids.device)
    ordinary = (position >= 1) & (position < lengths[:, None] - 1)  # (B, L)
    ordered = ids.masked_fill(~ordinary, -1).sort(1).values  # (B, L), the rest sorts first
    first = ordered.diff(dim=1, prepend=torch.full_like(ordered[:, :1], -1)) != 0  # (B, L)
    return ordered.clamp_min(0), first

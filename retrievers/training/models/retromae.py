"""Masked language modelling, and RetroMAE on top of it (arXiv 2205.12035).

`forward(batch)` returns the losses by name and "loss", their weighted sum; the batch comes from `masking`.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from retrievers.encoders import backbones
from retrievers.training.data.masking import IGNORED, Masked
from retrievers.training.models.decoder import EnhancedDecoder
from retrievers.training.models.heads import token_loss

Query = Literal["plain", "embedded"]
Average = Literal["token", "text"]


class MaskedLanguageModel(nn.Module):
    """The encoder with its masked-LM head: the loss over the corrupted tokens alone, the baseline "mlm".

    average: "token" divides a loss by the tokens that carry it (the released code), "text" sums over the tokens of
    a text and averages over texts (the papers' Eq. 4).
    """

    def __init__(self, lm: nn.Module, average: Average = "token") -> None:
        super().__init__()
        self.lm = lm
        self.average = average
        self.weights: dict[str, float] = {"encoder_mlm": 1.0}

    def forward(self, batch: Masked) -> dict[str, Tensor]:
        """Each loss by its name, and "loss", their weighted sum: scalars."""
        mask = torch.arange(batch.ids.shape[1], device=batch.ids.device) < batch.lengths[:, None]  # (B, L)
        encoded = backbones.encoder(self.lm)(input_ids=batch.encoder_ids, attention_mask=mask.long())
        losses = self.losses(batch, encoded.last_hidden_state)
        return losses | {"loss": sum((self.weights[name] * loss for name, loss in losses.items()), torch.zeros(()))}

    def losses(self, batch: Masked, hidden: Tensor) -> dict[str, Tensor]:
        """The unweighted losses; hidden (B, L, H) is the encoder's output."""
        return {"encoder_mlm": self.tokens_loss(hidden, batch.labels)}

    def tokens_loss(self, hidden: Tensor, labels: Tensor, sampled: float = 1.0) -> Tensor:
        """Cross-entropy of the masked-LM head at the positions with a label: hidden (B, L, H), labels (B, L).

        The labels are the share `sampled` of those that the loss is an estimate for.
        """
        counts = labels != IGNORED  # (B, L)
        output = backbones.output(self.lm)
        rows = backbones.transform(self.lm, hidden[counts])  # (T, H), logits only where they are needed
        scale = 1 / (max(1, len(rows)) if self.average == "token" else len(labels) * sampled)
        return token_loss(rows, output.weight, output.bias, labels[counts], scale)


class RetroMAE(MaskedLanguageModel):
    """Masked language modelling + reconstruction of every token, or of those in `Masked.rebuilt`, from [CLS] and a
    sample of the others.

    query: "plain" adds the [CLS] vector to the position embedding (the paper), "embedded" sends it through the
    embedding module (the released DupMAE code).
    """

    def __init__(self, lm: nn.Module, query: Query = "plain", average: Average = "token") -> None:
        super().__init__(lm, average)
        self.query = query
        self.weights |= {"decoder_mlm": 1.0}
        self.decoder = EnhancedDecoder(backbones.family(lm.config).shape(lm.config))

    def losses(self, batch: Masked, hidden: Tensor) -> dict[str, Tensor]:
        """The losses of the base class, then the decoder's."""
        assert batch.visible is not None, "RetroMAE needs the decoder's visibility"
        queries = self.queries(hidden[:, 0], hidden.shape[1])
        position = torch.arange(batch.ids.shape[1], device=batch.ids.device)
        ordinary = (position >= 1) & (position < batch.lengths[:, None] - 1)  # (B, L)
        labels, sampled = batch.ids.masked_fill(~ordinary, IGNORED), 1.0
        if (at := batch.rebuilt) is not None:
            queries, labels = queries.gather(1, at[..., None].expand(-1, -1, queries.shape[2])), labels.gather(1, at)
            if self.average == "text":  # a GPU would be waited for
                sampled = float((labels != IGNORED).sum() / ordinary.sum())
        rows = self.decoder(queries, self.contexts(batch.ids, hidden), batch.visible)  # (B, R, H)
        return super().losses(batch, hidden) | {"decoder_mlm": self.tokens_loss(rows, labels, sampled)}

    def queries(self, cls: Tensor, length: int) -> Tensor:
        """The query stream: the text's vector cls (B, H) at each position -> (B, L, H)."""
        if self.query == "plain":
            return cls[:, None] + backbones.positions(self.lm, length)
        return backbones.embed_vectors(self.lm, cls[:, None].expand(-1, length, -1))

    def contexts(self, ids: Tensor, hidden: Tensor) -> Tensor:
        """The context stream: the text's vector, then the embeddings of the uncorrupted tokens -> (B, L, H)."""
        embedded = backbones.embeddings(self.lm)(ids)  # (B, L, H)
        return torch.cat([hidden[:, :1].to(embedded.dtype), embedded[:, 1:]], 1)

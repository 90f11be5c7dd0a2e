"""DupMAE written the obvious way, for the benchmarks: logits of every position and a (B, V) weight matrix."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM

from retrievers.encoders import backbones
from retrievers.training.data.masking import IGNORED, Masked, Masker
from retrievers.training.models.decoder import EnhancedDecoder

VOCABULARY, CLS, SEP, MASK = 30522, 101, 102, 103


class PlainDupMAE(nn.Module):
    """The released code's losses, its logits kept whole until the backward pass."""

    def __init__(self, lm: BertForMaskedLM) -> None:
        super().__init__()
        self.lm = lm
        self.decoder = EnhancedDecoder(backbones.family(lm.config).shape(lm.config))

    def forward(self, batch: Masked, weights: Tensor) -> Tensor:
        """`weights` (B, V): 1/N at each distinct token of a text of N."""
        length = batch.ids.shape[1]
        mask = (torch.arange(length, device=batch.ids.device) < batch.lengths[:, None]).long()
        encoded = self.lm(batch.encoder_ids, attention_mask=mask, output_hidden_states=True)
        hidden, logits = encoded.hidden_states[-1], encoded.logits  # (B, L, H), (B, L, V)
        mlm = F.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED)
        lowered = logits[:, 1:] + (mask[:, 1:, None] - 1) * 1000.0  # (B, L - 1, V)
        bow = -(weights * lowered.max(1).values.log_softmax(-1)).sum(1).mean()
        queries = backbones.embed_vectors(self.lm, hidden[:, :1].expand(-1, length, -1))
        contexts = torch.cat([hidden[:, :1], backbones.embeddings(self.lm)(batch.ids)[:, 1:]], 1)
        decoded = self.lm.cls(self.decoder(queries, contexts, batch.visible))  # (B, L, V)
        ordinary = (batch.ids != CLS) & (batch.ids != SEP) & mask.bool()
        dec = F.cross_entropy(
            decoded.flatten(0, 1), batch.ids.masked_fill(~ordinary, IGNORED).flatten(), ignore_index=IGNORED
        )
        return mlm + dec + 0.1 * bow


def model(layers: int, hidden: int, vocabulary: int) -> BertForMaskedLM:
    """A BERT of random weights without dropout; 12 x 768 is BERT base."""
    torch.manual_seed(0)
    return BertForMaskedLM(
        BertConfig(
            vocab_size=vocabulary,
            num_hidden_layers=layers,
            hidden_size=hidden,
            num_attention_heads=hidden // 64,
            intermediate_size=4 * hidden,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )


def batch(texts: int, length: int, vocabulary: int, device: str = "cpu", rows: float = 1.0) -> tuple[Masked, Tensor]:
    """Random full-length texts, masked, and their (B, V) bag-of-words weights."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1000, vocabulary, (texts, length), generator=generator)
    ids[:, 0], ids[:, -1] = CLS, SEP
    masker = Masker(torch.rand(vocabulary, generator=generator) < 0.2, MASK, 0.3, 0.5, rows=rows)
    masked = masker.draw(ids, torch.full((texts,), length), generator)
    weights = torch.zeros(texts, vocabulary).scatter_(1, ids[:, 1:-1], 1 / (length - 2))
    moved = Masked(*(value if value is None else value.to(device) for value in masked))
    return moved, weights.to(device)

"""A first lesson for the vocabulary vector: to be BM25's vector of the text.

BM25 is an inner product: sqrt(idf) times the saturated frequency on either side. A vector that has learned this starts
where BM25 stands, and ranking losses move it on from there; the frequencies are of word pieces, over the training
documents. The target of a piece x of text d, with the formula of Robertson et al. as Lucene has it:

    t[x] = sqrt(scale * idf[x]) * tf (k1 + 1) / (tf + k1 (1 - b + b |d| / average)),   0 for what d does not have
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from retrievers.training.models.dupmae import distinct_tokens

K1, B = 0.9, 0.4  # Anserini's


class Lexicon(NamedTuple):
    """What of a collection the targets need."""

    root: Tensor  # (V,), sqrt(scale * idf)
    average: float  # length of a document in pieces


def lexicon_of(ids: np.ndarray, ends: np.ndarray, vocabulary: int, scale: float) -> Lexicon:
    """The lexicon of tokenised documents, one after the other: ids (tokens,), ends (documents,)."""
    document = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    pairs = np.unique(document.astype(np.int64) * vocabulary + ids)
    frequency = np.bincount(pairs % vocabulary, minlength=vocabulary)
    idf = np.log1p((len(ends) - frequency + 0.5) / (frequency + 0.5))
    return Lexicon(torch.from_numpy(np.sqrt(scale * idf)).float(), max(1.0, len(ids) / len(ends) - 2))


def targets(lexicon: Lexicon, ids: Tensor, lengths: Tensor) -> Tensor:
    """(B, V) float32, the targets of framed texts: ids (B, L), lengths (B,)."""
    pieces, first = distinct_tokens(ids, lengths)  # (B, L), (B, L)
    times = (ids[:, :, None] == pieces[:, None]).sum(1).float()  # (B, L)
    norm = K1 * (1 - B + B * (lengths - 2)[:, None] / lexicon.average)
    value = lexicon.root.to(ids.device)[pieces] * times * (K1 + 1) / (times + norm) * first  # (B, L)
    found = torch.zeros(len(ids), len(lexicon.root), device=ids.device)
    return found.scatter_add_(1, pieces, value)


def lexical_loss(mu: Tensor, target: Tensor, activation: str) -> Tensor:
    """Squared distance of the activated vector from its target, per piece that the text has: (B, n) both -> (B,).

    `mu` before the activation. Below zero, where the activation has no slope, a piece that the text has is drawn up by
    mu itself; what the text lacks costs only above zero.
    """
    up = torch.where(mu > 0, torch.log1p(mu.clamp_min(0)), mu) if activation == "log1p_relu" else mu
    own = target > 0
    distance = torch.where(own, up - target, up.clamp_min(0) if activation != "raw" else up)
    return distance.square().sum(1) / own.sum(1).clamp_min(1)

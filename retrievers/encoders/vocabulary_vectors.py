"""The vocabulary vector of DupMAE (arXiv 2305.02564, section 3.3 and 3.4) on uncorrupted text, and its largest entries.

    mu[x] = maximum over the positions but [CLS] of the masked-LM head's logit of x; the document keeps its k largest

The head runs over packed texts, some positions at a time, so that logits of (positions, V) are never kept.
Pre-training leaves the level of mu undetermined (a softmax does not change when a constant is added), so what the
entries weigh is decided by an activation: `raw` is the paper's, `log1p_relu` SPLADE's.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from retrievers.encoders import backbones
from retrievers.encoders.packed_bert import groups

BLOCK, BLOCK_GPU = 1 << 23, 1 << 28  # logits made at a time
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "raw": lambda mu: mu,
    "relu": torch.relu,
    "log1p_relu": lambda mu: torch.log1p(torch.relu(mu)),
}


def activation_of(name: str) -> Callable[[Tensor], Tensor]:
    """The function of that name, all of them monotone. Raises ValueError for an unknown one."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is {name!r}; it can be {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


class VocabularyHead:
    """The masked-LM head of a transformers `...ForMaskedLM` as a function of packed hidden states.

    `include_sep`: whether a text's last position, [SEP], takes part in the maximum, as in the released code.
    """

    def __init__(self, lm: Any, dtype: torch.dtype, device: torch.device, include_sep: bool) -> None:
        self.lm = lm.to(device, dtype)
        self.output = backbones.output(lm)
        self.size: int = self.output.weight.shape[0]  # V
        self.left_out = 0 if include_sep else 1
        self.block = BLOCK if device.type == "cpu" else BLOCK_GPU

    def __call__(self, hidden: Tensor, lengths: Sequence[int]) -> Tensor:
        """mu, fp32 (B, V), of hidden states (T, H), the texts one after the other; 0 for a text of no such position."""
        runs = groups(lengths)
        parts = hidden.split([length * count for length, count in runs])
        pooled = [
            self._pool(part.view(count, length, -1)[:, 1 : length - self.left_out])
            for (length, count), part in zip(runs, parts, strict=True)
        ]
        return torch.cat(pooled)

    def _pool(self, rows: Tensor) -> Tensor:
        texts, length = rows.shape[:2]
        pooled = rows.new_zeros((texts, self.size), dtype=torch.float32)
        if length == 0:
            return pooled
        at_a_time = max(1, self.block // (length * self.size))
        for start in range(0, texts, at_a_time):
            part = backbones.transform(self.lm, rows[start : start + at_a_time])  # (texts, length, H)
            logits = F.linear(part.flatten(0, 1), self.output.weight).unflatten(0, part.shape[:2])
            pooled[start : start + at_a_time] = logits.amax(1)
        return pooled + self.output.bias.float()  # the bias is the same at all positions


def largest(mu: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row of mu (B, V): entries int32 (B, k) ascending, values (B, k).

    Of equal ones those of the lowest entries; all of them where k is V or more.
    """
    texts, size = mu.shape
    if k >= size:
        return torch.arange(size, dtype=torch.int32, device=mu.device).expand(texts, -1), mu
    ranked = mu.nan_to_num(nan=torch.inf)  # so that NaN is kept, for the index to name the document
    last = ranked.topk(k, dim=1, sorted=True).values[:, -1:]  # (B, 1)
    above, equal = ranked > last, ranked == last
    room = k - above.sum(1, keepdim=True)  # (B, 1)
    kept = above | (equal & (equal.cumsum(1) <= room))
    entries = kept.nonzero()[:, 1].view(texts, k)
    return entries.int(), mu.gather(1, entries)

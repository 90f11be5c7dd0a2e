"""BERT without padding: the tokens of a batch stand in one long row, and only attention looks at where a text ends.

The linear layers, norms and activations of BERT treat every token alike, so they run over the concatenated tokens of
all texts; attention runs once per group of neighbouring texts of equal length, which needs neither padding nor a mask.
Batches sorted by length (`retrievers.encoders.encoding`) have few such groups. The same code runs on CPU and GPU.

This module knows the weights of a Hugging Face model and nothing of texts, files or retrieval.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FAMILY = {"bert", "roberta", "xlm-roberta"}  # the same layers; RoBERTa's positions start after its padding id
PLAIN = {  # what a model of the family is made of beside Transformers' own classes; a subclass may compute anything
    nn.Linear, nn.Embedding, nn.LayerNorm, nn.Dropout, nn.ModuleList, nn.Identity, nn.GELU, nn.ReLU, nn.Tanh,
}  # fmt: skip
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "relu": F.relu}


def groups(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring texts of equal length as (length, number of texts)."""
    return [(length, len(list(same))) for length, same in groupby(lengths)]


def why_not(model: nn.Module) -> str | None:
    """Why `model` cannot run packed, or None where it can."""
    return another_kind(model) or replaced(model)


def another_kind(model: nn.Module) -> str | None:
    """What in its architecture keeps `model` from running packed."""
    config: Any = getattr(model, "config", None)
    kind = getattr(config, "model_type", None)
    if kind not in FAMILY:
        return f"its architecture {kind!r} is none of {sorted(FAMILY)}"
    if not all(hasattr(model, part) for part in ("embeddings", "encoder")):
        return "it is not a bare encoder"
    if config.hidden_act not in ACTIVATIONS:
        return f"its activation {config.hidden_act!r} is none of {sorted(ACTIVATIONS)}"
    if getattr(config, "position_embedding_type", "absolute") not in ("absolute", None):
        return f"its position embeddings are {config.position_embedding_type!r}"
    if getattr(config, "is_decoder", False):
        return "it is a decoder"
    return None


def replaced(model: nn.Module) -> str | None:
    """A part of `model` whose weight may not be what it computes with: an adapter, a quantised layer, a hook."""
    for name, part in model.named_modules():
        kind = type(part)
        if kind not in PLAIN and kind.__module__.partition(".")[0] != "transformers":
            return f"its part {name or 'model'} is a {kind.__module__}.{kind.__name__}, which may compute anything"
        if part._forward_hooks or part._forward_pre_hooks:
            return f"its part {name or 'model'} has a hook that changes what it computes"
    return None


class PackedBert:
    """The forward pass of a BERT, RoBERTa or XLM-RoBERTa encoder over packed texts, in `dtype` on `device`."""

    def __init__(self, model: nn.Module, dtype: torch.dtype, device: str | torch.device = "cpu") -> None:
        if reason := why_not(model):
            raise ValueError(f"this model cannot run without padding: {reason}")
        config: Any = model.config
        self.heads: int = config.num_attention_heads
        self.epsilon: float = config.layer_norm_eps
        self.activation = ACTIVATIONS[config.hidden_act]
        self.first_position: int = 0 if config.model_type == "bert" else config.pad_token_id + 1
        self.longest: int = config.max_position_embeddings - self.first_position
        self.device = torch.device(device)

        def take(*parts: nn.Module) -> list[Tensor]:  # weight and bias, those of several parts stacked
            pairs = [(part.weight, part.bias) for part in parts]
            return [
                torch.cat(tensors).detach().to(self.device, dtype).contiguous() for tensors in zip(*pairs, strict=True)
            ]

        embeddings: Any = model.embeddings
        self.words = embeddings.word_embeddings.weight.detach().to(self.device, dtype)  # (V, H)
        self.vocabulary = len(self.words)
        positions = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        self.positions = positions.detach().to(self.device, dtype)  # (first_position + longest, H)
        self.norm = take(embeddings.LayerNorm)
        self.layers = []
        for layer in model.encoder.layer:  # type: ignore[union-attr]
            attention = layer.attention
            self.layers.append(
                (
                    take(attention.self.query, attention.self.key, attention.self.value),  # (3H, H), (3H,)
                    take(attention.output.dense),
                    take(attention.output.LayerNorm),
                    take(layer.intermediate.dense),  # (4H, H), (4H,)
                    take(layer.output.dense),
                    take(layer.output.LayerNorm),
                )
            )

    def __call__(self, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Last hidden states (T, H) of `ids` (T,), the texts one after the other; `lengths` are theirs and sum to T."""
        runs = groups(lengths)
        if max(lengths) > self.longest:
            raise ValueError(f"a text of {max(lengths)} tokens is longer than this model's {self.longest} positions")
        index = torch.arange(max(lengths), device=self.device)
        position = torch.cat([index[:length].repeat(count) for length, count in runs])  # (T,)
        x = self.words[ids] + self.positions[self.first_position + self._counted(ids, position)]  # (T, H)
        x = self._normalise(x, self.norm)
        for into, out, norm, up, down, last_norm in self.layers:
            attended = self._attend(F.linear(x, *into), runs)
            x = self._normalise(F.linear(attended, *out).add_(x), norm)
            x = self._normalise(F.linear(self.activation(F.linear(x, *up)), *down).add_(x), last_norm)
        return x

    def _counted(self, ids: Tensor, position: Tensor) -> Tensor:
        """Positions (T,) as RoBERTa counts them: a padding token in a text has the row before the first, and none after
        it moves on.
        """
        padding = ids == self.first_position - 1
        if not self.first_position or not padding.any():
            return position
        seen = padding.cumsum(0)
        first = torch.arange(len(ids), device=self.device) - position  # of each token's text
        return torch.where(padding, -1, position - seen + (seen - padding.long())[first])

    def _normalise(self, x: Tensor, norm: list[Tensor]) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], norm[0], norm[1], self.epsilon)

    def _attend(self, qkv: Tensor, runs: list[tuple[int, int]]) -> Tensor:
        """Self-attention within each text, (T, 3H) -> (T, H), for groups of (length, number of texts)."""
        size = qkv.shape[1] // (3 * self.heads)
        attended = []
        start = 0
        for length, count in runs:
            end = start + length * count
            parts = (
                qkv[start:end].view(count, length, 3, self.heads, size).permute(2, 0, 3, 1, 4)
            )  # (3, B, heads, L, size)
            mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2])  # (B, heads, L, size)
            attended.append(mixed.transpose(1, 2).reshape(end - start, -1))
            start = end
        return attended[0] if len(attended) == 1 else torch.cat(attended)

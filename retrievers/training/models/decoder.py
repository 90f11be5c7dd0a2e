"""The enhanced decoder: one transformer layer whose queries and contexts are different streams.

RetroMAE (arXiv 2205.12035), section 3.3. Exactly one layer: a second would let x_i leak through the context.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from transformers.activations import ACT2FN

from retrievers.encoders.backbones import Shape


class EnhancedDecoder(nn.Module):
    """One BERT layer with a query stream (also the residual) and a context stream (keys and values)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        hidden, wide = shape.hidden, shape.intermediate
        self.heads = shape.heads
        self.attention_dropout = shape.attention_dropout
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.attended = nn.Linear(hidden, hidden)
        self.attended_norm = nn.LayerNorm(hidden, eps=shape.norm_epsilon)
        self.widen = nn.Linear(hidden, wide)
        self.activation = ACT2FN[shape.activation]
        self.narrow = nn.Linear(wide, hidden)
        self.output_norm = nn.LayerNorm(hidden, eps=shape.norm_epsilon)
        self.dropout = nn.Dropout(shape.dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=shape.initial_deviation)
                nn.init.zeros_(module.bias)

    def forward(self, queries: Tensor, contexts: Tensor, visible: Tensor) -> Tensor:
        """queries (B, R, H), contexts (B, L, H), visible (B, R, L) bool, [b, i, j]: row i may see j -> (B, R, H).

        A row that may see nothing at all (padding) attends to nothing; it carries no loss.
        """
        query, key, value = (
            linear(stream).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, R or L, H / heads)
            for linear, stream in ((self.query, queries), (self.key, contexts), (self.value, contexts))
        )
        dropped = self.attention_dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, key, value, visible[:, None], dropped)  # (B, heads, R, H / heads)
        seen = self.attended(seen.transpose(1, 2).flatten(2))  # (B, R, H)
        rows = self.attended_norm(self.dropout(seen) + queries)
        wide = self.narrow(self.activation(self.widen(rows)))  # (B, R, H)
        return self.output_norm(self.dropout(wide) + rows)

"""What a text becomes and how two of them are compared: [CLS], vocabulary vector, or both (DupMAE, Eq. 12).

    score(q, d) = h_q W . h_d W + scale * sum over the k largest entries i of mu_d of mu_q[i] mu_d[i]

mu is the maximum of the masked-LM head's logits over all positions but [CLS], of uncorrupted text, under an activation.
Only the document is made sparse. This module knows tensors, and nothing of losses, files or batches.
"""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retrievers.encoders import backbones
from retrievers.encoders.vocabulary_vectors import activation_of
from retrievers.training.models.heads import pooled_logits
from retrievers.training.ranking.lexical import Lexicon, lexical_loss, targets
from retrievers.training.ranking.representation_top import top_logits

Kind = Literal["cls", "ot", "joint"]
SPREAD = 3.0  # standard deviation of a query's scores at which a softmax over a batch is neither flat nor saturated


class Queries(NamedTuple):
    """B queries; a part that the representation does not have is None."""

    dense: Tensor | None  # (B, d')
    sparse: Tensor | None  # (B, V)
    lexical: Tensor | None = None  # (B,), the loss of `lexical` where the representation has a lexicon


class Docs(NamedTuple):
    """D documents; a part that the representation does not have is None."""

    dense: Tensor | None  # (D, d')
    values: Tensor | None  # (D, k)
    entries: Tensor | None  # (D, k) int64, where in the vocabulary
    lexical: Tensor | None = None  # (D,), as of queries


class Representation(nn.Module):
    """The encoder, for ot and joint with its masked-LM head, and for joint with the projection W (d', H).

    `scale` weighs the sparse part; with `learn_scale` it is a parameter. The projection has no bias, is shared by both
    sides, and is drawn as BERT draws its matrices.
    """

    def __init__(
        self,
        lm: nn.Module,
        kind: Kind,
        dim: int = 384,
        k: int = 384,
        activation: str = "log1p_relu",
        include_sep: bool = True,
        scale: float = 1.0,
        learn_scale: bool = False,
    ) -> None:
        super().__init__()
        self.kind, self.k, self.include_sep = kind, k, include_sep
        self.activation_name, self.activation = activation, activation_of(activation)
        if kind == "cls":
            self.encoder = backbones.encoder(lm)  # the head is no part of it, so that every parameter has a gradient
        else:
            self.lm = lm
        shape = backbones.family(lm.config).shape(lm.config)
        if kind == "joint":
            self.projection = nn.Parameter(torch.empty(dim, shape.hidden).normal_(std=shape.initial_deviation))
        self.lexicon: Lexicon | None = None  # set for training that also teaches BM25's vectors
        self.fixed_scale = scale
        self.log_scale = nn.Parameter(torch.tensor(scale).log()) if learn_scale and kind == "joint" else None

    @property
    def scale(self) -> Tensor | float:
        """The weight of the sparse part."""
        return self.fixed_scale if self.log_scale is None else self.log_scale.exp()

    @property
    def scale_now(self) -> float:
        """The scale as a number."""
        return self.fixed_scale if self.log_scale is None else self.log_scale.detach().exp().item()

    def balance(self, sparse_spread: float, continued: bool) -> None:
        """Set the scale so that a query's sparse scores spread by `SPREAD` in the first batch, where they have
        `sparse_spread`. A fresh dense part starts near 0 and grows beside it; a `continued` one is scaled too, so that
        the checkpoint's ranking stays. ValueError if the sparse scores are constant."""
        if not sparse_spread > 0:
            raise ValueError("--scale balance: the sparse scores of the first batch are all equal; give a number")
        self.fixed_scale = SPREAD / sparse_spread
        if continued:
            self.projection.data *= self.fixed_scale**0.5

    def exported_projection(self) -> Tensor | None:
        """W divided by the root of the scale: the retriever's unweighted sum then ranks as the weighted one does."""
        return self.projection.detach() / self.scale_now**0.5 if self.kind == "joint" else None

    def facts(self) -> dict[str, Any]:
        """For the record."""
        if self.kind == "cls":
            return {"kind": self.kind}
        sparse = {
            "kind": self.kind, "k": self.k, "activation": self.activation_name, "include_sep": self.include_sep
        }  # fmt: skip
        return sparse if self.kind == "ot" else {**sparse, "dim": len(self.projection), "scale": self.scale_now}

    def queries(self, ids: Tensor, lengths: Tensor) -> Queries:
        """Queries [CLS] … [SEP] padding: ids (B, L), lengths (B,)."""
        hidden, sparse, lexical = self._hidden(ids, lengths), None, None
        if self.kind != "cls":
            mu = pooled_logits(*self._head(hidden), self._counted(ids, lengths))  # (B, V)
            sparse = self.activation(mu)
            if self.lexicon:
                lexical = lexical_loss(mu, targets(self.lexicon, ids, lengths), self.activation_name)
        return Queries(self._dense(hidden), sparse, lexical)

    def docs(self, ids: Tensor, lengths: Tensor) -> Docs:
        """Documents, of which the k largest entries are kept: ids (D, L), lengths (D,)."""
        hidden = self._hidden(ids, lengths)
        if self.kind == "cls":
            return Docs(self._dense(hidden), None, None)
        head, counted = self._head(hidden), self._counted(ids, lengths)
        if not self.lexicon:
            values, entries = top_logits(*head, counted, self.k)
            return Docs(self._dense(hidden), self.activation(values), entries)
        target = targets(self.lexicon, ids, lengths)  # (D, V); what the text has is kept, or it could not be learned
        values, entries = top_logits(*head, counted, self.k, target > 0)
        lexical = lexical_loss(values, target.gather(1, entries), self.activation_name)
        return Docs(self._dense(hidden), self.activation(values), entries, lexical)

    def first(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """The hidden states of [CLS], before the projection: (B, H)."""
        return self._hidden(ids, lengths)[:, 0]

    def logits(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """mu before the activation: (B, V)."""
        return pooled_logits(*self._head(self._hidden(ids, lengths)), self._counted(ids, lengths))

    def _hidden(self, ids: Tensor, lengths: Tensor) -> Tensor:
        encoder = self.encoder if self.kind == "cls" else backbones.encoder(self.lm)
        mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]  # (B, L)
        return encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state  # (B, L, H)

    def _dense(self, hidden: Tensor) -> Tensor | None:
        if self.kind == "ot":
            return None
        with torch.autocast(hidden.device.type, enabled=False):
            first = hidden[:, 0].float()  # (B, H)
            return first if self.kind == "cls" else F.linear(first, self.projection)  # (B, d')

    def _head(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output = backbones.output(self.lm)
        return backbones.transform(self.lm, hidden[:, 1:]), output.weight, output.bias  # (B, L - 1, H), (V, H), (V,)

    def _counted(self, ids: Tensor, lengths: Tensor) -> Tensor:
        position = torch.arange(1, ids.shape[1], device=ids.device)  # (L - 1,), without [CLS]
        last = lengths if self.include_sep else (lengths - 1).clamp_min(2)  # an empty text has nothing but [SEP]
        return position < last[:, None]  # (B, L - 1)


def score_all(queries: Queries, docs: Docs) -> tuple[Tensor | None, Tensor | None]:
    """Dense and sparse scores of every query with every document, unscaled: (B, D) each, None for a part not there."""
    dense = sparse = None
    if queries.dense is not None and docs.dense is not None:
        dense = queries.dense @ docs.dense.T  # (B, D)
    if queries.sparse is not None and docs.values is not None and docs.entries is not None:
        spread = docs.values.new_zeros(len(docs.values), queries.sparse.shape[1])  # (D, V)
        sparse = queries.sparse @ spread.scatter(1, docs.entries, docs.values).T  # (B, D)
    return dense, sparse


def score_groups(queries: Queries, docs: Docs) -> tuple[Tensor | None, Tensor | None]:
    """As `score_all`, of each query with its own n = D / B documents, which follow each other: (B, n) each."""
    dense = sparse = None
    if queries.dense is not None and docs.dense is not None:
        dense = torch.einsum("bd,bnd->bn", queries.dense, docs.dense.unflatten(0, (len(queries.dense), -1)))
    if queries.sparse is not None and docs.values is not None and docs.entries is not None:
        texts = len(queries.sparse)
        read = queries.sparse.gather(1, docs.entries.reshape(texts, -1))  # (B, n k), mu_q at the documents' entries
        sparse = (read * docs.values.reshape(texts, -1)).unflatten(1, (-1, docs.values.shape[1])).sum(2)  # (B, n)
    return dense, sparse

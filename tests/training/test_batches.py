"""Blocks, the order of batches, the optimiser's groups and the learning rate."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.training.data.batches import Schedule, cut_blocks, frame
from retrievers.training.engine import checkpoints, optimisation

sizes = st.lists(st.integers(1, 50), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("pack", "blocks"),
    [
        ("passages", [(0, 3), (3, 4), (13, 1)]),
        ("pieces", [(0, 3), (3, 3), (6, 3), (9, 4), (13, 1)]),
        ("packed", [(0, 4), (4, 4), (8, 4), (12, 2)]),
    ],
)
def test_passages_of_3_10_and_1_pieces_in_blocks_of_4(pack: str, blocks: list[tuple[int, int]]) -> None:
    starts, lengths = cut_blocks(np.array([3, 13, 14]), 4, pack)
    assert list(zip(starts.tolist(), lengths.tolist(), strict=True)) == blocks


@given(sizes, st.integers(1, 20), st.sampled_from(["pieces", "packed"]))
@settings(deadline=None)
def test_nothing_is_lost_or_repeated(passages: list[int], room: int, pack: str) -> None:
    ends = np.cumsum(passages)
    starts, lengths = cut_blocks(ends, room, pack)
    assert np.concatenate([np.arange(s, s + n) for s, n in zip(starts, lengths, strict=True)]).tolist() == list(
        range(ends[-1])
    )
    assert 1 <= lengths.min() <= lengths.max() <= room
    if pack == "pieces":  # even, and never across a passage
        assert set(ends.tolist()) <= set((starts + lengths).tolist())


@given(sizes, st.integers(1, 7), st.integers(0, 5))
@settings(deadline=None)
def test_every_example_once_an_epoch_and_another_order_in_the_next(lengths: list[int], batch: int, seed: int) -> None:
    schedule = Schedule(np.arange(len(lengths)), np.array(lengths), batch, seed)
    for epoch in range(2):
        numbers = range(epoch * schedule.per_epoch, (epoch + 1) * schedule.per_epoch)
        drawn = [schedule.examples(number) for number in numbers]
        assert sorted(np.concatenate(drawn).tolist()) == list(range(len(lengths)))
        assert max(map(len, drawn)) <= batch
    again = Schedule(np.arange(len(lengths)), np.array(lengths), batch, seed)
    last = 2 * schedule.per_epoch - 1
    assert again.examples(last).tolist() == schedule.examples(last).tolist()  # without what came before


def test_batches_hold_texts_of_like_length_in_random_order() -> None:
    lengths = np.random.default_rng(0).integers(1, 127, 32 * 64 * 3)
    schedule = Schedule(lengths, lengths, 32, 0)
    drawn = [lengths[schedule.examples(number)] for number in range(schedule.per_epoch)]
    padded = sum(len(one) * one.max() for one in drawn)
    assert padded / lengths.sum() < 1.05
    means = np.array([one.mean() for one in drawn])
    assert abs(np.corrcoef(means[:-8], means[8:])[0, 1]) < 0.3


def test_frame() -> None:
    ids, lengths = frame(np.array([9, 8, 7, 6], np.uint16), np.array([1, 0]), np.array([3, 1]), 2, 3, 0)
    assert ids.tolist() == [[2, 8, 7, 6, 3], [2, 9, 3, 0, 0]]
    assert lengths.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("step", "decay", "rate"),
    [(0, "linear", 0.1), (9, "linear", 1.0), (10, "linear", 1.0), (55, "linear", 0.5), (99, "linear", 1 / 90),
     (55, "cosine", 0.5), (10, "cosine", 1.0)],
)  # fmt: skip
def test_learning_rate_of_100_steps_with_a_tenth_of_warm_up(step: int, decay: optimisation.Decay, rate: float) -> None:
    assert optimisation.learning_rate(step, 100, 1.0, 0.1, decay) == pytest.approx(rate)


def test_no_decay_on_biases_and_layer_norms() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3), torch.nn.Embedding(4, 2))
    decayed, spared = optimisation.adamw(model, 1e-3, 0.01).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)
    assert [p.shape for p in decayed["params"]] == [(3, 2), (4, 2)]
    assert [p.shape for p in spared["params"]] == [(3,), (3,), (3,)]


def test_checkpoints_are_pruned_and_must_fit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = torch.nn.Linear(2, 2)
    optimizer = optimisation.adamw(model, 1e-3, 0.0)
    model(torch.ones(2)).sum().backward()
    optimizer.step()
    for step in (1, 2, 10):
        checkpoints.save(tmp_path, step, model, optimizer, {"step": step})
    checkpoints.prune(tmp_path, 2)
    assert [path.name for path in checkpoints.all_checkpoints(tmp_path)] == [
        "step-000000002.safetensors",
        "step-000000010.safetensors",
    ]
    fresh = torch.nn.Linear(2, 2)
    loaded = optimisation.adamw(fresh, 1e-3, 0.0)
    assert checkpoints.load(checkpoints.all_checkpoints(tmp_path)[-1], fresh, loaded) == {"step": 10}
    assert torch.equal(fresh.weight, model.weight)
    assert torch.equal(loaded.state[fresh.bias]["exp_avg"], optimizer.state[model.bias]["exp_avg"])
    with pytest.raises(ValueError, match=r"does not fit this model: 0\.weight is missing"):
        other = torch.nn.Sequential(torch.nn.Linear(2, 2))
        checkpoints.load(tmp_path / "step-000000010.safetensors", other, optimisation.adamw(other, 1e-3, 0.0))

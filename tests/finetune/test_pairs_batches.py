"""Batches: every query once an epoch, the same for any number of processes, duplicates masked."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retrievers.training.examples.pairs_batches import Candidates, PairBatches
from retrievers.training.examples.pairs_texts import Texts


def texts(count: int, equal: tuple[int, int] | None = None) -> Texts:
    """Texts of two to five tokens; two of them may be equal."""
    rows = [[2, 10 + at, *range(at % 3), 3] for at in range(count)]
    if equal:
        rows[equal[1]] = rows[equal[0]]
    same = [rows.index(row) for row in rows]
    return Texts(np.concatenate(rows).astype(np.int32), np.cumsum([len(row) for row in rows]), np.array(same))


def batches(queries: int = 12, *, hard: int = 2, world: int = 1, rank: int = 0, size: int = 4, **more) -> PairBatches:
    """Query q has document q, every third one also document q + 20, and negatives from 40 on, three or none."""
    candidates = [
        Candidates(
            np.array([q, *([q + 20] if q % 3 == 0 else []), *([40 + q, 55 + q, 70 + q] if q != 5 and hard else [])]),
            2 if q % 3 == 0 else 1,
            None,
        )
        for q in range(queries)
    ]
    arguments = {"seed": 3, "pad": 0, "tokens_at_once": 64, "device": torch.device("cpu"), **more}
    made = texts(queries, more.pop("equal_queries", None)), texts(90, more.pop("equal_docs", None))
    arguments = {name: value for name, value in arguments.items() if not name.startswith("equal")}
    return PairBatches(*made, candidates, batch_size=size, hard=hard, world=world, rank=rank, **arguments)


@given(st.integers(4, 30), st.integers(1, 4))
def test_every_query_once_an_epoch_in_whole_batches(queries: int, size: int) -> None:
    made = batches(queries, size=size)
    drawn = np.concatenate([made.picked(turn).queries for turn in range(queries)])
    assert all(len(made.picked(turn).queries) == size for turn in range(3))
    for epoch in range(size):
        assert sorted(drawn[epoch * queries : (epoch + 1) * queries]) == list(range(queries))


def test_positive_first_then_negatives_of_the_query_or_borrowed_ones() -> None:
    made = batches()
    for turn in range(30):
        found = made.picked(turn)
        for query, (positive, *negatives) in zip(found.queries, found.docs, strict=True):
            assert positive in ({query, query + 20} if query % 3 == 0 else {query})
            own = {40 + query, 55 + query, 70 + query}
            assert set(negatives) <= own and len(set(negatives)) == 2 if query != 5 else min(negatives) >= 40
    positives = {int(made.picked(turn).docs[at, 0]) for turn in range(30) for at in range(4)}
    assert {0, 20, 3, 23} <= positives  # both relevant documents of a query come up


def test_few_negatives_come_twice() -> None:
    found = batches(hard=5).picked(0)
    for query, docs in zip(found.queries, found.docs, strict=True):
        assert docs.shape == (6,) and (query == 5 or len(set(docs[1:])) == 3)


def test_batches_are_a_function_of_their_number() -> None:
    forwards, again = batches(), batches()
    for turn in (7, 2, 2, 0):
        one, other = forwards.picked(turn), again.picked(turn)
        assert np.array_equal(one.queries, other.queries) and np.array_equal(one.docs, other.docs)
    assert not np.array_equal(batches(seed=4).picked(0).queries, forwards.picked(0).queries)


def test_two_processes_share_out_what_one_draws() -> None:
    whole = batches(size=4).draw(1)
    parts = [batches(size=2, world=2, rank=rank).draw(1) for rank in range(2)]
    assert torch.equal(torch.cat([part.positive for part in parts]), whole.positive)
    assert torch.equal(torch.cat([part.allowed for part in parts]), whole.allowed)
    assert whole.allowed.shape == (4, 12) and parts[0].allowed.shape == (2, 12)
    assert batches(size=4).tokens(1) == batches(size=2, world=2).tokens(1)
    ids = whole.queries.groups[0][1].sum() + sum(lengths.sum() for _, lengths in whole.docs.groups)
    assert batches(size=4).tokens(1) == ids


@pytest.mark.parametrize(
    ("query", "docs", "more", "expected"),
    [
        (0, [0, 20, 1, 40], {}, [True, False, True, True]),  # 20 is relevant to query 0 too, and not its positive here
        (1, [1, 1, 0], {}, [True, False, True]),  # the same document as the positive of another query
        (1, [1, 7], {"equal_docs": (1, 7)}, [True, False]),  # the same text under another id
        (1, [1, 7], {"equal_docs": (2, 7)}, [True, True]),
        (1, [1, 8], {"equal_queries": (1, 8)}, [True, False]),  # the same question, asked twice
    ],
)
def test_what_is_relevant_is_no_negative(query: int, docs: list[int], more: dict, expected: list[bool]) -> None:
    made = batches(**more)
    assert made.allowed(np.array([query]), np.array(docs), np.array([0])).tolist() == [expected]


def test_the_teachers_scores_go_with_their_documents() -> None:
    candidates = [Candidates(np.arange(q, 90, 10), 1, np.arange(q, 90, 10).astype(np.float32) / 7) for q in range(8)]
    arguments = {"seed": 0, "pad": 0, "tokens_at_once": 64, "device": torch.device("cpu")}
    made = PairBatches(texts(8), texts(90), candidates, batch_size=4, hard=3, **arguments)
    found, batch = made.picked(0), made.draw(0)
    assert found.teacher is not None and batch.teacher is not None
    np.testing.assert_array_equal(found.teacher, (found.docs / np.float32(7)).astype(np.float32))
    assert batch.teacher.tolist() == found.teacher.tolist()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"size": 13}, "12 training queries, a batch takes 13"),
        ({"size": 7, "world": 2}, "a batch takes 14"),
        ({"size": 1, "hard": 0}, "nothing to be told from"),
    ],
)
def test_batches_that_cannot_be(more: dict, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        batches(**more)


def test_no_hard_negative_at_all() -> None:
    arguments = {"seed": 0, "pad": 0, "tokens_at_once": 64, "device": torch.device("cpu")}
    with pytest.raises(ValueError, match="no query has a hard negative"):
        PairBatches(texts(4), texts(4), [Candidates(np.array([0]), 1, None)] * 4, batch_size=2, hard=1, **arguments)

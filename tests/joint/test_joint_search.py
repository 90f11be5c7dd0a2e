"""The joint search equals Eq. 12 by brute force: ids, order and scores, ties at the cut included."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from joint.cases import brute_force, random_case, search, store
from retrievers.search import exact_search, joint_device, joint_kernels, joint_search
from retrievers.search.joint_queries import JointQueries
from retrievers.search.joint_search import top_k


@pytest.mark.parametrize("lowest", [-np.inf, 0.0], ids=["raw", "relu"])
@pytest.mark.parametrize(
    ("docs", "d", "k", "vocabulary", "queries", "top"),
    [
        (900, 12, 5, 50, 9, 10),
        (900, 70, 33, 200, 40, 100),  # more than a chunk of entries, more than a row of queries
        (300, 8, 40, 40, 33, 20),  # every entry of the vocabulary is kept
        (70, 3, 1, 9, 1, 1000),
        (200, 6, 8, 70_000, 5, 30),  # entries of 32 bits
    ],
)
def test_random_cases(tmp_path, docs, d, k, vocabulary, queries, top, lowest) -> None:
    dense, entries, weights, asked = random_case(0, docs, d, k, vocabulary, queries, lowest)
    held = store(tmp_path, dense, entries, weights, vocabulary)
    assert search(asked, held, top) == brute_force(dense, entries, weights, asked, top)


def test_all_entries_kept_is_the_full_product(tmp_path) -> None:
    dense, entries, weights, asked = random_case(1, 200, 6, 30, 30, 5)
    weights = np.round(weights * 8) / 8  # exact in fp16, so that no sum below is rounded
    dense, asked = np.round(dense * 8) / 8, JointQueries(*(np.round(part * 8) / 8 for part in asked))
    full = asked.dense @ dense.T + asked.vocabulary @ weights.T  # (Q, N)
    for query, hits in enumerate(search(asked, store(tmp_path, dense, entries, weights, 30), 200)):
        assert dict(hits) == {str(row): full[query, row] for row in range(200)}


def test_the_sparse_part_alone(tmp_path) -> None:
    dense, entries, weights, asked = random_case(2, 300, 6, 7, 60, 4)
    alone = asked._replace(dense=asked.dense[:, :0])
    held = store(tmp_path, dense, entries, weights, 60)
    assert search(alone, held, 20) == brute_force(dense, entries, weights, alone, 20)


NUMBER = st.sampled_from([0.0, 1.0, -1.0, 0.5, -3.0, 2.0**-14, 2.0**-24, 1 + 2.0**-10])
ASKED = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1 + 2.0**-23])  # so few bits that float64 sums them exactly
SCALE = st.sampled_from([1.0, 2.0**-40, 2.0**-110, 2.0**60])


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(0, 3), st.integers(1, 6), st.integers(1, 40), st.integers(1, 45))
def test_any_numbers(data, d: int, k: int, docs: int, top: int) -> None:
    def array(rows: int, columns: int, number: st.SearchStrategy) -> np.ndarray:
        row = st.lists(number, min_size=columns, max_size=columns)
        return np.array(data.draw(st.lists(row, min_size=rows, max_size=rows))).reshape(rows, columns)

    rows = st.permutations(range(8)).map(lambda order: sorted(order[:k]))
    entries = np.array(data.draw(st.lists(rows, min_size=docs, max_size=docs)))
    dense, weights = array(docs, max(d, 1), NUMBER), array(docs, k, NUMBER)
    parts, scale = (array(2, d, ASKED), array(2, 8, ASKED)), data.draw(SCALE)
    asked = JointQueries(*((part * scale).astype(np.float32) for part in parts))
    with tempfile.TemporaryDirectory() as folder:
        held = store(Path(folder), dense, entries, weights, 8, shard_docs=16)
        assert search(asked, held, top) == brute_force(dense, entries, weights, asked, top)


def test_near_ties(tmp_path) -> None:
    """Documents differ in the last bit of one weight, far below what the whole numbers can tell apart."""
    dense, entries, weights, asked = random_case(3, 3000, 6, 20, 90, 5)
    dense[:], entries[:], weights = dense[0], entries[0], np.repeat(weights[:1], 3000, axis=0).astype(np.float16)
    at = np.arange(3000), np.random.default_rng(4).integers(0, 20, 3000)
    weights[at] = np.nextafter(weights[at], np.float16(np.inf))
    held = store(tmp_path, dense, entries, weights, 90, shard_docs=700)
    assert search(asked, held, 50) == brute_force(dense, entries, weights, asked, 50)


def test_equal_documents_are_ordered_by_id_in_bounded_memory(tmp_path, monkeypatch) -> None:
    made = []
    candidates = joint_search.JointCandidates
    make_room = candidates._make_room
    monkeypatch.setattr(candidates, "_make_room", lambda self, at: (made.append(at), make_room(self, at)))
    dense, entries, weights, asked = random_case(5, 4000, 6, 9, 40, 3)
    dense[:], entries[:], weights[:] = dense[0], entries[0], weights[0]
    held = store(tmp_path, dense, entries, weights, 40, shard_docs=512)
    assert search(asked, held, 20) == brute_force(dense, entries, weights, asked, 20)
    assert set(made) == {0, 1, 2}


def test_a_score_is_a_function_of_the_pair_alone(tmp_path, monkeypatch) -> None:
    dense, entries, weights, asked = random_case(6, 900, 20, 40, 200, 70)
    whole = search(asked, store(tmp_path / "a", dense, entries, weights, 200, shard_docs=900), 60)
    monkeypatch.setattr(joint_search, "BLOCK_DOCS", 33)
    monkeypatch.setattr(joint_search, "TILE_QUERIES", 32)
    monkeypatch.setattr(joint_search, "PASS_QUERIES", 50)
    small = store(tmp_path / "b", dense, entries, weights, 200, shard_docs=100)
    assert search(asked, small, 60, threads=3) == whole
    assert [hits for query in range(70) for hits in search(asked.part(slice(query, query + 1)), small, 60)] == whole


@pytest.mark.parametrize("lowest", [-np.inf, 0.0])
def test_approximate_scores_stay_within_the_margin(tmp_path, lowest: float) -> None:
    """The largest error seen is below half of what is proven; a margin of a thousandth of it would be no proof."""
    dense, entries, weights, asked = random_case(7, 500, 30, 60, 300, 8, lowest)
    held = store(tmp_path, dense, entries, weights, 300, shard_docs=500)
    tables, factors, errors = joint_kernels.pack(asked.vocabulary)
    margins = joint_search.double_margins(asked, held, errors)
    halves = weights.astype(np.float16)
    numbers, doc_factors = np.zeros((500, 64), np.int16), np.empty(500, np.float32)
    used = np.empty(500, np.int64)
    joint_kernels.pack_weights(halves.view(np.uint16), numbers, doc_factors, used, 0, 500)
    scores = (asked.dense @ dense.astype(np.float16).astype(np.float32).T).astype(np.float32)
    padded = np.pad(entries, ((0, 0), (0, 4))).astype(np.uint16)
    joint_kernels.add_sparse(tables, factors, padded, numbers.view(np.int32), used, doc_factors, scores, 0, 500)
    for query, hits in enumerate(brute_force(dense, entries, weights, asked, 500)):
        off = max(abs(scores[query, int(doc_id)] - score) for doc_id, score in hits)
        assert margins[query] / 2000 < off < margins[query] / 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("case", ["random", "equal", "sparse alone", "long"])
def test_candidates_of_an_accelerator_hold_the_top_k(tmp_path, dtype: torch.dtype, case: str) -> None:
    dense, entries, weights, asked = random_case(11, 1500, 10, 7, 60, 6)
    if case == "equal":
        dense[50:1400], entries[50:1400], weights[50:1400] = dense[0], entries[0], weights[0]
    if case == "sparse alone":
        asked = asked._replace(dense=asked.dense[:, :0])
    if case == "long":
        asked = JointQueries(*(part * np.float32(3e6) for part in asked))
    held = store(tmp_path, dense, entries, weights, 60, shard_docs=256)
    rows, counts = joint_device.collect(asked, held, 30, torch.device("cpu"), dtype)
    for query, expected in enumerate(brute_force(dense, entries, weights, asked, 30)):
        found = rows[query, : counts[query]]
        assert {int(doc_id) for doc_id, _ in expected} <= set(found.tolist())
        assert (np.diff(found) > 0).all()
        assert case == "equal" or len(found) < 100


@pytest.mark.parametrize(("docs", "queries"), [(0, 3), (5, 0), (0, 0)])
def test_nothing_to_find(tmp_path, docs: int, queries: int) -> None:
    dense, entries, weights, asked = random_case(8, docs, 4, 3, 9, queries)
    assert search(asked, store(tmp_path, dense, entries, weights, 9), 3) in ([[]] * queries, [])


def test_what_cannot_be_searched(tmp_path) -> None:
    dense, entries, weights, asked = random_case(9, 20, 4, 3, 9, 2)
    held = store(tmp_path, dense, entries, weights, 9)
    with pytest.raises(ValueError, match="holds dense parts of 4 dimensions, the queries have 3"):
        top_k(asked._replace(dense=asked.dense[:, :3]), held, 3, "cpu")
    with pytest.raises(ValueError, match="k is 0"):
        top_k(asked, held, 0, "cpu")
    with pytest.raises(ValueError, match="overflow fp32 scores"):
        search(JointQueries(*(part * np.float32(1e37) for part in asked)), held, 3)


def test_the_dense_part_alone_is_the_dense_search(tmp_path) -> None:
    dense, entries, weights, asked = random_case(10, 200, 6, 4, 20, 3)
    held = store(tmp_path, dense, entries, weights, 20)
    [(rows, scores), *_] = exact_search.top_k(asked.dense, held, 5, "cpu")
    nothing = asked._replace(vocabulary=np.zeros_like(asked.vocabulary))
    [(same, equal), *_] = top_k(nothing, held, 5, "cpu")
    assert (rows == same).all() and (scores == equal).all()

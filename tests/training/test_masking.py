"""The laws of masking: budget, whole words, [CLS] and [SEP] visible, diagonal hidden, rows independent, 80/10/10."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from retrievers.training.data import masking

CPU = torch.device("cpu")
VOCABULARY, MASK = 60, 4
CONTINUES = torch.arange(VOCABULARY) >= 40  # pieces 40 to 59 are "##…"
texts = st.lists(st.lists(st.integers(5, VOCABULARY - 1), min_size=1, max_size=40), min_size=1, max_size=5)
seeds = st.integers(0, 2**31)
shares = st.sampled_from([0.15, 0.3, 0.5, 0.7])


def framed(pieces: list[list[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids (B, L), lengths (B,) and word numbers (B, L) of texts: [CLS] is 2, [SEP] 3, padding 0."""
    lengths = torch.tensor([len(text) + 2 for text in pieces])
    ids = torch.zeros(len(pieces), int(lengths.max()), dtype=torch.int64)
    for row, text in zip(ids, pieces, strict=True):
        row[: len(text) + 2] = torch.tensor([2, *text, 3])
    return ids, lengths, masking.number_words(ids, lengths, CONTINUES)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def official_draw(sizes: list[int], budget: int, order: list[int]) -> set[int]:
    """The law as one reads it: word by word in the given order, each taken if it fits in what is left."""
    taken, left = set(), budget
    for word in order:
        if sizes[word] <= left:
            taken.add(word)
            left -= sizes[word]
    return taken


@pytest.mark.parametrize(
    ("pieces", "numbers"),
    [
        ([7, 8, 9], [0, 1, 2, 3, 0]),
        ([7, 41, 42, 8], [0, 1, 1, 1, 2, 0]),
        ([41, 42, 8, 43], [0, 1, 1, 2, 2, 0]),  # a leading continuation opens a word
        ([7], [0, 1, 0]),
    ],
)
def test_words_are_pieces_with_their_continuations(pieces: list[int], numbers: list[int]) -> None:
    assert framed([pieces])[2].tolist() == [numbers]


@pytest.mark.parametrize(
    ("length", "share", "hidden"),
    [(128, 0.5, 64), (3, 0.5, 2), (5, 0.5, 2), (7, 0.5, 4), (3, 0.15, 1), (10, 0.3, 3), (4096, 0.5, 512)],
)  # half to even, at least one, at most 512
def test_budget(length: int, share: float, hidden: int) -> None:
    assert masking.budget(torch.tensor([length]), share).tolist() == [hidden]


@given(texts, seeds, shares)
@settings(max_examples=80, deadline=None)
def test_a_draw_fills_the_budget_as_far_as_whole_words_allow(pieces: list[list[int]], seed: int, share: float) -> None:
    """Never more than the budget, and no word is left out that would still fit."""
    _, lengths, words = framed(pieces)
    sizes = masking.word_sizes(words)
    budgets = masking.budget(lengths, share)
    hidden = masking.hide_within_budget(sizes, budgets, 6, generator(seed))
    for row, size, budget in zip(hidden, sizes, budgets.tolist(), strict=True):
        for draw in row:
            taken = set(draw.nonzero().squeeze(1).tolist())
            rest = [word for word in range(len(size)) if word not in taken]
            filled = sum(size[word].item() for word in taken)
            assert filled <= budget
            assert all(size[word] > budget - filled for word in rest if size[word] > 0)


def test_the_sets_drawn_have_the_probabilities_of_the_official_rule() -> None:
    """All orders of five words of 3, 1, 2, 1 and 2 pieces, budget 4, against 40,000 draws."""
    from itertools import permutations

    sizes, budget, draws = [3, 1, 2, 1, 2], 4, 40_000
    expected: dict[frozenset[int], int] = {}
    for order in permutations(range(5)):
        key = frozenset(official_draw(sizes, budget, list(order)))
        expected[key] = expected.get(key, 0) + 1
    hidden = masking.hide_within_budget(torch.tensor([sizes]), torch.tensor([budget]), draws, generator())[0]
    found = {frozenset(np.flatnonzero(draw).tolist()): 0 for draw in np.unique(hidden.numpy(), axis=0)}
    for draw, count in zip(*np.unique(hidden.numpy(), axis=0, return_counts=True), strict=True):
        found[frozenset(np.flatnonzero(draw).tolist())] = int(count)
    assert found.keys() == expected.keys()
    chi_square = sum((found[key] - draws * n / 120) ** 2 / (draws * n / 120) for key, n in expected.items())
    assert chi_square < 60  # a dozen sets: far beyond chance


@given(texts, seeds, shares, st.sampled_from(["budget", "words"]))
@settings(max_examples=80, deadline=None)
def test_what_the_decoder_may_see(pieces: list[list[int]], seed: int, share: float, form: masking.Form) -> None:
    _, lengths, words = framed(pieces)
    visible = masking.visibility(words, lengths, share, generator(seed), form)
    for text, length, word in zip(visible, lengths.tolist(), words, strict=True):
        assert not text.diagonal().any()
        assert not text[:, length:].any()  # padding
        rows = torch.arange(length)
        for special in (0, length - 1):
            assert text[:length, special].equal(rows != special)
        for number in range(1, int(word.max()) + 1):
            columns = (word == number).nonzero().squeeze(1)
            for row in range(length):
                others = text[row, columns[columns != row]]
                assert others.all() or not others.any(), "a word is hidden whole or not at all"


@pytest.mark.parametrize(("form", "spread"), [("budget", (0.0, 0.7)), ("words", (4.0, 9.0))])
def test_half_of_the_tokens_are_hidden_and_rows_differ(form: masking.Form, spread: tuple[float, float]) -> None:
    """128 single pieces: exactly 64 hidden in each row with the budget, about 64 with coins; rows are independent."""
    _, lengths, words = framed([[7] * 126] * 16)
    visible = masking.visibility(words, lengths, 0.5, generator(), form)[:, 1:-1, 1:-1]  # (16, 126, 126)
    off_diagonal = ~torch.eye(126, dtype=torch.bool)
    hidden = (~visible & off_diagonal).sum(2).double()  # (16, 126), 63 or 64 with the budget
    expected = 64 * 125 / 126 if form == "budget" else 62.5
    assert hidden.mean().item() == pytest.approx(expected, abs=0.4)
    assert spread[0] <= hidden.std().item() <= spread[1]
    agree = torch.stack([(visible[:, i] == visible[:, i + 1])[:, 10:].double().mean() for i in range(8)])
    assert agree.mean().item() == pytest.approx(0.5, abs=0.03)
    columns = (~visible).double().mean((0, 1))  # every position is hidden as often
    assert (columns - columns.mean()).abs().max() < 5 * (0.25 / (16 * 126)) ** 0.5 * (3 if form == "budget" else 1)


def test_a_short_text_has_a_pool_as_small_as_alone() -> None:
    """Rows share min(L, 256) draws, L being the text's own length, not that of the batch."""
    _, lengths, words = framed([[7] * 6, [7] * 38])
    rows = set()
    for seed in range(60):
        visible = masking.visibility(words, lengths, 0.5, generator(seed))[0, :8, :8] | torch.eye(8, dtype=torch.bool)
        rows.add(len({tuple(row.tolist()) for row in visible}))
    assert max(rows) <= 8


@given(texts, seeds, st.sampled_from([0.05, 0.25, 0.5, 0.9]), st.sampled_from(["budget", "words"]))
@settings(max_examples=80, deadline=None)
def test_a_share_of_the_rows(pieces: list[list[int]], seed: int, share: float, form: masking.Form) -> None:
    """Of each text so many positions, each once; their rows see by the same law as all rows do."""
    ids, lengths, words = framed(pieces)
    masker = masking.Masker(CONTINUES, MASK, 0.3, 0.5, form, rows=share)
    drawn = masker.draw(ids, lengths, generator(seed))
    assert drawn.rebuilt is not None and drawn.visible is not None
    for rows, text, length, word in zip(drawn.rebuilt, drawn.visible, lengths.tolist(), words, strict=True):
        chosen = rows[rows > 0].tolist()
        assert len(chosen) == max(1, round((length - 2) * share))
        assert chosen == sorted(set(chosen)) and max(chosen) < length - 1
        for row, position in zip(text, chosen, strict=False):
            assert not row[position] and not row[length:].any()
            assert row[0] and row[length - 1]
            for number in range(1, int(word.max()) + 1):
                columns = (word == number).nonzero().squeeze(1)
                others = row[columns[columns != position]]
                assert others.all() or not others.any(), "a word is hidden whole or not at all"


def test_every_position_is_drawn_as_often() -> None:
    ids, lengths, _ = framed([[7] * 40, [7] * 20])
    masker = masking.Masker(CONTINUES, MASK, 0.3, 0.5, rows=0.25)
    found = torch.zeros(2, 42)
    for seed in range(2000):
        rebuilt = masker.draw(ids, lengths, generator(seed)).rebuilt
        assert rebuilt is not None
        found.scatter_add_(1, rebuilt, (rebuilt > 0).float())
    assert (found[0, 1:41] / 2000 - 0.25).abs().max() < 0.05
    assert (found[1, 1:21] / 2000 - 0.25).abs().max() < 0.05
    assert found[0, [0, 41]].sum() == found[1, 21:].sum() == 0


@given(texts, seeds)
@settings(max_examples=60, deadline=None)
def test_the_encoder_guesses_whole_words_and_sees_the_rest(pieces: list[list[int]], seed: int) -> None:
    ids, lengths, words = framed(pieces)
    corrupted, labels = masking.corrupt(ids, words, lengths, 0.3, MASK, VOCABULARY, generator(seed))
    chosen = labels != masking.IGNORED
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(corrupted[~chosen], ids[~chosen])
    assert not chosen[words == 0].any()
    for row, word in zip(chosen, words, strict=True):
        for number in range(1, int(word.max()) + 1):
            assert len(row[word == number].unique()) == 1
    assert (chosen.sum(1) <= masking.budget(lengths, 0.3)).all()


@pytest.mark.parametrize(("shares", "expected"), [((0.8, 0.1), (0.8, 0.1, 0.1)), ((1.0, 0.0), (1.0, 0.0, 0.0))])
def test_of_the_chosen_tokens_eight_in_ten_are_masked(shares: tuple[float, float], expected: tuple[float, ...]) -> None:
    ids, lengths, words = framed([[7] * 126] * 200)
    corrupted, labels = masking.corrupt(ids, words, lengths, 0.3, MASK, VOCABULARY, generator(), shares)
    chosen = corrupted[labels != masking.IGNORED]
    assert len(chosen) == 200 * 38
    masked, kept = (chosen == MASK).double().mean().item(), (chosen == 7).double().mean().item()
    found = (masked, 1 - masked - kept, kept)
    assert found == pytest.approx(expected, abs=0.02)  # a random piece is [MASK] or the same once in sixty


@pytest.mark.parametrize("rows", [1.0, 0.5])
def test_draws_are_functions_of_tokens_and_seed(rows: float) -> None:
    ids, lengths, _ = framed([[7, 41, 8, 9], [9] * 30])
    masker = masking.Masker(CONTINUES, MASK, 0.3, 0.5, rows=rows)
    first, again, other = (masker.draw(ids, lengths, generator(seed)) for seed in (1, 1, 2))
    assert (first.rebuilt is None) == (rows == 1)
    for one, two in zip(first, again, strict=True):
        assert one is two is None or (one is not None and two is not None and torch.equal(one, two))
    assert not torch.equal(first.visible, other.visible)
    assert masker._replace(decoder=None).draw(ids, lengths, generator()).visible is None


def test_more_words_than_fit_in_narrow_numbers() -> None:
    """Above 1023 words the keys are 64 bits wide."""
    _, lengths, words = framed([[7] * 1500])
    hidden = masking.hide_within_budget(masking.word_sizes(words), masking.budget(lengths, 0.3), 3, generator())
    assert hidden.sum(2).tolist() == [[451, 451, 451]]

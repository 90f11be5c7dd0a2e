"""What the encoder must guess and what the decoder may see: pure functions of (tokens, generator), on their device.

The law is that of the official collator (RetroMAE, arXiv 2205.12035, and its released code): whole words, a budget of
tokens per draw, words in random order, each taken if it still fits. This module knows no model and no tokenizer; a
vocabulary enters as a table `continues` (V,), true where a piece continues the word before it ("##ing").
"""

import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

IGNORED = -100  # label of a position without loss, as torch's cross_entropy has it
MOST_HIDDEN = 512  # the official collator never hides more tokens than this in one draw
WINDOW = 16  # words looked at in one step for what still fits
POOL = 256  # at most so many draws are shared by the rows of one text

Form = Literal["budget", "words"]


class Masked(NamedTuple):
    """One batch, ready for the model. B texts of L positions: [CLS] x_1 … x_N [SEP] padding."""

    ids: Tensor  # (B, L) int64, the text as it is
    lengths: Tensor  # (B,) int64, N + 2
    encoder_ids: Tensor  # (B, L) int64, corrupted
    labels: Tensor  # (B, L) int64, the encoder's targets, IGNORED elsewhere
    visible: Tensor | None  # (B, R, L) bool, [b, i, j]: may the decoder's row i see position j; None without a decoder
    rebuilt: Tensor | None = None  # (B, R) int64, the position of each row of the decoder, 0 if of none; None if R = L


def number_words(ids: Tensor, lengths: Tensor, continues: Tensor) -> Tensor:
    """Word number of each position: (B, L) int64, 1, 2, … in a text's order, 0 at [CLS], [SEP] and padding.

    The first piece of a text opens a word even if it is a continuation.
    """
    position = torch.arange(ids.shape[1], device=ids.device)  # (L,)
    ordinary = (position >= 1) & (position < lengths[:, None] - 1)  # (B, L)
    opens = ordinary & (~continues[ids] | (position == 1))  # (B, L)
    return opens.cumsum(1) * ordinary


def word_sizes(words: Tensor) -> Tensor:
    """Pieces of each word: (B, W) int64; column w - 1 is word w, 0 where a text has fewer words than the longest."""
    most = int(words.max())
    sizes = torch.zeros(len(words), most + 1, dtype=torch.int64, device=words.device)
    return sizes.scatter_add_(1, words, torch.ones_like(words))[:, 1:]


def budget(lengths: Tensor, probability: float) -> Tensor:
    """Tokens hidden in one draw: round(L p), half to even, between 1 and 512; L counts [CLS] and [SEP]. (B,) int64."""
    return (lengths.double() * probability).round().clamp(1, MOST_HIDDEN).long()


def hide_within_budget(sizes: Tensor, budgets: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """The official law: in random order, each word is hidden if it fits in what is left of the budget.

    `sizes` (B, W), `budgets` (B,) -> (B, draws, W) bool, every draw independent. A random number and the word's index
    share one integer, so that one sort gives the order; 2^21 different random numbers are enough that ties don't show.
    """
    texts, most = sizes.shape
    shape, device = (texts, draws, most), sizes.device
    bits = most.bit_length()
    kind = torch.int32 if bits <= 10 else torch.int64
    keys = _random(shape, kind, device, generator)  # (B, S, W), from 0
    keys = keys.bitwise_right_shift_(bits).bitwise_left_shift_(bits)
    keys |= torch.arange(most, dtype=kind, device=device)
    ordered = _sort(keys)  # (B, S, W)
    order = ordered & ((1 << bits) - 1)  # (B, S, W), word indices in random order
    start = torch.arange(0, texts * most, max(1, most), dtype=kind, device=device)[:, None, None]  # (B, 1, 1)
    flat = sizes.to(torch.int16).reshape(-1)  # (B W,)
    size = flat.index_select(0, (order + start).reshape(-1)).view(shape)  # (B, S, W)
    filled = size.cumsum(2, dtype=torch.int16)  # (B, S, W)
    limit = budgets.to(torch.int16)[:, None, None]
    bound = limit.expand(-1, draws, -1).contiguous()  # (B, S, 1)
    taken = torch.searchsorted(filled, bound, right=True).squeeze(2)  # (B, S), length of the prefix of words that fit
    last = (taken - 1).clamp_min(0)[..., None]  # (B, S, 1)
    none = (taken == 0)[..., None]
    hidden = (keys <= ordered.gather(2, last)) & ~none  # (B, S, W)
    spare = (limit - filled.gather(2, last).masked_fill(none, 0)).squeeze(2)  # (B, S)
    _hide_later(hidden.view(-1, most), order.view(-1, most), size.view(-1, most), taken.view(-1), spare.view(-1))
    return hidden


def _sort(keys: Tensor) -> Tensor:
    """`keys` sorted along the last dimension; numpy's vector sort is ten times torch's on a CPU."""
    return torch.from_numpy(np.sort(keys.numpy(), axis=-1)) if keys.device.type == "cpu" else keys.sort(-1).values


def _hide_later(hidden: Tensor, order: Tensor, size: Tensor, taken: Tensor, spare: Tensor) -> None:
    """After the first word that did not fit, hide the later ones that do, in order. All (R, W) or (R,); in place.

    The words are looked at in windows, because nearly always one of the next few fills the budget.
    """
    rows = spare.nonzero().squeeze(1)  # (r,)
    spare, start, most = spare[rows], taken[rows] + 1, size.shape[1]
    while len(rows):
        place = start[:, None] + torch.arange(WINDOW, device=size.device)  # (r, WINDOW), places in the order
        inside = place < most
        place = rows[:, None] * most + place.clamp_max(most - 1)  # flat
        sizes = size.reshape(-1)[place].masked_fill(~inside, 0)  # (r, WINDOW)
        while True:
            fits = (sizes > 0) & (sizes <= spare[:, None])  # (r, WINDOW)
            going = fits.any(1)
            if not going.any():
                break
            first = fits.to(torch.uint8).argmax(1, keepdim=True)  # (r, 1), the first that fits
            word = order.reshape(-1)[place.gather(1, first).squeeze(1)].long()  # (r,)
            hidden[rows[going], word[going]] = True
            spare = spare - sizes.gather(1, first).squeeze(1) * going
            sizes = sizes.scatter(1, first, 0)
        left = (spare > 0) & inside[:, -1]
        rows, spare, start = rows[left], spare[left], start[left] + WINDOW


def hide_each(shape: tuple[int, ...], probability: float, device: torch.device, generator: torch.Generator) -> Tensor:
    """Independent coins, true with `probability` rounded to 1/32768. Bool."""
    return _random(shape, torch.int16, device, generator) < round(probability * 32768)


def _random(shape: tuple[int, ...], kind: torch.dtype, device: torch.device, generator: torch.Generator) -> Tensor:
    """Uniform integers from 0 to the largest of `kind`, cut out of 64 random bits: fewer draws for narrow kinds."""
    count, each = math.prod(shape), 8 // kind.itemsize
    bits = torch.empty(-(-count // each), dtype=torch.int64, device=device).random_(-(2**63), None, generator=generator)
    return bits.view(kind)[:count].view(shape).bitwise_and_(torch.iinfo(kind).max)


def corrupt(
    ids: Tensor,
    words: Tensor,
    lengths: Tensor,
    probability: float,
    mask_id: int,
    vocabulary: int,
    generator: torch.Generator,
    shares: tuple[float, float] = (0.8, 0.1),
) -> tuple[Tensor, Tensor]:
    """The encoder's input and targets, each (B, L) int64: whole words within the budget are chosen, then each of their
    tokens becomes [MASK] (share 0.8), a random id (0.1) or stays (the rest), as in BERT."""
    hidden = hide_within_budget(word_sizes(words), budget(lengths, probability), 1, generator)[:, 0]  # (B, W)
    chosen = torch.cat([torch.zeros_like(hidden[:, :1]), hidden], 1).gather(1, words)  # (B, L)
    labels = ids.masked_fill(~chosen, IGNORED)  # (B, L)
    coin = torch.rand(ids.shape, device=ids.device, generator=generator)  # (B, L)
    random = torch.randint(vocabulary, ids.shape, device=ids.device, generator=generator)  # (B, L)
    masks, swaps = shares
    corrupted = ids.masked_fill(chosen & (coin < masks), mask_id)
    return torch.where(chosen & (coin >= masks) & (coin < masks + swaps), random, corrupted), labels


def sample(words: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Ordinary positions that the decoder rebuilds, a new random `share` of each text's, one at least: (B, R) int64.

    In a text's order, behind them 0. The mean of their losses has the mean of all tokens' losses as its expectation.
    """
    ordinary = words > 0  # (B, L)
    wanted = (ordinary.sum(1) * share).round().clamp_min(1)  # (B,)
    keys = torch.rand(words.shape, device=words.device, generator=generator).masked_fill(~ordinary, 2.0)
    rank = keys.argsort(1).argsort(1)  # (B, L)
    chosen = ordinary & (rank < wanted[:, None])
    position = torch.arange(words.shape[1], device=words.device)
    behind = position.masked_fill(~chosen, words.shape[1]).sort(1).values[:, : int(chosen.sum(1).max())]  # (B, R)
    return behind.masked_fill(behind == words.shape[1], 0)


def visibility(
    words: Tensor,
    lengths: Tensor,
    probability: float,
    generator: torch.Generator,
    form: Form = "budget",
    rebuilt: Tensor | None = None,
) -> Tensor:
    """What each row of the decoder may see: (B, R, L) bool, [b, i, j] true where row i sees position j.

    Row i is that of position rebuilt[b, i], without `rebuilt` (B, R) that of position i, and R = L. [CLS] and [SEP] are
    seen by every row but their own, nothing sees itself or padding. "budget": every row takes one of min(L, 256) draws
    of the official law, with replacement. "words": every row hides each word with `probability`.
    """
    texts, length = words.shape
    rows = length if rebuilt is None else rebuilt.shape[1]
    if form == "budget":
        draws = min(length, POOL)
        hidden = hide_within_budget(word_sizes(words), budget(lengths, probability), draws, generator)  # (B, S, W)
        hidden = torch.cat([torch.zeros_like(hidden[..., :1]), hidden], 2)  # (B, S, 1 + W), nothing hides word 0
        pool = hidden.gather(2, words[:, None].expand(-1, draws, -1))  # (B, S, L)
        own = lengths.clamp_max(POOL)[:, None]  # (B, 1), a short text's pool is as small as if it were alone
        choice = (torch.rand((texts, rows), device=words.device, generator=generator) * own).long()  # (B, R)
        choice = torch.minimum(choice, own - 1) + draws * torch.arange(texts, device=words.device)[:, None]
        hidden = pool.view(-1, length).index_select(0, choice.view(-1)).view(texts, rows, length)  # (B, R, L)
    else:
        most = int(words.max()) + 1
        coins = hide_each((texts, most, rows), probability, words.device, generator)  # (B, 1 + W, R)
        coins[:, 0] = False
        row = words + most * torch.arange(texts, device=words.device)[:, None]  # (B, L)
        hidden = coins.view(-1, rows).index_select(0, row.view(-1)).view(texts, length, rows).mT  # (B, R, L)
    valid = torch.arange(length, device=words.device) < lengths[:, None]  # (B, L)
    visible = ~hidden & valid[:, None]  # (B, R, L)
    if rebuilt is None:
        visible.diagonal(dim1=1, dim2=2).fill_(False)
        return visible
    return visible.scatter_(2, rebuilt[..., None], False)


class Masker(NamedTuple):
    """How batches are corrupted and hidden: the constants of `draw`."""

    continues: Tensor  # (V,) bool, on the device
    mask_id: int
    encoder: float  # share of tokens that the encoder must guess
    decoder: float | None  # share of tokens hidden from a row of the decoder, None without a decoder
    form: Form = "budget"
    shares: tuple[float, float] = (0.8, 0.1)
    rows: float = 1.0  # share of the tokens that the decoder rebuilds

    def draw(self, ids: Tensor, lengths: Tensor, generator: torch.Generator) -> Masked:
        """A batch for the model from framed ids (B, L) and lengths (B,), on the device of these and the generator."""
        words = number_words(ids, lengths, self.continues)
        vocabulary = len(self.continues)
        corrupted = corrupt(ids, words, lengths, self.encoder, self.mask_id, vocabulary, generator, self.shares)
        if self.decoder is None:
            return Masked(ids, lengths, *corrupted, None)
        rebuilt = sample(words, self.rows, generator) if self.rows < 1 else None
        visible = visibility(words, lengths, self.decoder, generator, self.form, rebuilt)
        return Masked(ids, lengths, *corrupted, visible, rebuilt)

"""Which pieces of text make one training example, and which examples make which batch.

Everything is a function of (lengths, seed, number of the batch): a resumed run needs no state to go on where it was.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from retrievers.training.data.masking import Masked, Masker

Pack = Literal["passages", "pieces", "packed"]
WINDOW = 64  # batches that are sorted by length together
GROUP = 8  # neighbouring batches that are alike in length, for processes that wait for each other


def cut_blocks(ends: np.ndarray, room: int, pack: Pack) -> tuple[np.ndarray, np.ndarray]:
    """First piece and number of pieces of each example, int64; `ends` (passages,) as in `store`, at most `room` pieces.

    "passages": one example each, its end cut off. "pieces": a long passage gives several of even length.
    "packed": passage after passage without a gap, cut wherever an example is full; the words at a cut are cut too.
    """
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts
    if pack == "passages":
        return starts, np.minimum(sizes, room)
    if pack == "packed":
        cuts = np.arange(0, ends[-1] + room, room).clip(max=ends[-1])
        cuts = np.unique(cuts)
        return cuts[:-1], np.diff(cuts)
    parts = -(-sizes // room)  # (passages,)
    owner = np.repeat(np.arange(len(ends)), parts)  # (examples,)
    number = np.arange(len(owner)) - np.repeat(parts.cumsum() - parts, parts)  # (examples,), 0, 1, … in a passage
    first = starts[owner] + sizes[owner] * number // parts[owner]
    last = starts[owner] + sizes[owner] * (number + 1) // parts[owner]
    return first, last - first


class Schedule:
    """The endless sequence of batches: every example once an epoch, alike in length within a batch, in random order.

    The order does not depend on the number of processes: two of them, a batch each, see what one sees in two passes.
    """

    def __init__(self, starts: np.ndarray, lengths: np.ndarray, batch_size: int, seed: int) -> None:
        self.starts, self.lengths = starts, lengths  # (examples,)
        self.batch_size, self.seed = batch_size, seed
        self.per_epoch = -(-len(lengths) // batch_size)
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def examples(self, number: int) -> np.ndarray:
        """The examples of batch `number`, counted from 0 over all epochs: at most batch_size indices."""
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
            self._firsts = self._batch_starts(epoch)
        start = self._firsts[place]
        return self._order[start : start + self.batch_size]

    def _shuffled(self, epoch: int) -> np.ndarray:
        order = np.random.default_rng([self.seed, epoch, 0]).permutation(len(self.lengths))
        window = np.arange(len(order)) // (self.batch_size * WINDOW)
        return order[np.lexsort((self.lengths[order], window))]

    def _batch_starts(self, epoch: int) -> np.ndarray:
        whole = self.per_epoch // GROUP
        groups = np.random.default_rng([self.seed, epoch, 1]).permutation(whole)
        batches = (groups[:, None] * GROUP + np.arange(GROUP)).ravel()
        return np.concatenate([batches, np.arange(whole * GROUP, self.per_epoch)]) * self.batch_size


def frame(
    ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray, cls: int, sep: int, pad: int
) -> tuple[Tensor, Tensor]:
    """[CLS] pieces [SEP] padding: (B, L) int64 and the lengths with both specials (B,) int64."""
    width = int(lengths.max()) + 2
    framed = np.full((len(starts), width), pad, dtype=np.int64)
    framed[:, 0] = cls
    for row, start, length in zip(framed, starts, lengths, strict=True):
        row[1 : length + 1] = ids[start : start + length]
        row[length + 1] = sep
    return torch.from_numpy(framed), torch.from_numpy(lengths + 2)


class Batches:
    """Batch n of the run, drawn on the device; batches are numbered over all steps and processes."""

    def __init__(
        self,
        ids: np.ndarray,
        schedule: Schedule,
        masker: Masker,
        special: tuple[int, int, int],
        seed: int,
        device: torch.device,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.ids, self.schedule, self.masker, self.special, self.seed = ids, schedule, masker, special, seed
        self.device, self.rank, self.world = device, rank, world
        self.generator = torch.Generator(device)

    def draw(self, turn: int) -> Masked:
        """This process's batch of forward pass `turn`; also sets torch's seed, for dropout."""
        number = turn * self.world + self.rank
        masks, dropout = np.random.SeedSequence([self.seed, number]).generate_state(2, np.uint32)
        torch.manual_seed(int(dropout))
        chosen = self.schedule.examples(number)
        ids, lengths = frame(self.ids, self.schedule.starts[chosen], self.schedule.lengths[chosen], *self.special)
        generator = self.generator.manual_seed(int(masks))
        return self.masker.draw(ids.to(self.device), lengths.to(self.device), generator)

    def tokens(self, turn: int) -> int:
        """Tokens of pass `turn` in all processes, padding left out."""
        numbers = range(turn * self.world, (turn + 1) * self.world)
        return sum(int((self.schedule.lengths[self.schedule.examples(number)] + 2).sum()) for number in numbers)

"""Which queries and documents make which batch: a function of (examples, seed, number of the pass) alone.

A pass takes `batch_size` queries for each process from one random order of all queries after the other; who shares
them out does not matter: two processes see what one sees with twice the batch.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from retrievers.training.examples.pairs_texts import Texts
from retrievers.training.examples.teacher_vectors import Vectors
from retrievers.training.ranking.finetune_model import Batch
from retrievers.training.ranking.gradient_cache import group


class Candidates(NamedTuple):
    """The documents of one query: first its positives, then its hard negatives."""

    docs: np.ndarray  # (n,) int64
    positives: int  # how many of them
    scores: np.ndarray | None  # (n,) float32, the teacher's


class Picked(NamedTuple):
    """The G queries of one pass of all processes, and each one's documents, the positive first."""

    queries: np.ndarray  # (G,) int64
    docs: np.ndarray  # (G, n) int64
    teacher: np.ndarray | None  # (G, n) float32


class PairBatches:
    """Batches for `loop.train`: `hard` negatives a query, drawn anew in every pass, as is the positive of several.

    A query with fewer negatives has some of them twice; one without any borrows those of other queries.
    """

    def __init__(
        self,
        queries: Texts,
        docs: Texts,
        candidates: Sequence[Candidates],
        *,
        batch_size: int,
        hard: int,
        seed: int,
        pad: int,
        tokens_at_once: int,
        device: torch.device,
        rank: int = 0,
        world: int = 1,
        vectors: Vectors | None = None,
    ) -> None:
        self.queries, self.docs, self.candidates = queries, docs, candidates
        self.batch_size, self.hard, self.seed, self.rank = batch_size, hard, seed, rank
        self.pad, self.tokens_at_once, self.device, self.vectors = pad, tokens_at_once, device, vectors
        self.per_pass = batch_size * world
        if len(candidates) < self.per_pass:
            raise ValueError(f"{len(candidates)} training queries, a batch takes {self.per_pass}: lower --batch-size")
        if self.per_pass * (1 + hard) < 2:
            raise ValueError("one query with one document has nothing to be told from: raise --batch-size")
        self.with_negatives = np.array([at for at, one in enumerate(candidates) if len(one.docs) > one.positives])
        if hard and not len(self.with_negatives):
            raise ValueError("no query has a hard negative: look at --negatives, --depth and --margin")
        self.width = int(docs.same.max()) + 1
        self.relevant = np.unique(
            [
                queries.same[query] * self.width + docs.same[doc]
                for query, one in enumerate(candidates)
                for doc in one.docs[: one.positives]
            ]
        )  # codes of (query, document), equal for equal texts
        self._orders: dict[int, np.ndarray] = {}
        self._last: tuple[int, Picked] | None = None

    def draw(self, turn: int) -> Batch:
        """This process's batch of pass `turn`; also sets torch's seed, for dropout."""
        [dropout] = np.random.SeedSequence([self.seed, turn, self.rank]).generate_state(1, np.uint32)
        torch.manual_seed(int(dropout))
        found = self.picked(turn)
        own = slice(self.rank * self.batch_size, (self.rank + 1) * self.batch_size)
        queries, docs = found.queries[own], found.docs[own]
        columns = np.arange(self.per_pass)[own] * found.docs.shape[1]  # (B,), of the positives among all documents
        teacher = None if found.teacher is None else torch.from_numpy(found.teacher[own]).to(self.device)
        return Batch(
            group([self.queries.row(number) for number in queries], self.pad, self.tokens_at_once, self.device),
            group([self.docs.row(number) for number in docs.ravel()], self.pad, self.tokens_at_once, self.device),
            torch.from_numpy(columns).to(self.device),
            torch.from_numpy(self.allowed(queries, found.docs.ravel(), columns)).to(self.device),
            teacher,
            *self._taught(queries, docs),
        )

    def _taught(self, queries: np.ndarray, docs: np.ndarray) -> list[torch.Tensor]:
        if self.vectors is None:
            return []
        rows = self.vectors.queries[queries], self.vectors.docs[docs.ravel()]
        return [torch.from_numpy(part).float().to(self.device) for part in rows]

    def allowed(self, queries: np.ndarray, docs: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(B, D) bool: false for documents relevant to the query, by number or by text, but its own at `columns`."""
        codes = self.queries.same[queries][:, None] * self.width + self.docs.same[docs]  # (B, D)
        place = np.searchsorted(self.relevant, codes).clip(max=len(self.relevant) - 1)
        kept = self.relevant[place] != codes
        kept[np.arange(len(columns)), columns] = True
        return kept

    def tokens(self, turn: int) -> int:
        """Tokens of pass `turn` in all processes, padding left out."""
        found = self.picked(turn)
        return int(self.queries.lengths(found.queries).sum() + self.docs.lengths(found.docs).sum())

    def picked(self, turn: int) -> Picked:
        """The queries and documents of pass `turn`, of all processes."""
        if self._last is None or self._last[0] != turn:
            self._last = turn, self._pick(turn)
        return self._last[1]

    def _pick(self, turn: int) -> Picked:
        draw = np.random.default_rng([self.seed, turn, 1])
        rows = [self._row(number, draw) for number in self._numbers(turn)]
        docs = np.stack([docs for _, docs, _ in rows])  # (G, n)
        scores = [scores for *_, scores in rows if scores is not None]
        return Picked(np.array([query for query, *_ in rows]), docs, np.stack(scores) if scores else None)

    def _numbers(self, turn: int) -> list[int]:
        numbers = []
        for at in range(turn * self.per_pass, (turn + 1) * self.per_pass):
            epoch, place = divmod(at, len(self.candidates))
            if epoch not in self._orders:
                order = np.random.default_rng([self.seed, epoch, 0]).permutation(len(self.candidates))
                self._orders = {epoch: order}  # an epoch is left for good
            numbers.append(int(self._orders[epoch][place]))
        return numbers

    def _row(self, query: int, draw: np.random.Generator) -> tuple[int, np.ndarray, np.ndarray | None]:
        one = self.candidates[query]
        positive = draw.integers(one.positives)
        negatives = np.arange(one.positives, len(one.docs))
        if self.hard and not len(negatives):
            return query, np.array([one.docs[positive], *(self._borrowed(draw) for _ in range(self.hard))]), None
        times = -(-self.hard // max(1, len(negatives)))
        taken = np.concatenate([draw.permutation(negatives) for _ in range(times)] or [negatives])[: self.hard]
        places = np.concatenate([[positive], taken]).astype(np.int64)
        return query, one.docs[places], None if one.scores is None else one.scores[places]

    def _borrowed(self, draw: np.random.Generator) -> int:
        other = self.candidates[self.with_negatives[draw.integers(len(self.with_negatives))]]
        return int(other.docs[draw.integers(other.positives, len(other.docs))])

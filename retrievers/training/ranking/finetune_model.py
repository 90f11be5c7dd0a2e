"""Representation and loss as one module, in the form that the training loop takes: batch in, losses by name out."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from retrievers.training.ranking.contrastive import contrastive_loss, gather_rows
from retrievers.training.ranking.distillation import distillation_loss
from retrievers.training.ranking.embedding import embedding_loss
from retrievers.training.ranking.gradient_cache import Grouped, encode
from retrievers.training.ranking.representation import Docs, Queries, Representation, score_all, score_groups


class Batch(NamedTuple):
    """B queries with n documents each, the positive first; the documents of a query follow each other."""

    queries: Grouped
    docs: Grouped
    positive: Tensor  # (B,) int64, its column among the documents of all processes
    allowed: Tensor  # (B, D) bool, the documents of all processes that a query's softmax runs over
    teacher: Tensor | None  # (B, n), the teacher's scores of the query's own documents
    query_vectors: Tensor | None = None  # (B, d'), unit vectors of an embedding teacher
    doc_vectors: Tensor | None = None  # (B n, d')


class Lessons(NamedTuple):
    """What is learned beside the ranking, by weight; 0 leaves it out."""

    ranking: float = 1.0
    embedding: float = 0.0
    embedding_scale: float = 1.0  # the dense score is this times the teacher's cosine
    lexical: float = 0.0


RANKING = Lessons()
EVEN = 1.0, 10.0


class FineTuning(nn.Module):
    """The loss of a stage: InfoNCE (1 and 2), or, for batches that bring a teacher's scores, distillation (3).

    `temperature` divides scores in the loss, `teacher_temperature` the teacher's; `cached` is
    `gradient_cache.encode`'s. `lessons` are added: another model's vectors for the dense half, BM25's for the
    vocabulary vector. Besides the loss a step reports how far a query's scores are spread over its documents (mean
    standard deviation, of each part) and the share of queries whose positive has the best score.
    """

    def __init__(
        self,
        representation: Representation,
        stage: int,
        temperature: float,
        cached: bool,
        lessons: Lessons = RANKING,
        teacher_temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.representation, self.temperature, self.cached = representation, temperature, cached
        self.lessons, self.teacher_temperature = lessons, teacher_temperature
        self.loss_name = "distillation" if stage == 3 else "contrastive"
        parts = {"cls": ["dense"], "ot": ["sparse"], "joint": ["dense", "sparse"]}[representation.kind]
        self.weights = {self.loss_name: lessons.ranking, "positive_first": 0.0} | {
            f"{part}_spread": 0.0 for part in parts
        }
        for name in ("embedding", "lexical"):
            if weight := getattr(lessons, name):
                self.weights[name] = weight
        if representation.log_scale is not None:
            self.weights["scale"] = 0.0

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses and figures of `weights`, and "loss": scalars."""
        queries = encode(self.representation.queries, batch.queries, self.cached)
        docs = encode(self.representation.docs, batch.docs, self.cached)
        with torch.autocast(batch.positive.device.type, enabled=False):
            if batch.teacher is None:
                parts = score_all(queries, gathered(docs))
                scores = self._total(*parts)
                loss = contrastive_loss(scores, batch.positive, batch.allowed)
                best = scores.masked_fill(~batch.allowed, -torch.inf).argmax(1) == batch.positive
            else:
                parts = score_groups(queries, docs)
                scores = self._total(*parts)
                loss = distillation_loss(scores, batch.teacher / self.teacher_temperature)
                best = scores.argmax(1) == 0
        figures = {self.loss_name: loss, "positive_first": best.float().mean()}
        for name, part in zip(("dense", "sparse"), parts, strict=True):
            if part is not None:
                figures[f"{name}_spread"] = part.detach().std(1).mean()
        if self.representation.log_scale is not None:
            figures["scale"] = self.representation.log_scale.detach().exp()
        total = self.lessons.ranking * loss
        for name, lesson in self._lessons(queries, docs, batch).items():
            figures[name] = lesson
            total = total + self.weights[name] * lesson
        return figures | {"loss": total}

    def _lessons(self, queries: Queries, docs: Docs, batch: Batch) -> dict[str, Tensor]:
        found = {}
        if self.lessons.embedding:
            assert queries.dense is not None and docs.dense is not None
            assert batch.query_vectors is not None and batch.doc_vectors is not None
            pairs = (queries.dense, batch.query_vectors), (docs.dense, batch.doc_vectors)
            each = [embedding_loss(mine, theirs, self.lessons.embedding_scale) for mine, theirs in pairs]
            found["embedding"] = torch.stack(each).mean()
        if self.lessons.lexical:
            assert queries.lexical is not None and docs.lexical is not None
            found["lexical"] = (queries.lexical.mean() + docs.lexical.mean()) / 2
        return found

    @torch.no_grad()
    def first_look(self, batch: Batch) -> dict[str, float]:
        """The figures of a batch without dropout: whether the softmax saturates, whether one part drowns the other."""
        self.eval()
        return {name: value.item() for name, value in self(batch).items()}

    @torch.no_grad()
    def even_temperature(self, batch: Batch) -> float:
        """What makes the teacher's scores of a query's documents spread as far as the model's own do in a batch.

        As far as a softmax can use: by EVEN at the least and at the most, as those of a fresh model may be anything.
        ValueError where the teacher's are all the same.
        """
        assert batch.teacher is not None
        self.eval()
        queries = encode(self.representation.queries, batch.queries, self.cached)
        docs = encode(self.representation.docs, batch.docs, self.cached)
        own, others = (
            one.float().std(1).mean().item() for one in (self._total(*score_groups(queries, docs)), batch.teacher)
        )
        if not others:
            raise ValueError(
                "the teacher gives all documents of a query the same score: nothing can be learned from it"
            )
        return others / min(max(own, EVEN[0]), EVEN[1])

    def _total(self, dense: Tensor | None, sparse: Tensor | None) -> Tensor:
        if sparse is not None:
            sparse = sparse * self.representation.scale
        total = sparse if dense is None else dense if sparse is None else dense + sparse
        assert total is not None
        return total / self.temperature


def gathered(docs: Docs) -> Docs:
    """The documents of all processes."""
    shared = docs._replace(lexical=None)  # a loss of a process's own texts
    return Docs(*(None if part is None else gather_rows(part) for part in shared))

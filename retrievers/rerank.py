"""Reranking: the first documents of another system's run, scored again, each together with its query.

`rerank` scores by a cross-encoder of sentence-transformers. A class of one's own with `score(queries, docs)` is a
reranker as well: its constructor's keywords become arguments of the retriever, beside `system`, `depth` and `tail`.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from harness.errors import counted
from harness.records import Doc, Query, ScoredDoc
from harness.runs import Run
from retrievers.dense import doc_text, escaped, sources_of
from retrievers.inputs import checked_tag, not_in_collection, run_in
from retrievers.made_for import made_for, named_parameters
from retrievers.reranking.blocks import blocks, compared
from retrievers.reranking.kept_scores import KeptScores, Scored
from retrievers.reranking.texts import Texts, write
from retrievers.search.indexing import named

WHOLE = "a list of depths holds whole numbers, at least one, from 1: depth=[20,100]"
STEP = 2.0**-20  # of a score's size, between documents of the tail: fp32 tells steps of 2^-23 apart


class PairScorer(Protocol):
    """What a scorer has to offer; it may have `facts()`, `fingerprint()`, `runtime` and `content` as encoders do."""

    def score(self, queries: Sequence[str], docs: Sequence[str]) -> np.ndarray:
        """Scores (n,) of n pairs, the higher the better."""


class Reranker:
    """Scores the first `depth` documents of the run of `system` again, by `scorer`.

    `tail` lets the documents below `depth` follow in the order they had, so that recall stays that of the input; else
    they are left out. `title` stands between a document's title and text, null leaves titles out.
    """

    runtime: ClassVar[frozenset[str]] = frozenset()
    search_only: ClassVar[frozenset[str]] = frozenset({"depth", "tail"})
    content: ClassVar[frozenset[str]] = frozenset()
    mends: ClassVar[bool] = True  # so that kept scores outlive a damaged file of texts
    shaping: dict[str, Any]

    def __init__(
        self, scorer: PairScorer, *, system: str = "", depth: int | list[int] = 100, tail: bool = True,
        title: str | None = " ",
    ) -> None:  # fmt: skip
        self.refuse(type(scorer), {"system": system, "depth": depth})
        assert isinstance(depth, int)
        self.scorer, self.system, self.depth, self.tail, self.title = scorer, system, depth, tail, title
        self.run: Run | None = None
        self.earlier_s = 0.0  # that earlier searches spent on what this one found done; part of what the search costs
        self.counts: Counter[str] = Counter()
        self.alone: tuple[float, float, float, int] | None = None  # see `compared`

    @staticmethod
    def refuse(_: type, arguments: Mapping[str, Any]) -> None:
        """Raise ValueError for what cannot be meant, before a model is loaded."""
        if not arguments["system"]:
            raise ValueError("name the system whose documents are reranked, by its tag: --set system=bm25")
        checked_tag(arguments["system"])
        if isinstance(depth := arguments.get("depth", 1), list):
            what = "one retriever has one depth, several are several rows of a table" if _whole(depth) else WHOLE
            raise ValueError(f"depth is {depth}; {what}")
        if depth < 1:
            raise ValueError(f"depth is {depth}; at least 1 document of a query is reranked")

    @classmethod
    def inputs(cls, arguments: Mapping[str, Any]) -> list[str]:
        """The system whose run is reranked."""
        return [arguments["system"]] if arguments["system"] else []

    @classmethod
    def rows(cls, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What differs between the rows that these arguments stand for: one for each depth, the deepest first."""
        depths = arguments.get("depth")
        if not isinstance(depths, list) or not _whole(depths):
            return [{}]  # one depth, or what is refused
        return [{"depth": one} for one in sorted(set(depths), reverse=True)]

    @classmethod
    def needs(cls, docs: int, arguments: dict[str, Any]) -> dict[str, float]:
        """Disk for the texts of candidates, some 1,500 bytes each; memory for torch and a model of the usual size."""
        return {"disk": docs * 1500.0, "memory": 2.5e9}

    def fingerprint(self) -> dict[str, Any]:
        """What the scorer's arguments point at, as far as it says."""
        return self.scorer.fingerprint() if hasattr(self.scorer, "fingerprint") else {}

    def sources(self) -> list[Path] | None:
        """The files that the scorer's arguments name; None where it has a fingerprint and does not say."""
        return sources_of(self.scorer)

    def facts(self) -> dict[str, Any]:
        """For the manifest: what was reranked, how many pairs a query, and what the scorer reports."""
        offered = dict(self.scorer.facts()) if hasattr(self.scorer, "facts") else {}
        notes = [*offered.pop("notes", ()), *escaped({"title": self.title})]
        known: dict[str, Any] = {"reranks": self.system, "depth": self.depth, "tail": self.tail}
        if self.run is not None:
            known["input_deepest"] = self.run.deepest
            if 0 < self.run.deepest < self.depth:
                notes.append(
                    f"depth is {self.depth}, and the run of {self.system} holds {self.run.deepest} documents of a query"
                    " at most: all of them were reranked"
                )
        if self.alone and (moved := compared(*self.alone)):
            notes.append(moved)
        if self.counts["queries"]:
            known["pairs_per_query"] = round(self.counts["pairs"] / self.counts["queries"], 1)
            known["pairs_scored"] = self.counts["scored"]  # the others were kept by an earlier search
        if self.counts["seconds"]:
            known["pairs_per_s"] = round(self.counts["scored"] / self.counts["seconds"], 1)
        return {**known, **offered, "notes": notes}

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Keep the texts of the documents that the run holds."""
        wanted = set(run_in(folder, self.system).doc_ids.to_pylist())
        stream = iter(docs)
        write(folder, ((doc.doc_id, doc_text(doc, self.title)) for doc in stream if doc.doc_id in wanted))
        deque(stream, maxlen=0)

    def load(self, folder: Path) -> None:
        """Read the run and open the texts in `folder`."""
        self.run, self.texts, self.kept = run_in(folder, self.system), Texts(folder), KeptScores(folder)

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """The reranked documents and, with `tail`, those below; none for a query that the input did not answer."""
        if self.run is None:
            raise ValueError("load an index before searching")
        for query in queries:
            ranked = self.run[query.query_id][0]
            scores = self._scores(query, ranked)
            below = ranked[self.depth :] if self.tail else []
            best = sorted(scores.items(), key=lambda item: (item[1], item[0]), reverse=True)[:k]
            yield from (ScoredDoc(query.query_id, doc_id, score) for doc_id, score in best)
            if len(best) < k and below:
                last = min(scores.values())
                step = max(1.0, abs(last) * STEP, len(below) * STEP)
                for number, doc_id in enumerate(below[: k - len(best)], 1):
                    yield ScoredDoc(query.query_id, doc_id, last - number * step)

    def _scores(self, query: Query, ranked: list[str]) -> dict[str, float]:
        """doc_id -> score as float32 of the first `depth` documents, the new ones scored and kept."""
        if not ranked:
            return {}
        known, needed = self.kept.take(query), blocks(ranked, self.depth)
        new = {block: self._score(query, block) for block in needed if block not in known}
        self.earlier_s += sum(known[block].seconds for block in needed if block in known)
        self.counts.update(queries=1, pairs=len(ranked[: self.depth]), scored=sum(map(len, new)))
        self.counts["seconds"] += sum(one.seconds for one in new.values())  # type: ignore[assignment]
        if new:
            self.kept.keep(query, known := known | new)
        pairs = ((doc_id, score) for one in needed for doc_id, score in zip(one, known[one].scores, strict=True))
        return dict(islice(pairs, self.depth))

    def _score(self, query: Query, doc_ids: tuple[str, ...]) -> Scored:
        begun = perf_counter()
        found = self.texts.of(doc_ids)
        if missing := [doc_id for doc_id in doc_ids if doc_id not in found]:
            raise not_in_collection(self.system, query.query_id, missing[0])
        scores = self._given(query, doc_ids, texts := [found[doc_id] for doc_id in doc_ids])
        spent = perf_counter() - begun
        if self.alone is None and len(doc_ids) > 1:
            (alone,) = self._given(query, doc_ids[-1:], texts[-1:]).tolist()
            self.alone = alone, float(scores[-1]), float(np.ptp(scores)), len(doc_ids)
        return Scored(scores.tolist(), spent)

    def _given(self, query: Query, doc_ids: Sequence[str], texts: list[str]) -> np.ndarray:
        """What the scorer gives these pairs (n,) float32. ValueError where that is not a finite number for each."""
        with named("query", [query.query_id], [query.text]), named("document", doc_ids, texts):
            given = self.scorer.score([query.text] * len(doc_ids), texts)
        right = f"score(queries, docs) has to give one number for each of the {counted(len(doc_ids), 'pair')}"
        try:
            values = np.asarray(given.detach().cpu().double() if hasattr(given, "detach") else given)  # bf16 as well
            if values.dtype.kind in "cSU":  # numpy would drop the imaginary part, or read the text
                raise TypeError(f"of {values.dtype.name}")
            with np.errstate(over="ignore"):  # told below
                scores = values.astype(np.float32)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{right}, and gave {type(given).__name__} ({error})") from error
        if scores.shape != (len(doc_ids),):
            raise ValueError(f"{right}, and gave an array of shape {scores.shape}")
        if not (finite := np.isfinite(scores)).all():
            at = int(np.argmin(finite))
            what = f"is NaN, infinite or beyond fp32 ({values[at]})"
            raise ValueError(f"the score of query {query.query_id!r} and document {doc_ids[at]!r} {what}")
        return scores


def _whole(depths: list[Any]) -> bool:
    return bool(depths) and all(type(depth) is int and depth > 0 for depth in depths)


class CrossEncoderScorer:
    """A cross-encoder of sentence-transformers, by its own `predict`, activation and prompt.

    `model` is a folder or a name on the hub; `prompt` is put before the pair, null takes the model's. `max_length` in
    tokens of query and document together, null is the model's own.
    """

    runtime = frozenset({"device", "batch_tokens", "threads"})
    content = frozenset({"model"})

    def __init__(
        self,
        model: str = "cross-encoder/ms-marco-MiniLM-L6-v2",
        *,
        revision: str | None = None,
        precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32",
        prompt: str | None = None,
        max_length: int | None = None,
        trust_remote_code: bool = False,
        device: str = "auto",
        batch_tokens: int = 0,
        threads: int = 0,
    ) -> None:
        from retrievers.encoders.own_model import OwnModel

        self.own = OwnModel(
            "CrossEncoder", model, revision=revision, precision=precision, prompts=(prompt, prompt),
            trust_remote_code=trust_remote_code, device=device, batch_tokens=batch_tokens,
        )  # fmt: skip
        self.threads = threads
        if (labels := self.own.model.num_labels) != 1:
            raise ValueError(
                f"the model in {self.own.folder} has {labels} labels: it sorts pairs into classes and gives no score"
            )
        if max_length is not None:
            self.own.limit(max_length)

    def score(self, queries: Sequence[str], docs: Sequence[str]) -> np.ndarray:
        """Scores fp32 (n,)."""
        from retrievers.encoders.encoding import torch_threads

        def predict(batch: np.ndarray) -> list[float]:
            pairs = [(queries[at], docs[at]) for at in batch]
            options = {"prompt": self.own.prompts["query"], "show_progress_bar": False}
            return self.own.model.predict(pairs, batch_size=len(pairs), **options).tolist()  # type: ignore[no-any-return]

        sizes = [len(query) + len(doc) for query, doc in zip(queries, docs, strict=True)]
        with torch_threads(self.threads):
            return np.array(self.own.in_batches(sizes, predict), np.float32)

    def fingerprint(self) -> dict[str, Any]:
        """What `model` points at."""
        return self.own.fingerprint()

    def sources(self) -> list[Path] | None:
        """The files of `model`."""
        return self.own.sources()

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            **{name: value for name, value in self.own.facts().items() if not name.endswith("_prompt")},
            "prompt": self.own.prompts["query"],
            "activation": type(self.own.model.activation_fn).__name__,
        }


Rerank = made_for(CrossEncoderScorer, Reranker, CrossEncoderScorer, named_parameters(CrossEncoderScorer))
Rerank.__name__ = Rerank.__qualname__ = "Rerank"


def adapt(cls: type) -> type[Reranker] | None:
    """The adapter for `beir_harness.adapters`: a reranker where `cls` has `score(queries, docs)`, else None."""
    return made_for(cls, Reranker, cls, named_parameters(cls)) if callable(getattr(cls, "score", None)) else None

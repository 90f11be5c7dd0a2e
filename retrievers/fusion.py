"""Fusion: the runs of other systems on the same dataset, made one run by any of ranx's methods.

The harness lays the other systems' run files into the index folder (`requires`); fusing reads nothing else.
"""

import copy
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.files import sha256_json
from harness.records import Doc, Qrel, Query, ScoredDoc
from harness.runs import Run
from retrievers.fusing.fusion_methods import METHODS
from retrievers.fusing.fusion_norms import NORMS, pool
from retrievers.fusing.fusion_params import known, prepare
from retrievers.fusing.fusion_training import candidates
from retrievers.inputs import checked_tag, run_in


class Fusion:
    """Fuses the runs of `systems`, which are tags of results.

    `method` and `norm` are ranx's names (see `fusion_methods` and `fusion_norms`; norm null is none); `params` are the
    method's own, such as {"k": 60} for rrf or {"weights": [0.3, 0.7]} for wsum, or the path of a JSON file of them.
    The documents fused are those of the runs, so their depth decides what can be found.
    """

    runtime: ClassVar[frozenset[str]] = frozenset()
    search_only: ClassVar[frozenset[str]] = frozenset({"method", "norm", "params"})
    content: ClassVar[frozenset[str]] = frozenset({"params"})  # where it is the path of a file

    def __init__(
        self,
        systems: list[str] | None = None,
        method: str = "rrf",
        norm: str | None = "min-max",
        params: dict[str, Any] | str | None = None,
    ) -> None:
        self.requires = list(systems or [])
        if not self.requires:
            raise ValueError("""name the systems to fuse, by their tags: --set 'systems=["bm25","dupmae"]'""")
        for tag in self.requires:
            if self.requires.count(tag) > 1:
                raise ValueError(f"system {tag!r} is named twice; its vote counts once, or by weights: method=wsum")
            checked_tag(tag)
        self.method = known("fusion method", method, METHODS)
        self.norm = known("normalisation", (norm or "none").replace("_", "-"), NORMS)
        self.params, self.file = _params(params), params if isinstance(params, str) else None
        self.fuse = prepare(method, self.params, len(self.requires))
        self.runs: list[Run] | None = None

    @classmethod
    def inputs(cls, arguments: Mapping[str, Any]) -> list[str]:
        """The systems whose runs are fused."""
        return list(arguments["systems"] or [])

    @classmethod
    def untuned(cls, systems: list[str] | None = None, method: str = "wsum", norm: str | None = "min-max") -> "Fusion":
        """A fusion whose `params` are still to be found: to be loaded, and then asked for its `trials`."""
        fusion = cls(systems, norm=norm)
        fusion.method = known("fusion method", method, METHODS)
        return fusion

    def fingerprint(self) -> dict[str, Any]:
        """What a file of params says."""
        return {"params_sha256": sha256_json(self.params)} if self.file else {}

    def sources(self) -> list[Path]:
        """The file of params."""
        return [Path(self.file)] if self.file else []

    def facts(self) -> dict[str, Any]:
        """Queries and greatest depth of each system's run."""
        runs = zip(self.requires, self.runs or (), strict=False)  # nothing is known before load
        return {"systems": {tag: {"queries": len(run), "deepest": run.deepest} for tag, run in runs}}

    def index(self, docs: Iterable[Doc], folder: Path) -> None:
        """Read the stream to its end, so that what is wrong with the collection is found, and keep nothing of it."""
        deque(docs, maxlen=0)

    def load(self, folder: Path) -> None:
        """Read the runs in `folder`. Raises FileNotFoundError where one is missing."""
        self.runs = [run_in(folder, tag) for tag in self.requires]

    def search(self, queries: Iterable[Query], k: int) -> Iterator[ScoredDoc]:
        """The first k of the fused documents in the total order; none for a query that no system has answered."""
        if self.runs is None:
            raise ValueError("load the runs before searching")
        for query in queries:
            doc_ids, found = pool([run[query.query_id] for run in self.runs], self.norm)
            if not doc_ids:
                continue
            scores = self.fuse(found)  # (C,) float64
            # The pool's doc_ids descend, so a stable sort of what float32 can tell apart is the harness's total order.
            best = np.argsort(-scores.astype(np.float32), kind="stable")[:k]
            for at, score in zip(best.tolist(), scores[best].tolist(), strict=True):
                yield ScoredDoc(query.query_id, doc_ids[at], score)

    def trials(self, qrels: Iterable[Qrel], relevance_level: int = 1) -> Iterator[tuple[dict[str, Any], "Fusion"]]:
        """Values of `params` worth trying on the loaded runs, each with a retriever that searches with them.

        `qrels` must be of a training split: the supervised methods learn from them. Raises ValueError where the method
        has nothing to tune.
        """
        if self.runs is None:
            raise ValueError("load the runs before tuning")
        for params in candidates(self.method, self.runs, qrels, relevance_level):
            trial = copy.copy(self)
            trial.params, trial.fuse = params, prepare(self.method, params, len(self.requires))
            yield {"params": params}, trial


def _params(given: dict[str, Any] | str | None) -> dict[str, Any]:
    if not isinstance(given, str):
        return dict(given or {})
    try:
        params = json.loads(Path(given).read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"params is {given!r}: neither a JSON object nor a file of one") from None
    except ValueError as error:
        raise ValueError(f"the params file {given} is not JSON: {error}") from None
    if not isinstance(params, dict):
        raise ValueError(f'the params file {given} holds no JSON object, such as {{"k": 60}}')
    return params

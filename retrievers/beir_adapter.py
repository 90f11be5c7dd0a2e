"""What was written for BEIR becomes a retriever: encoders through the dense retriever, searchers as they are.

An encoder has `encode_queries(queries, batch_size, ...)` and `encode_corpus(corpus, batch_size, ...)`, a searcher has
`search(corpus, queries, top_k, ...)`. The constructor's named arguments become the retriever's; what it would take as
`**kwargs` cannot be recorded and cannot be set. A class of one's own helps there, and where a searcher wants an object:

    class Mine(DenseRetrievalExactSearch):
        def __init__(self, model: str = "all-MiniLM-L6-v2", batch_size: int = 32):
            super().__init__(SentenceBERT(model), batch_size)
"""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.files import sha256, sha256_json
from harness.records import Doc
from retrievers.beir_searcher import BeirSearcher
from retrievers.dense import DenseRetriever, as_vectors
from retrievers.made_for import made_for

SPEED_ONLY = {"batch_size", "corpus_chunk_size", "show_progress_bar"}  # BEIR's names of such arguments
KEYWORD = inspect.Parameter.KEYWORD_ONLY
BATCH_SIZE = inspect.Parameter("batch_size", KEYWORD, default=128, annotation=int)
SCORE_FUNCTION = inspect.Parameter(  # cos_sim is the default of BEIR's EvaluateRetrieval too
    "score_function", KEYWORD, default="cos_sim", annotation=Literal["cos_sim", "dot"]
)
Parameters = dict[str, inspect.Parameter]


def adapt(cls: type) -> type | None:
    """The adapter for `beir_harness.adapters`: a retriever class where `cls` has a BEIR interface, else None."""
    search = getattr(cls, "search", None)
    if callable(search) and list(inspect.signature(search).parameters)[1:4] == ["corpus", "queries", "top_k"]:
        return _from_searcher(cls)
    if all(callable(getattr(cls, method, None)) for method in ("encode_queries", "encode_corpus")):
        return _from_encoder(cls)
    return None


def _from_encoder(cls: type) -> type[DenseRetriever]:
    """The retriever class of a BEIR encoder: documents go to it as title and text, and it joins them its own way.

    `score_function` is BEIR's: cos_sim normalises the vectors, dot takes them as they are.
    """
    own = _named_arguments(cls)
    theirs = {parameter.name: parameter for parameter in (BATCH_SIZE, SCORE_FUNCTION)} | own
    without = () if "title" in own else ("title",)
    made = made_for(cls, DenseRetriever, lambda **arguments: BeirEncoder(cls, own, arguments), theirs, without)

    class BeirDense(made):  # type: ignore[misc, valid-type]
        runtime = made.runtime | SPEED_ONLY & theirs.keys()

        def render(self, doc: Doc) -> tuple[str, str]:
            return doc.title, doc.text

    return _named_after(cls, BeirDense, made.__signature__)


class BeirEncoder:
    """An encoder of BEIR's as one of ours; `own` are the arguments of `cls` among `arguments`."""

    def __init__(self, cls: type, own: Parameters, arguments: dict[str, Any]) -> None:
        self.model = cls(**{name: value for name, value in arguments.items() if name in own})
        self.batch_size, self.score_function = arguments["batch_size"], arguments["score_function"]
        self.contents = _contents(arguments)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (n, dim)."""
        return self._vectors(self.model.encode_queries, list(texts))

    def encode_docs(self, docs: Sequence[Any]) -> np.ndarray:
        """Vectors (n, dim) of documents, each a title and a text."""
        return self._vectors(self.model.encode_corpus, [{"title": title, "text": text} for title, text in docs])

    def fingerprint(self) -> dict[str, Any]:
        """The hashes of the files that the arguments name."""
        return self.contents

    def _vectors(self, encode: Callable[..., Any], items: list[Any]) -> np.ndarray:
        options = {"batch_size": self.batch_size, "show_progress_bar": False, "convert_to_tensor": True}
        given = encode(items, **_accepted(encode, options))
        if isinstance(given, list) and hasattr(given[0], "detach"):
            given = [vector.detach().float().cpu().numpy() for vector in given]
        vectors = as_vectors(given, encode.__name__)
        if self.score_function == "dot":
            return vectors
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))


def _from_searcher(cls: type) -> type[BeirSearcher]:
    """The retriever class of a BEIR searcher; `score_function` is an argument where its `search` takes one."""
    own = _named_arguments(cls)
    search: Any = cls.search  # type: ignore[attr-defined]
    searches = {"score_function": SCORE_FUNCTION} if "score_function" in inspect.signature(search).parameters else {}

    class Searcher(BeirSearcher):
        runtime = frozenset(SPEED_ONLY & own.keys() | set(getattr(cls, "runtime", ())))

        def __init__(self, **arguments: Any) -> None:
            given = inspect.signature(type(self)).bind(**arguments)
            given.apply_defaults()
            made_with = {name: value for name, value in given.arguments.items() if name in own}
            options = {name: value for name, value in given.arguments.items() if name in searches}
            super().__init__(lambda: cls(**made_with), options, _contents(made_with))

    return _named_after(cls, Searcher, _signature(own, *(searches[name] for name in searches if name not in own)))


def _named_arguments(cls: type) -> Parameters:
    """The parameters of the constructor that have names of their own."""
    try:
        signature = inspect.signature(cls, eval_str=True)
    except NameError:  # annotated with a name that exists only for type checkers
        signature = inspect.signature(cls)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, KEYWORD)
    named = {name: p.replace(kind=KEYWORD) for name, p in signature.parameters.items() if p.kind in kinds}
    for name, p in named.items():
        if p.default is None and not isinstance(p.annotation, str) and p.annotation is not p.empty:
            named[name] = p.replace(annotation=p.annotation | None)  # BEIR writes `max_length: int = None`
    return named


def _signature(own: Parameters, *more: inspect.Parameter) -> inspect.Signature:
    merged = {parameter.name: parameter for parameter in more} | own
    return inspect.Signature(sorted(merged.values(), key=lambda p: p.default is not p.empty))


def _named_after(cls: type, made: Any, signature: inspect.Signature) -> Any:
    made.__signature__, made.__doc__ = signature, cls.__doc__
    made.__module__, made.__name__, made.__qualname__ = cls.__module__, cls.__name__, cls.__qualname__
    return made


def _accepted(function: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Those of `options` that `function` takes."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return options
    return {name: value for name, value in options.items() if name in {parameter.name for parameter in parameters}}


def _contents(arguments: dict[str, Any]) -> dict[str, str]:
    """The hash of every file or folder that an argument names by a path with a slash."""
    found = {}
    for name, value in arguments.items():
        if isinstance(value, str) and "/" in value and (path := Path(value).expanduser()).exists():
            inside = {str(file.relative_to(path)): sha256(file) for file in sorted(path.rglob("*")) if file.is_file()}
            found[f"{name}_sha256"] = sha256_json(inside) if path.is_dir() else sha256(path)
    return found

"""From a stream of documents to finished shards: read and tokenise ahead, encode, write behind.

Three threads, each at work on another shard: one reads documents, renders their texts and tokenises them, the caller's
runs the model, a third writes. Shards that an interrupted call finished are read from the stream and not encoded again.
This is how several processes share an index, too: each encodes its part of the shards, then one call finds them all.
"""

import queue
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harness import work
from harness.records import Doc
from retrievers.encoders.misfit import Misfit
from retrievers.search import vector_store
from retrievers.search.ragged import Ragged

Item = str | tuple[str, ...]  # a document as it is encoded: one text, or several
Fields = Mapping[str, np.ndarray | Ragged]
AHEAD = 2  # shards tokenised before the model asks for them


class Window(NamedTuple):
    """The documents of one shard; `tokens` is None where the shard is finished already."""

    number: int
    ids: list[str]
    digest: str
    tokens: Any


def index_docs(
    docs: Iterable[Doc],
    folder: Path,
    *,
    render: Callable[[Doc], Item],
    tokenize: Callable[[list[Any]], Any],
    encode: Callable[[Any], Fields],
    identity: dict[str, Any],
    shard_docs: int = vector_store.SHARD_DOCS,
    part: tuple[int, int] | None = None,
) -> None:
    """Encode `docs` into a vector store in `folder`.

    `part` (n, of) encodes the shards whose number leaves the rest n when divided by `of`, and leaves the store open:
    calls for the other parts may run at the same time, and one without a part completes the store.

    `render` makes of a document what is encoded; `tokenize` prepares a shard's items in a background thread; `encode`
    turns what it gave into arrays of the store's dtypes, one row per document. `identity` is all that decides the
    vectors beside the items.

    Raises ValueError for vectors that are not finite (naming the document), whose shape disagrees with finished shards,
    or where `folder` holds vectors of another identity; OSError where the disk has no room. Finished shards stay.
    """
    vector_store.begin(folder, identity, shard_docs, reopen=part is None)
    count, encoded, tokens, seconds = 0, 0, 0, 0.0
    shapes: dict[str, tuple] = {}
    pending: Future[None] | None = None
    work.begin()
    ahead = _ahead(_windows(docs, folder, render, tokenize, shard_docs, part or (0, 1)))
    with ThreadPoolExecutor(1) as writer, closing(ahead):
        for window in ahead:
            count += len(window.ids)
            if window.tokens is None:
                shapes = shapes or _shapes(folder, window.number)
                work.done(len(window.ids))
                continue
            begun = time.perf_counter()
            try:
                with work.portion(len(window.ids)):
                    fields = encode(window.tokens)
            except vector_store.Lossy as lossy:
                raise ValueError(f"the vectors of document {window.ids[lossy.row]!r} {lossy}") from None
            except Misfit as misfit:
                raise ValueError(f"the text of document {window.ids[misfit.row]!r} {misfit}") from None
            seconds += time.perf_counter() - begun
            encoded += len(window.ids)
            tokens += int(sum(getattr(window.tokens, "lengths", ())))
            check(window.ids, fields)
            found = {name: _values(array).shape[1:] for name, array in fields.items()}
            if (shapes := shapes or found) != found:
                raise ValueError(
                    f"{folder}: finished shards hold vectors of shape {shapes}, this encoder gives {found}"
                )
            if pending:
                pending.result()
            pending = writer.submit(vector_store.write_shard, folder, *window[:3], fields)
        if pending:
            pending.result()
    if part is None:
        vector_store.finish(folder, count, speed(encoded, tokens, seconds))


def speed(docs: int, tokens: int, seconds: float) -> dict[str, Any]:
    """What the model did in this call, for the record; tokens where the encoder counts them."""
    done: dict[str, Any] = {"docs_encoded": docs, "encode_seconds": round(seconds, 3)}
    for name, amount in (("docs", docs), ("tokens", tokens)):
        if amount:
            done[f"encode_{name}_per_s"] = round(amount / max(seconds, 1e-9), 1)
    return done


def check(ids: Sequence[str], fields: Fields) -> None:
    """Raise ValueError where an array has another number of rows than `ids` or a value that is not finite."""
    for name, field in fields.items():
        values, rows = _values(field), len(field.lengths if isinstance(field, Ragged) else field)
        if rows != len(ids):
            raise ValueError(f"the encoder gave {rows} {name} for {len(ids)} texts")
        if values.dtype.kind != "f":
            continue
        if not (finite := np.isfinite(values).all(axis=tuple(range(1, values.ndim)))).all():
            at = int(np.argmin(finite))
            row = int(np.searchsorted(field.starts, at, side="right")) - 1 if isinstance(field, Ragged) else at
            what = "NaN" if np.isnan(values[at]).any() else "infinite values"
            raise ValueError(
                f"the {name} of document {ids[row]!r} hold {what} in {values.dtype}: check the model's weights, the"
                " precision (fp16 ends at 65504) and the text; the shards before it are kept"
            )


def _values(field: np.ndarray | Ragged) -> np.ndarray:
    return field.values if isinstance(field, Ragged) else field


def _windows(
    docs: Iterable[Doc],
    folder: Path,
    render: Callable[[Doc], Item],
    tokenize: Callable[[list[Any]], Any],
    shard_docs: int,
    part: tuple[int, int],
) -> Iterator[Window]:
    stream = iter(docs)
    number = -1
    while batch := list(islice(stream, shard_docs)):
        number += 1
        if number % part[1] != part[0]:
            continue
        ids = [doc.doc_id for doc in batch]
        items = [render(doc) for doc in batch]
        texts = [item if isinstance(item, str) else "\0".join(item) for item in items]
        digest = vector_store.text_digest(ids, texts)
        finished = False
        if wrong := vector_store.damage(folder, number):
            if wrong != "missing":
                warnings.warn(f"{folder}: shard {number} is damaged ({wrong}) and is encoded again", stacklevel=2)
        else:
            finished = vector_store.record(folder, number)["texts_sha256"] == digest
        with named("document", ids, texts):
            tokens = None if finished else tokenize(items)
        yield Window(number, ids, digest, tokens)


@contextmanager
def named(kind: str, ids: Sequence[str], texts: Sequence[str]) -> Iterator[None]:
    """Name the text that an encoder or its tokenizer cannot take, in a ValueError."""
    try:
        yield
    except Misfit as misfit:
        raise ValueError(f"the text of {kind} {ids[misfit.row]!r} {misfit}") from None
    except (TypeError, UnicodeEncodeError):
        _refuse_surrogates(kind, ids, texts)
        raise


def _refuse_surrogates(kind: str, ids: Sequence[str], texts: Sequence[str]) -> None:
    """Raise ValueError that names the first text with half of a surrogate pair, which no tokenizer takes."""
    for name, text in zip(ids, texts, strict=True):
        if bad := next((sign for sign in text if "\ud800" <= sign <= "\udfff"), None):
            raise ValueError(
                f"the text of {kind} {name!r} holds {bad!r}, half of a surrogate pair, which is no character; replace "
                "such by U+FFFD"
            )


def _ahead(windows: Iterator[Window]) -> Generator[Window, None, None]:
    """Run `windows` in a background thread, at most AHEAD items before the caller; its exceptions are raised here."""
    items: queue.Queue[Any] = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(item: Any) -> None:
        while not stop.is_set():
            try:
                return items.put(item, timeout=0.1)
            except queue.Full:
                continue

    def read() -> None:
        try:
            for window in windows:
                put(window)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=read, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (item := items.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join(timeout=10)


def _shapes(folder: Path, number: int) -> dict[str, tuple]:
    """Field name -> shape of one row, of a finished shard."""
    files = [name for name in vector_store.record(folder, number)["files"] if name.endswith(".npy")]
    names = [name.split(".")[1] for name in files if not name.endswith(".lengths.npy")]
    return {name: vector_store.field(folder, number, name).shape[1:] for name in names}

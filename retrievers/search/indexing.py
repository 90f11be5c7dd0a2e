"""From a stream of documents to finished shards: read and tokenise ahead, encode, write behind.

Three threads, each at work on another shard: one reads documents, renders their texts and tokenises them, the caller's
runs the model, a third writes. Shards that an interrupted call finished are read from the stream and not encoded again,
and of the one that it was at, not what it has kept: the model gets a shard in pieces, see `pieces`.
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
from harness.errors import counted
from harness.records import Doc
from retrievers.encoders.misfit import Misfit
from retrievers.search import pieces, vector_store
from retrievers.search.ragged import Ragged

Item = str | tuple[str, ...]  # a document as it is encoded: one text, or several
Fields = Mapping[str, np.ndarray | Ragged]
AHEAD = 2  # shards tokenised before the model asks for them


class Piece(NamedTuple):
    """Documents of a shard, row `first` to `end`, prepared for one call of the encoder."""

    first: int
    end: int
    texts: list[str]
    tokens: Any


class Window(NamedTuple):
    """The documents of one shard, `kept` arrays of the first of them, and pieces of the others as `tokenize` gave them.

    `digest` is of all its texts; `pieces` is None where the shard is finished already.
    """

    number: int
    ids: list[str]
    digest: str
    kept: list[Fields]
    pieces: list[Piece] | None


def index_docs(
    docs: Iterable[Doc],
    folder: Path,
    *,
    render: Callable[[Doc], Item],
    tokenize: Callable[[list[Any]], Any],
    encode: Callable[[Any], Fields],
    identity: dict[str, Any],
    shard_docs: int = vector_store.SHARD_DOCS,
    piece_docs: int = pieces.DOCS,
    part: tuple[int, int] | None = None,
) -> None:
    """Encode `docs` into a vector store in `folder`.

    `part` (n, of) encodes the shards whose number leaves the rest n when divided by `of`, and leaves the store open:
    calls for the other parts may run at the same time, and one without a part completes the store.

    `render` makes of a document what is encoded; `tokenize` prepares `piece_docs` such items at a time in a background
    thread; `encode` turns what it gave into arrays of the store's dtypes, one row per document. `identity` is all that
    decides the vectors beside the items.

    Raises ValueError for vectors that are not finite (naming the document), whose shape disagrees with finished shards,
    or where `folder` holds vectors of another identity; OSError where the disk has no room. Finished shards stay.
    """
    vector_store.begin(folder, identity, shard_docs, reopen=part is None)
    count, encoded, tokens, seconds = 0, 0, 0, 0.0
    shapes: dict[str, tuple] = {}
    pending: Future[None] | None = None
    work.begin()
    ahead = _ahead(_windows(docs, folder, render, tokenize, shard_docs, piece_docs, part or (0, 1)))
    with ThreadPoolExecutor(1) as writer, closing(ahead):
        for window in ahead:
            count += len(window.ids)
            if window.pieces is None:
                shapes = shapes or _shapes(folder, window.number)
                work.done(len(window.ids))
                continue
            parts, unsaved, last = list(window.kept), list[Fields](), time.perf_counter()
            for fields in parts:
                work.done(pieces.rows(fields))
                shapes = _agreed(shapes, fields, folder)
            for piece in window.pieces:
                begun = time.perf_counter()
                fields = _encoded(encode, piece, window.ids[piece.first : piece.end])
                seconds += time.perf_counter() - begun
                encoded += piece.end - piece.first
                tokens += int(sum(getattr(piece.tokens, "lengths", ())))
                shapes = _agreed(shapes, fields, folder)
                unsaved.append(fields)
                if piece.end < len(window.ids) and time.perf_counter() - last > pieces.SECONDS:
                    parts.append(_kept(folder, window, piece.end, unsaved))
                    unsaved, last = [], time.perf_counter()
            if pending:
                pending.result()
            whole = pieces.joined([*parts, *unsaved])
            pending = writer.submit(_finish_shard, folder, window, whole)
        if pending:
            pending.result()
    if part is None:
        vector_store.finish(folder, count, speed(encoded, tokens, seconds))


def _encoded(encode: Callable[[Any], Fields], piece: Piece, ids: Sequence[str]) -> Fields:
    """The arrays of a piece, which are found to be usable; raises ValueError that names the document that is not."""
    try:
        with work.portion(len(ids)):
            fields = encode(piece.tokens)
    except vector_store.Lossy as lossy:
        raise ValueError(f"the vectors of document {ids[lossy.row]!r} {lossy}") from None
    except Misfit as misfit:
        raise ValueError(f"the text of document {ids[misfit.row]!r} {misfit}") from None
    check(ids, fields)
    return fields


def _agreed(shapes: dict[str, tuple], fields: Fields, folder: Path) -> dict[str, tuple]:
    """Field name -> shape of one row, which has to be that of what is finished."""
    found = {name: _values(array).shape[1:] for name, array in fields.items()}
    if shapes and shapes != found:
        raise ValueError(f"{folder}: finished shards hold vectors of shape {shapes}, this encoder gives {found}")
    return found


def _kept(folder: Path, window: Window, end: int, unsaved: Sequence[Fields]) -> Fields:
    """Keep what is new of a shard that is done up to row `end`."""
    fields = pieces.joined(unsaved)
    first = end - pieces.rows(fields)
    texts = [text for piece in window.pieces or () if first <= piece.first < end for text in piece.texts]
    pieces.save(folder, window.number, first, vector_store.text_digest(window.ids[first:end], texts), fields)
    return fields


def _finish_shard(folder: Path, window: Window, fields: Fields) -> None:
    vector_store.write_shard(folder, window.number, window.ids, window.digest, fields)
    pieces.remove(folder, window.number)


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
            raise ValueError(f"the encoder gave {rows} {name} for {counted(len(ids), 'text')}")
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
    piece_docs: int,
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
        if finished:
            pieces.remove(folder, number)  # of a call that was killed between the two
            yield Window(number, ids, digest, [], None)
            continue
        kept = pieces.load(folder, number, ids, texts)
        done = sum(map(pieces.rows, kept))
        with named("document", ids, texts):
            rest = [
                Piece(at, at + len(some), texts[at : at + len(some)], tokenize(some))
                for at in range(done, len(ids), piece_docs)
                if (some := items[at : at + piece_docs])
            ]
        yield Window(number, ids, digest, kept, rest)


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

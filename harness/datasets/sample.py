"""A few documents from all over a collection, without reading it."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from harness.datasets.sources.beir_format import read_docs
from harness.errors import HarnessError
from harness.records import Doc

LONGEST = 1 << 24  # bytes of a line that is looked at
READ = 20_000  # documents of a compressed file that are looked at, in a fraction of a second
T = TypeVar("T")


def sample(corpus: Path, count: int) -> list[Doc]:
    """At most `count` documents: behind evenly spaced places of a corpus.jsonl, of the first READ of a compressed one.

    The line behind the one at a place is taken, as a place is in a long line more often than in a short one. A line
    that is no document is passed over: what is wrong with it is told when the collection is read.
    """
    if corpus.suffix != ".jsonl":
        with suppress(HarnessError):
            return _spread(list(islice(read_docs(corpus), READ)), count)
        return []
    found = {doc.doc_id: doc for line in _lines(corpus, count) if (doc := _doc(line))}
    return list(found.values())


def _lines(corpus: Path, count: int) -> Iterator[bytes]:
    size = corpus.stat().st_size
    with open(corpus, "rb") as file:
        if size < count * 4096:  # small enough to be read
            yield from _spread([line for line in file if line.strip()], count)
            return
        for at in range(count):
            file.seek(at * size // count)
            if at:
                file.readline(LONGEST)
            yield file.readline(LONGEST)


def _spread(every: list[T], count: int) -> list[T]:
    return [every[at * len(every) // count] for at in range(count)] if len(every) > count else every


def _doc(line: bytes) -> Doc | None:
    import orjson

    with suppress(ValueError, TypeError, KeyError):
        record = orjson.loads(line)
        return Doc(str(record["_id"]), str(record["text"]), str(record.get("title") or ""))
    return None

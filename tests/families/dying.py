"""The families with small shards, in which a process kills itself once, in the middle of its work.

$DIES_ONCE is the path of a file: where it is not there, the process makes it in its third shard, or block of pairs, and
ends by signal 9.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrievers.api import Api
from retrievers.multi_vector import MultiVector
from retrievers.sparse import Sparse

calls = 0


def die() -> None:
    global calls
    calls += 1
    if calls == 3 and (once := os.environ.get("DIES_ONCE")) and not Path(once).exists():
        Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)


class SmallSparse(Sparse):
    shard_docs = 40

    def _fields(self, texts: list[str]) -> Any:
        die()
        return super()._fields(texts)


class SmallMultiVector(MultiVector):
    shard_docs = 40

    def _fields(self, texts: list[str]) -> Any:
        die()
        return super()._fields(texts)


class SmallApi(Api):
    shard_docs = 40

    def _stored(self, encode: Any, tokens: Any) -> Any:
        die()
        return super()._stored(encode, tokens)


class Shared:
    """Scores a pair by the words that both have."""

    def score(self, queries: Sequence[str], docs: Sequence[str]) -> list[float]:
        die()
        return [float(len({*query.split()} & {*doc.split()})) for query, doc in zip(queries, docs, strict=True)]

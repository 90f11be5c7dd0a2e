"""Texts of documents on disk, to be looked up by id: one SQLite table, written in one go."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from harness.files import atomic_path

NAME = "texts.sqlite"
AT_A_TIME = 500  # ids of one query; SQLite takes 999 in every build


def write(folder: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Write (doc_id, text) pairs; a document that comes twice keeps its last text."""
    with (
        atomic_path(folder / NAME) as path,
        closing(sqlite3.connect(path, isolation_level=None)) as table,  # one transaction, as said here
    ):
        table.execute("PRAGMA journal_mode=OFF")
        table.execute("CREATE TABLE texts (doc_id BLOB PRIMARY KEY, text BLOB) WITHOUT ROWID")
        table.execute("BEGIN")
        rows = ((_bytes(doc_id), _bytes(text)) for doc_id, text in texts)
        table.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?)", rows)
        table.execute("COMMIT")


class Texts:
    """The texts in `folder`, for reading. Raises FileNotFoundError where there are none, ValueError for damage."""

    def __init__(self, folder: Path) -> None:
        self.path = (folder / NAME).resolve()
        if not self.path.is_file():
            raise FileNotFoundError(f"{folder} holds no {NAME}: index first")
        self.place = f"file:{quote(str(self.path))}?mode=ro&immutable=1"

    def of(self, doc_ids: Sequence[str]) -> Mapping[str, str]:
        """doc_id -> text, of those that are there."""
        try:
            return self._of(doc_ids)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{self.path} is damaged ({error}); the same command makes it again, and scores that were kept stay"
            ) from error

    def _of(self, doc_ids: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        with closing(sqlite3.connect(self.place, uri=True)) as table:
            for start in range(0, len(doc_ids), AT_A_TIME):
                some = [_bytes(doc_id) for doc_id in doc_ids[start : start + AT_A_TIME]]
                places = ",".join("?" * len(some))
                rows = table.execute(f"SELECT doc_id, text FROM texts WHERE doc_id IN ({places})", some)  # noqa: S608
                found |= {_text(doc_id): _text(text) for doc_id, text in rows}
        return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")

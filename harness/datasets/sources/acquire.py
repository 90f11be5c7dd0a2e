"""From a row of the table to a folder in BEIR layout: download, verify, unpack, rename; one process at a time."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from harness.datasets.dataset_table import File, Row, rows
from harness.datasets.sources.archives import unpack
from harness.datasets.sources.download import download
from harness.errors import BadInput, HarnessError, counted
from harness.files import SMALL, write_bytes
from harness.lines import numbered_text

BYTES_A_DOCUMENT = 16 << 10  # four times the mean of the collection with the longest documents


def fetch_archive(row: Row, folder: Path, cure: str = "", **patience: Any) -> Path:
    """Make sure that `row`'s archive lies in `folder`, unpacked, and return where the dataset is:
    `folder/<row.folder>`.

    It is unpacked beside its place and renamed, so a folder that exists is whole. `cure` ends every message;
    `patience` (attempts, pause, timeout) goes to `download`. Raises HarnessError.
    """
    home = folder / row.archive
    with _locked(folder, row.archive):
        if not home.is_dir():
            _unpacked(row, folder, home, cure, patience)
    return folder / row.folder


def fetch_files(row: Row, folder: Path, cure: str = "", **patience: Any) -> Path:
    """Make sure that `row.files`, what its archive lacks, lie in `folder/<row.name>`, and return that; as above."""
    home = folder / row.name
    with _locked(folder, row.name):
        for file in row.files:
            if not (home / file.path).exists():
                _add_file(file, home, cure, patience)
    return home


@contextmanager
def _locked(folder: Path, archive: str) -> Iterator[None]:
    """Two processes that want the same archive take turns; the second finds it there."""
    from harness.host import locks

    try:
        with locks.held(folder / f".{archive}.lock", f"the download of {archive}"):
            yield
    except OSError as error:
        raise HarnessError(
            f"{folder} cannot take the download: {error.strerror or error}; set $BEIR_HARNESS_CACHE to another place"
        ) from error


def _unpacked(row: Row, folder: Path, home: Path, cure: str, patience: dict[str, Any]) -> None:
    archive = folder / f".{row.archive}.zip"
    if not archive.exists():
        download(row.url, archive, row.md5, cure=cure, **patience)
    temporary = folder / f".{row.archive}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)  # what a killed process left; the lock says that none is at work
    temporary.mkdir()
    try:
        unpack(archive, temporary, _is_part, _most(row))
        inner = temporary / row.archive
        if not inner.is_dir():
            raise BadInput(archive, None, f"there is no folder {row.archive} in it; the file is not what it should be")
        inner.rename(home)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    archive.unlink()


def _most(row: Row) -> int | None:
    """What the files of the archive can weigh by the table; None where it does not say how many documents there are."""
    folders = {other.folder: other.docs or 0 for other in (*rows().values(), row) if other.archive == row.archive}
    counted = sum(folders.values())
    return SMALL + counted * BYTES_A_DOCUMENT if counted else None


def _is_part(member: PurePosixPath) -> bool:
    """BEIR's archives hold more than a dataset needs; CQADupStack's is mostly that."""
    return member.name in ("corpus.jsonl", "queries.jsonl") or (
        member.suffix == ".tsv" and member.parent.name == "qrels"
    )


def _add_file(file: File, home: Path, cure: str, patience: dict[str, Any]) -> None:
    raw = home / f".{file.url.rsplit('/', 1)[-1]}"
    download(file.url, raw, file.md5, cure=cure, **patience)
    lines = _queries_from_tsv(raw) if file.path.endswith(".jsonl") else _qrels_from_trec(raw)
    write_bytes(home / file.path, "".join(f"{line}\n" for line in lines).encode())
    raw.unlink()


def _queries_from_tsv(path: Path) -> Iterator[str]:
    """MS MARCO's query files: id, tab, text."""
    for number, line in numbered_text(path):
        if not line:
            continue
        query_id, tab, text = line.partition("\t")
        if not tab:
            raise BadInput(path, number, "a query id, a tab and a text are needed here")
        yield json.dumps({"_id": query_id, "text": text.strip()}, ensure_ascii=False)


def _qrels_from_trec(path: Path) -> Iterator[str]:
    """TREC's judgments: query id, a column nobody uses, document id, grade, white space between them."""
    yield "query-id\tcorpus-id\tscore"
    for number, line in numbered_text(path):
        columns = line.split()
        if not columns:
            continue
        if len(columns) != 4:
            raise BadInput(path, number, f"{counted(len(columns), 'column')} instead of query, 0, document, grade")
        yield "\t".join((columns[0], columns[2], columns[3]))

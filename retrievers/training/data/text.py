"""Where pre-training text comes from. A source is a name, a key made of its content, and passages to iterate anew.

Files: .txt (one passage a line), .jsonl ({"text": …, "title": …}), both also as .gz; a folder that `datasets` saved to
disk (Arrow); a folder of such files; a collection by its name. Title and text are joined by a space, as in BEIR.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from harness.files import open_maybe_gzip, sha256, sha256_json

KINDS = (".txt", ".txt.gz", ".jsonl", ".jsonl.gz")


class Source(NamedTuple):
    """Text that can be read again and again."""

    name: str
    key: str  # hex sha256 of the content
    passages: Callable[[], Iterator[str]]


def text_sources(paths: Sequence[str]) -> list[Source]:
    """The sources at `paths`, files and folders; FileNotFoundError and ValueError say what is wrong with one."""
    found: list[Source] = []
    for path in map(Path, paths):
        if path.is_dir() and any(path.rglob("*.arrow")):
            found.append(_arrow(path))
        elif path.is_dir():
            files = sorted(file for file in path.iterdir() if file.name.endswith(KINDS))
            if not files:
                raise ValueError(
                    f"{path}: no text in this folder; expected files ending in {', '.join(KINDS)}, or Arrow"
                )
            found += [_file(file) for file in files]
        elif path.is_file():
            found.append(_file(path))
        else:
            raise FileNotFoundError(f"{path}: no such file or folder of text")
    return found


def collection_sources(names: Sequence[str], data_dirs: Sequence[Path]) -> list[Source]:
    """The documents of test collections, by dataset name. No query and no judgment is read."""
    from harness import datasets

    loaded = [datasets.load(name, data_dirs=data_dirs) for name in names]
    return [Source(one.name, one.collection_fingerprint(), partial(_documents, one.docs)) for one in loaded]


def combined_key(sources: Sequence[Source]) -> str:
    """One key for all of the text, in its order."""
    return sha256_json([source.key for source in sources])


def passages(sources: Sequence[Source]) -> Iterator[str]:
    """Every passage that is not blank, source after source."""
    for source in sources:
        for passage in source.passages():
            if passage := passage.strip():
                yield passage


def _documents(docs: Callable[[], Iterator[object]]) -> Iterator[str]:
    for doc in docs():
        yield doc.default_text()  # type: ignore[attr-defined]


def _file(path: Path) -> Source:
    if not path.name.endswith(KINDS):
        raise ValueError(f"{path}: unknown kind of text file; known: {', '.join(KINDS)}")
    read = _json_lines if ".jsonl" in path.name else _lines
    return Source(path.name, sha256(path), partial(read, path))


def _lines(path: Path) -> Iterator[str]:
    with open_maybe_gzip(path) as file:
        for number, line in enumerate(file, 1):
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}:{number}: not UTF-8 text ({error.reason})") from None


def _json_lines(path: Path) -> Iterator[str]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            yield _joined(record)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(
                f'{path}:{number}: expected a JSON object with a string "text" and perhaps a "title"'
            ) from None


def _joined(record: dict[str, str]) -> str:
    title, text = record.get("title") or "", record["text"]
    if not isinstance(text, str) or not isinstance(title, str):
        raise TypeError
    return f"{title} {text}".strip()


def _arrow(path: Path) -> Source:
    try:
        import datasets
    except ImportError as error:
        raise ImportError(f"{path} holds Arrow files; reading them needs `pip install datasets`") from error
    loaded = datasets.load_from_disk(str(path))
    parts = list(loaded.values()) if isinstance(loaded, datasets.DatasetDict) else [loaded]
    for part in parts:
        if "text" not in part.column_names:
            raise ValueError(f'{path}: no column "text"; columns: {", ".join(part.column_names)}')
    key = sha256_json([sha256(file) for file in sorted(path.rglob("*.arrow"))])
    return Source(path.name, key, lambda: (_joined(record) for part in parts for record in part))

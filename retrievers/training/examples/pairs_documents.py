"""Pairs of query and document made of the documents themselves, for collections without training queries.

    title           title → text
    first-sentence  first sentence → the rest of the text
    qa              a question, as title or as first sentence → what follows it

No judgment is read, and no query but to leave out pairs whose made query is an evaluation query of the collection.
The document of a pair never begins with its query.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from harness.datasets import load
from harness.files import open_maybe_gzip, sha256
from retrievers.training.examples.pairs import Examples, evaluation_queries, plain

Kind = Literal["title", "first-sentence", "qa"]
TitleAndText = tuple[str, str]
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")
QUERY_WORDS, DOC_WORDS = 3, 8  # a shorter query or document says too little


def pair_of(kind: Kind, title: str, text: str) -> tuple[str, str] | None:
    """The query and document that this document gives, None if it gives none."""
    if kind == "title":
        query, doc = title, text
    else:
        query, doc = first_sentence(text)
        if kind == "qa" and title.rstrip().endswith("?"):
            query, doc = title, text
        elif kind == "qa" and not query.endswith("?"):
            return None
    query, doc = query.strip(), doc.strip().removeprefix(query.strip()).strip()
    if len(query.split()) < QUERY_WORDS or len(doc.split()) < DOC_WORDS:
        return None
    return query, doc


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence and the rest, "" if there is one sentence only."""
    parts = SENTENCE_END.split(text.strip(), maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def document_pairs(
    kind: Kind, datasets: Sequence[str], texts: Sequence[str], data_dirs: Sequence[Path], download: bool
) -> Examples:
    """The pairs of all documents of the named collections and of the text files; ValueError if there are none."""
    made = Examples()
    for name in datasets:
        dataset = load(name, data_dirs, download=download)
        source = {"name": dataset.name.split("@")[0], "collection_sha256": dataset.collection_fingerprint()}
        held = evaluation_queries(dataset)[1]
        made.add(_pairs(kind, ((doc.doc_id, (doc.title, doc.text)) for doc in dataset.docs()), held, source))
    for path in map(Path, texts):
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file of text")
        numbered = ((f"{path.name}:{number}", pair) for number, pair in enumerate(read_texts(path), 1))
        made.add(_pairs(kind, numbered, set(), {"name": path.name, "sha256": sha256(path)}))
    if not made.queries:
        raise ValueError(f"--pairs {kind}: no document of {', '.join([*datasets, *texts])} gives such a pair")
    return made


def _pairs(kind: Kind, docs: Iterable[tuple[str, TitleAndText]], held: set[str], source: dict[str, str]) -> Examples:
    made, seen, left_out = Examples(), 0, 0
    for doc_id, (title, text) in docs:
        seen += 1
        pair = pair_of(kind, title, text)
        if pair is None:
            continue
        if plain(pair[0]) in held:
            left_out += 1
            continue
        made.positives.append([len(made.docs)])
        made.negatives.append([])
        made.query_ids.append(doc_id)
        made.doc_ids.append(doc_id)
        made.queries.append(pair[0])
        made.docs.append(pair[1])
    made.facts = [
        {
            **source,
            "pairs": kind,
            "documents": seen,
            "training_queries": len(made.queries),
            "left_out": {"also evaluation queries": left_out},
        }
    ]
    return made


def read_texts(path: Path) -> Iterator[TitleAndText]:
    """Title and text of each line of a file of text, .txt or .jsonl, perhaps .gz; ValueError names a line."""
    kinds: dict[str, Callable[[bytes], TitleAndText]] = {".txt": _plain_line, ".jsonl": _json_line}
    kind = next((kind for kind in kinds if path.name.removesuffix(".gz").endswith(kind)), None)
    if kind is None:
        raise ValueError(f"{path}: unknown kind of text file; known: .txt, .jsonl, both also as .gz")
    with open_maybe_gzip(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                if line.strip():
                    yield kinds[kind](line)
            except (ValueError, TypeError, KeyError):
                raise ValueError(
                    f'{path}:{number}: expected UTF-8, in .jsonl an object with a string "text" and perhaps "title"'
                ) from None


def _plain_line(line: bytes) -> TitleAndText:
    return "", line.decode()


def _json_line(line: bytes) -> TitleAndText:
    record = json.loads(line)
    title, text = record.get("title") or "", record["text"]
    if not isinstance(title, str) or not isinstance(text, str):
        raise TypeError
    return title, text

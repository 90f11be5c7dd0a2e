"""What a dataset's files hold, in numbers: counts and hashes, found in one pass and remembered while the files stay.

The memory is one small file per dataset in the cache, keyed by path, size and time of change of the three files, so
that a finished suite is recognised without reading a single collection. A cache that cannot be written only costs
time.
"""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.files import read_json, sha256_json, write_json
from harness.records import Qrel, Query

SCHEMA = 1  # part of the key: raise it when the meaning of a fact changes
FACTS = {"collection_sha256": str, "queries_sha256": str, "qrels_sha256": str} | dict.fromkeys(
    ("docs", "queries", "qrels", "unknown_docs"), int
)


def remembered(cache: Path, *files: Path) -> dict[str, Any] | None:
    """The facts about `files` (corpus, queries, qrels) that an earlier `remember` left, if the files are unchanged."""
    try:
        found = read_json(_memory(cache, files))
    except (OSError, ValueError):
        return None
    sound = isinstance(found, dict) and found.keys() == FACTS.keys()
    return found if sound and all(type(found[name]) is kind for name, kind in FACTS.items()) else None


def remember(cache: Path, facts: dict[str, Any], *files: Path) -> None:
    """Keep `facts` about `files`; does nothing where the cache is read-only or full."""
    with suppress(OSError):
        write_json(_memory(cache, files), facts)


def _memory(cache: Path, files: tuple[Path, ...]) -> Path:
    states = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return cache / "surveys" / f"{sha256_json([SCHEMA, states])}.json"


def survey(corpus: Path, queries: Path, qrels: Path) -> dict[str, Any]:
    """Read all three files to the end and check them against each other.

    collection_sha256 is that of the corpus's uncompressed bytes; queries_sha256 and qrels_sha256 are those of the
    judged queries and the judgments as read, whatever the file's quoting. unknown_docs counts the judged documents
    that the corpus lacks: CACM's published judgments have 46, so some are no error, but if no relevant one is known,
    BadInput.
    """
    from harness.data.beir_format import judged_queries, read_docs
    from harness.data.qrels import read_qrels

    judged = read_qrels(qrels)
    asked = judged_queries(queries, qrels)
    missing = {qrel.doc_id for qrel in judged}
    relevant = {qrel.doc_id for qrel in judged if qrel.relevance > 0}
    digest = hashlib.sha256()
    docs = 0
    for docs, doc in enumerate(read_docs(corpus, digest), 1):  # noqa: B007
        missing.discard(doc.doc_id)
    if relevant and relevant <= missing:
        example = min(relevant)
        what = f"no relevant document is in {corpus}, for example {example!r}: the files don't belong together"
        raise BadInput(qrels, None, what)
    return {
        "collection_sha256": digest.hexdigest(),
        **_hashes(asked, judged),
        "docs": docs,
        "queries": len(asked),
        "qrels": sum(qrel.relevance >= 0 for qrel in judged),
        "unknown_docs": len(missing),
    }


def judgments(queries: Path, qrels: Path) -> dict[str, str]:
    """queries_sha256 and qrels_sha256 as `survey` has them, without a look at the documents."""
    from harness.data.beir_format import judged_queries
    from harness.data.qrels import read_qrels

    return _hashes(judged_queries(queries, qrels), read_qrels(qrels))


def _hashes(asked: list[Query], judged: list[Qrel]) -> dict[str, str]:
    return {"queries_sha256": sha256_json(asked), "qrels_sha256": sha256_json(judged)}

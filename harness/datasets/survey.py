"""What a dataset's files hold, in numbers: counts and hashes, found in one pass and remembered while the files stay.

The memory is one small file per dataset in the cache, keyed by path, size, times and inode of the three files as they
were before they were read, so that a finished suite is recognised without reading a single collection. Times of change
can be set, and unpacking sets them; those of the inode can't. A cache that cannot be written only costs time.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

from harness.errors import BadInput
from harness.files import atomic_path, read_json, sha256_json, write_json
from harness.records import Qrel, Query

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1 << 16  # ids hashed at a time
CHECK = 4  # words of a sha256
SCHEMA = 2  # part of the key: raise it when the meaning of a fact changes
FACTS = {"collection_sha256": str, "records_sha256": str, "queries_sha256": str, "qrels_sha256": str} | dict.fromkeys(
    ("docs", "queries", "qrels", "unknown_docs"), int
)
OF_DOCUMENTS = ("collection_sha256", "records_sha256", "docs", "unknown_docs")  # None where there are no documents


def remembered(place: Path, documents: bool = True) -> dict[str, Any] | None:
    """The facts that an earlier `remember` left at what `memory` says of corpus, queries and qrels."""
    try:
        found = read_json(place)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.keys() != FACTS.keys():
        return None
    kinds = FACTS | ({} if documents else dict.fromkeys(OF_DOCUMENTS, NoneType))
    return found if all(type(found[name]) is kind for name, kind in kinds.items()) else None


def remember(place: Path, facts: dict[str, Any]) -> None:
    """Keep `facts` at what `memory` said before the files were read; nothing where the cache is read-only or full."""
    with suppress(OSError):
        write_json(place, facts)


def memory(cache: Path, files: Sequence[Path | None], ending: str = "json") -> Path:
    """Where facts about files, as they are now, are kept."""
    return cache / "surveys" / f"{sha256_json([SCHEMA, [file and _state(file) for file in files]])}.{ending}"


def _state(file: Path) -> list[Any]:
    try:
        facts = file.stat()
    except OSError:  # whoever reads it says what is wrong
        return [str(file)]
    return [str(file.resolve()), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def survey(
    cache: Path, corpus: Path | None, qrels: Path, asked: Sequence[Query], judged: Sequence[Qrel]
) -> dict[str, Any]:
    """Read the documents to the end and check them against queries and judgments, which are of the file `qrels`.

    collection_sha256 is that of the corpus's uncompressed bytes; records_sha256 that of its documents' ids, titles and
    texts, which is the same however a file spells them; queries_sha256 and qrels_sha256 are those of the
    judged queries and the judgments as read, whatever the file's quoting. unknown_docs counts the judged documents
    that the corpus lacks: CACM's published judgments have 46, so some are no error, but if no relevant one is known,
    BadInput. What is OF_DOCUMENTS is None without them, as nobody knows it. The hashes of the documents' ids are kept
    in the cache on the way.
    """
    import orjson

    from harness.datasets.sources.beir_format import read_docs

    rated = {"queries": len(asked), "qrels": sum(qrel.relevance >= 0 for qrel in judged)}
    if corpus is None:
        about = {"collection_sha256": None, "records_sha256": None, **hashes(asked, judged)}
        return {**about, "docs": None, **rated, "unknown_docs": None}
    missing = {qrel.doc_id for qrel in judged}
    relevant = {qrel.doc_id for qrel in judged if qrel.relevance > 0}
    digest, records, docs = hashlib.sha256(), hashlib.sha256(), 0
    kept = memory(cache, [corpus], "npy")

    def ids() -> Iterator[str]:
        nonlocal docs
        for docs, doc in enumerate(read_docs(corpus, digest), 1):  # noqa: B007
            missing.discard(doc.doc_id)
            records.update(orjson.dumps(tuple(doc)))
            yield doc.doc_id

    _keep(kept, hashed(ids()))
    if relevant and relevant <= missing:
        example = min(relevant)
        what = f"no relevant document is in {corpus}, for example {example!r}: the files don't belong together"
        raise BadInput(qrels, None, what)
    about = {"collection_sha256": digest.hexdigest(), "records_sha256": records.hexdigest(), **hashes(asked, judged)}
    return {**about, "docs": docs, **rated, "unknown_docs": len(missing)}


def id_hashes(cache: Path, corpus: Path) -> "np.ndarray":
    """(N,) uint64, ascending: `hash_texts` of the ids of all documents.

    They are kept in the cache, 8 bytes a document, while the file stays as it is.
    """
    import numpy as np

    from harness.datasets.sources.beir_format import read_docs

    kept = memory(cache, [corpus], "npy")
    with suppress(OSError, ValueError, EOFError):
        found = np.load(kept, allow_pickle=False, mmap_mode="r")
        if found.dtype == np.uint64 and found.ndim == 1 and np.array_equal(_check(found[:-CHECK]), found[-CHECK:]):
            return found[:-CHECK]
    return _keep(kept, hashed(doc.doc_id for doc in read_docs(corpus)))


def _keep(place: Path, found: "np.ndarray") -> "np.ndarray":
    import numpy as np

    with suppress(OSError), atomic_path(place) as temporary, open(temporary, "wb") as file:
        np.save(file, np.concatenate([found, _check(found)]))
    return found


def _check(found: "np.ndarray") -> "np.ndarray":
    """(CHECK,) uint64: the sha256 of the hashes, kept behind them; one that is damaged would be a foreign document."""
    import numpy as np

    return np.frombuffer(hashlib.sha256(np.ascontiguousarray(found).data).digest(), np.uint64)


def hashed(doc_ids: Iterable[str]) -> "np.ndarray":
    """(N,) uint64, ascending, each once: `hash_texts` of the ids."""
    import numpy as np
    import pyarrow as pa

    from harness.runs.text_hashes import hash_texts

    ids, parts = iter(doc_ids), []
    while block := list(islice(ids, BLOCK)):
        parts.append(hash_texts(pa.array(block, pa.large_string())))
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)


def hash_of_excluded(excluded: Mapping[str, Iterable[str]]) -> str:
    """Of which documents are no result of which query."""
    return sha256_json({query_id: sorted(doc_ids) for query_id, doc_ids in excluded.items()})


def hashes(asked: Sequence[Query], judged: Sequence[Qrel]) -> dict[str, str]:
    """queries_sha256 and qrels_sha256 of judged queries and judgments."""
    return {"queries_sha256": sha256_json(asked), "qrels_sha256": sha256_json(judged)}

"""The toy collection with texts that are no English, and as parquet files as MTEB has them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import toy

TEXTS = {"d6": "東京の空は青い", "d7": "القاهرة مدينة كبيرة", "d8": 'a "quoted" word'}
DOCS = [*toy.DOCS, *({"_id": name, "title": "", "text": text} for name, text in TEXTS.items())]
QUERIES = {**toy.QUERIES, "日本": "東京 空"}
QRELS = [*toy.QRELS, ("日本", "d6", 1)]


def parquet(folder: Path, extra: dict | None = None, **columns: str) -> Path:
    tables = {
        "corpus/corpus-00000-of-00001": {"_id": [d["_id"] for d in DOCS], "title": [d["title"] for d in DOCS],
                                         "text": [d["text"] for d in DOCS]},
        "queries/queries-00000-of-00001": {"_id": list(QUERIES), "text": list(QUERIES.values()), **(extra or {})},
        "data/test-00000-of-00001": {"query-id": [q for q, _, _ in QRELS], "corpus-id": [d for _, d, _ in QRELS],
                                     "score": [float(g) for _, _, g in QRELS]},
    }  # fmt: skip
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({columns.get(key, key): value for key, value in table.items()}), path)
    return folder

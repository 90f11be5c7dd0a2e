"""Candidates of the exact search on an accelerator, whose own top-k is fast: the best few more than k, and a
certificate.

The k + SLACK best approximations of a query hold every document of its exact top k if the last of them lies below the
k-th best by more than the margin (`exact_margin`). Queries for which it does not are searched again with more.
"""

import numpy as np
import torch

from retrievers.search.device_tiles import gathered, in_tiles, loaded
from retrievers.search.exact_margin import FIRST, First, double_margins, fitting
from retrievers.search.vector_store import VectorStore

SLACK = 1.25  # candidates per document asked for
BLOCK_BYTES = 1 << 30  # of approximate scores at a time


def collect(
    queries: np.ndarray, store: VectorStore, k: int, device: torch.device, first: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (Q, C) of candidates, ascending, with how many of each are valid (Q,); all of the exact top k are there."""
    chosen = FIRST[first] if first != "auto" else _precision(queries, store, device)
    stored = torch.from_numpy(store.shards[0].field()[:0]).dtype == chosen.dtype
    margins = double_margins(queries, store.norm, chosen, stored)
    wanted = min(store.docs, int(k * SLACK) + 64)
    rows, values = _best(queries, store, wanted, device, chosen)
    kth = values[:, k - 1].astype(np.float64)
    limits = kth - margins - 2.1 * chosen.unit * (np.abs(kth) + margins)
    found = [row[value >= limit] for row, value, limit in zip(rows, values, limits, strict=True)]
    while wanted < store.docs:
        open_ended = [query for query, row in enumerate(found) if len(row) == wanted]
        if not open_ended:
            break
        wanted = min(store.docs, wanted * 4)
        rows, values = _best(queries[open_ended], store, wanted, device, chosen)
        for at, query in enumerate(open_ended):
            found[query] = rows[at][values[at] >= limits[query]]
    counts = np.array([len(row) for row in found], np.int64)
    padded = np.zeros((len(found), int(counts.max(initial=1))), np.int32)
    for query, row in enumerate(found):
        padded[query, : len(row)] = np.sort(row)
    return padded, counts


def _precision(queries: np.ndarray, store: VectorStore, device: torch.device) -> First:
    """fp16 on an accelerator, whose matrix units sum it in fp32, unless scores could overflow it."""
    for name in ("fp16", "bf16", "fp32"):
        if fitting(queries, store.norm, FIRST[name]) and (device.type != "cpu" or name == "fp32"):
            return FIRST[name]
    raise ValueError(f"vectors of norm {store.norm:.3g} and more overflow fp32 scores: normalise them")


def _best(
    queries: np.ndarray, store: VectorStore, wanted: int, device: torch.device, first: First
) -> tuple[np.ndarray, np.ndarray]:
    """The `wanted` best approximations of each query: rows (Q, wanted) and values fp32 (Q, wanted)."""
    return gathered(len(queries), wanted, lambda part: _at_once(queries[part], store, wanted, device, first))


def _at_once(
    queries: np.ndarray, store: VectorStore, wanted: int, device: torch.device, first: First
) -> tuple[np.ndarray, np.ndarray]:
    asked = torch.from_numpy(queries).to(device, first.dtype)  # (Q, dim)
    tile = max(1, BLOCK_BYTES // (4 * (store.shard_docs + wanted)))
    values = torch.full((len(queries), wanted), -torch.inf, device=device)
    rows = torch.zeros((len(queries), wanted), dtype=torch.int32, device=device)
    for shard in store.shards:
        field = torch.from_numpy(shard.field())

        def load(part: slice, field: torch.Tensor = field) -> torch.Tensor:
            return field[part].to(device).to(first.dtype)  # (documents, dim)

        for part, vectors in loaded(shard.docs, load):
            numbers = torch.arange(shard.first + part.start, shard.first + part.stop, dtype=torch.int32, device=device)

            def merge(tile: slice, vectors: torch.Tensor = vectors, numbers: torch.Tensor = numbers) -> None:
                keep_best(asked[tile], vectors, numbers, values[tile], rows[tile])

            tile = in_tiles(len(queries), tile, merge)
    return rows.cpu().numpy(), values.cpu().numpy()


def keep_best(
    asked: torch.Tensor, docs: torch.Tensor, numbers: torch.Tensor, values: torch.Tensor, rows: torch.Tensor
) -> None:
    """Merge the scores of `docs` (N, dim), whose rows are `numbers` (N,), into the best of each query, in place.

    `values` and `rows` are (Q, wanted). Nothing is changed before all memory is there.
    """
    scores = (asked @ docs.T).float()
    top = torch.cat([values, scores], 1).topk(values.shape[1], dim=1)
    best = torch.cat([rows, numbers.expand(len(scores), -1)], 1).gather(1, top.indices)
    values.copy_(top.values)
    rows.copy_(best)

"""Candidates of the joint search on an accelerator, for which Eq. 12 is one product of d' + V numbers.

A shard's sparse rows are spread out into a dense matrix there, a waste that matrix units are fast enough for. As in
`device_candidates`, a query's best few more than k by approximate score hold its exact top k where the last of them
lies below the k-th by more than a margin, and queries for which it does not are searched again with more.

Let q be a query's d' + V numbers, scaled by a factor of its own so that no score overflows, q' the same in fp16, the
documents' precision, v = 2^-11 its rounding, and D, W the largest norms of the documents' two parts. With
S = |h_q| D + sqrt(k) max |mu_q| W, which bounds a score (`joint_search`), |approximation - score| is at most

    |h_q - h_q'| D + sqrt(k) max |mu_q - mu_q'| W     rounding the query
  + gamma_2n S', n = d' + k, S' the S of q'           an fp32 sum of n numbers that are not 0, pairs rounded twice
  + v S' + 2^-24                                      rounding the sum to fp16
  + 4 2^-24 S                                         rounding of the exact score, of the scaling and of thresholds

In fp32, which a CPU takes, the first and the third are 0.
"""

import numpy as np
import torch
from torch import Tensor

from retrievers.search.device_candidates import keep_best
from retrievers.search.device_tiles import gathered, in_tiles, loaded
from retrievers.search.exact_margin import UNIT, norms
from retrievers.search.joint_queries import LARGEST_SCORE, JointQueries, gamma
from retrievers.search.joint_store import JointStore, sparse_rows
from retrievers.search.vector_store import Shard

ROUNDING = {torch.float16: 2.0**-11, torch.float32: 0.0}
LARGEST = 30000.0  # of a scaled score: half of what fp16 holds
WANTED = 1.5  # candidates per document asked for at first
BLOCK_BYTES = 1 << 30  # of approximate scores at a time


def collect(
    queries: JointQueries, store: JointStore, k: int, device: torch.device, dtype: torch.dtype | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (Q, C) of candidates, ascending, with how many of each are valid (Q,); all of the exact top k are there.

    `dtype` is fp16, the default on an accelerator, or fp32.
    """
    dtype = dtype or (torch.float32 if device.type == "cpu" else torch.float16)
    asked, margins = _scaled(queries, store, dtype)
    found: list[np.ndarray] = [np.empty(0, np.int32)] * len(asked)
    wanted, open_ended = min(store.docs, int(WANTED * k) + 64), np.arange(len(asked))
    while len(open_ended):
        rows, values = _best(asked[open_ended], queries.dense.shape[1], store, wanted, device)
        limits = values[:, k - 1].astype(np.float64) - margins[open_ended]
        for query, row, value, limit in zip(open_ended, rows, values, limits, strict=True):
            found[query] = np.sort(row[value >= limit])
        if wanted == store.docs:
            break
        open_ended = np.array([query for query in open_ended if len(found[query]) == wanted], np.int64)
        wanted = min(store.docs, wanted * 4)
    counts = np.array([len(row) for row in found], np.int64)
    padded = np.zeros((len(found), int(counts.max(initial=1))), np.int32)
    for place, row in enumerate(found):
        padded[place, : len(row)] = row
    return padded, counts


def _scaled(queries: JointQueries, store: JointStore, dtype: torch.dtype) -> tuple[Tensor, np.ndarray]:
    """The queries (Q, d' + V), scaled, in `dtype`, and twice the error bound of the module's text (Q,)."""
    width = queries.dense.shape[1]
    longest, heaviest = (store.norm if width else 0.0) * (1 + 2.0**-40), store.k**0.5 * store.sparse_norm

    def sizes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return norms(rows[:, :width]) * longest, np.abs(rows[:, width:]).max(axis=1, initial=0.0) * heaviest

    rows = np.concatenate(queries, axis=1)  # (Q, d' + V)
    size = np.add(*sizes(rows))
    if size.max(initial=0.0) > LARGEST_SCORE:
        raise ValueError(f"vectors of norm {max(longest, heaviest):.3g} and more overflow fp32 scores")
    largest = np.abs(rows).max(axis=1, initial=0.0).astype(np.float64)
    with np.errstate(divide="ignore"):
        factors = np.minimum(1 / largest, LARGEST / size)
    factors = np.where(np.isfinite(factors) & (factors < 1e30), factors, 1.0)
    scaled = (rows * factors[:, None]).astype(np.float32)
    asked = torch.from_numpy(scaled).to(dtype)
    rounded = asked.float().numpy()
    dense, sparse = sizes(rounded)
    moved = np.add(*sizes(scaled - rounded))
    terms, v = 2 * (width + store.k), ROUNDING[dtype]
    underflow = terms * 2.0**-125 * (1 + longest + heaviest) + UNIT
    return asked, 2 * (moved + (gamma(terms) + v + 4 * UNIT) * (dense + sparse) + 4 * UNIT * moved + underflow)


def _best(
    asked: Tensor, width: int, store: JointStore, wanted: int, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """The `wanted` best approximations of each query: rows (Q, wanted) and values fp32 (Q, wanted)."""
    return gathered(len(asked), wanted, lambda part: _at_once(asked[part], width, store, wanted, device))


def _at_once(
    asked: Tensor, width: int, store: JointStore, wanted: int, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    asked = asked.to(device)
    tile = max(1, BLOCK_BYTES // (4 * (store.shard_docs + wanted)))
    values = torch.full((len(asked), wanted), -torch.inf, device=device)
    rows = torch.zeros((len(asked), wanted), dtype=torch.int32, device=device)
    for shard in store.shards:

        def load(part: slice, shard: Shard = shard) -> Tensor:
            return _spread(shard, part, width, asked.shape[1], device, asked.dtype)

        for part, docs in loaded(shard.docs, load):
            numbers = torch.arange(shard.first + part.start, shard.first + part.stop, dtype=torch.int32, device=device)

            def merge(tile: slice, docs: Tensor = docs, numbers: Tensor = numbers) -> None:
                keep_best(asked[tile], docs, numbers, values[tile], rows[tile])

            tile = in_tiles(len(asked), tile, merge)
    return rows.cpu().numpy(), values.cpu().numpy()


def _spread(shard: Shard, part: slice, width: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Some documents of a shard as a dense matrix (N, d' + V)."""
    entries, weights = sparse_rows(shard, part)
    docs = torch.zeros((len(entries), size), dtype=dtype, device=device)
    docs[:, :width] = torch.from_numpy(shard.field()[part])[:, :width].to(device)
    places = torch.from_numpy(entries.astype(np.int64)).to(device) + width
    return docs.scatter_add_(1, places, torch.from_numpy(weights).to(device, dtype))  # entry 0 of weight 0 adds nothing

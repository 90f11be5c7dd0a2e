"""How far an approximate score may lie from the exact one: the proof that the exact search misses nothing.

Let u = 2^-24, n the dimension, q a query, D the largest norm of a document, e = q.d in exact arithmetic, s the score
of the pair (`exact_sums.dot`) and a its approximation by a matrix product.

  1. An fp32 sum of products in any order, with or without fused multiply-add, has |a - e| <= gamma_n sum |q_j d_j| with
     gamma_n = nu / (1 - nu) (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. 3.5), and the sum
     is at most |q| D (Cauchy-Schwarz). What underflows adds at most n 2^-125.
  2. |s - e| <= 2u |q| D: one rounding to fp32 and a much smaller fp64 sum's error. The thresholds' own rounding adds
     2u.
  3. Where half precision goes first, q and d are rounded to q' and d', and |q'.d' - e| <= |q - q'| |d'| + |q| |d - d'|;
     |q - q'| is computed, |d - d'| is 0 where documents are stored in that format and at most v |d| otherwise, with
     v = 2^-8 for bf16 and 2^-11 for fp16. gamma_2n stands for gamma_n, as instructions that take pairs may round twice.
  4. Half precision then rounds the fp32 sum once. Rounding is monotone, so it shifts a threshold t by at most v |t|
     up and down, which the search adds to the margin for each threshold; subnormals add half their spacing.

So before the rounding of 4 |a - s| <= epsilon, the sum of 1 to 3. The k best approximations seen so far have
s >= a_(k) - epsilon each; a document of the final top k has an s at least as high, hence a >= a_(k) - 2 epsilon. What
lies below may be dropped at any time. `double_margins` is 2 epsilon.

Tried on paper and left out: int8 first. At 768 dimensions |d - d'| is about .0075 |d| for random vectors, and a 2
epsilon of .03 |q| D lets 6 % of them through to be scored exactly, which costs more than the product saves.
"""

from typing import NamedTuple

import numpy as np
import torch

UNIT = 2.0**-24  # of fp32


class First(NamedTuple):
    """A precision of the first product: torch's types, its number in `exact_kernels`, and its rounding."""

    dtype: torch.dtype
    bits: torch.dtype
    kind: int
    unit: float  # largest relative error of rounding an fp32 number to it
    tiny: float  # spacing of its subnormal numbers
    largest: float


FIRST = {
    "fp32": First(torch.float32, torch.int32, 0, 0.0, 2.0**-149, 3.0e38),
    "bf16": First(torch.bfloat16, torch.int16, 1, 2.0**-8, 2.0**-133, 3.0e38),
    "fp16": First(torch.float16, torch.int16, 2, 2.0**-11, 2.0**-24, 65000.0),
}


def norms(vectors: np.ndarray) -> np.ndarray:
    """Euclidean norms (Q,) of the rows, in float64 and not below the true ones."""
    exact = vectors.astype(np.float64)
    return np.sqrt(np.einsum("ij,ij->i", exact, exact)) * (1 + 2.0**-40)


def sum_slack(queries: np.ndarray, longest: float) -> np.ndarray:
    """How far fp64 sums of one pair's products in two orders may lie apart, fp64 (Q,); `longest` as in `fitting`.

    Each is within gamma_n |q| D of the exact sum (1. with u = 2^-53); twice that, and as much again to be safe.
    """
    return norms(queries) * max(longest, 0.0) * ((queries.shape[1] + 4) * 2.0**-51)


def fitting(queries: np.ndarray, longest: float, first: First) -> bool:
    """Whether no product with documents of norm at most `longest` overflows `first`."""
    lengths = norms(queries)
    return bool(max(longest, lengths.max(initial=0.0), longest * lengths.max(initial=0.0)) < first.largest / 2)


def double_margins(queries: np.ndarray, longest: float, first: First, stored: bool) -> np.ndarray:
    """2 epsilon (Q,) of the module's text for `queries` fp32 (Q, n); `stored`: documents are in that format already."""
    n = queries.shape[1]
    length, longest = norms(queries), longest * (1 + 2.0**-40)
    if first.unit == 0:
        terms = n
        moved_query = moved_doc = np.zeros(1)
    else:
        terms = 2 * n
        rounded = torch.from_numpy(queries).to(first.dtype).float().numpy()
        moved_query = norms(queries.astype(np.float64) - rounded)
        moved_doc = np.zeros(1) if stored else np.array([first.unit * longest + n**0.5 * first.tiny])
    gamma = terms * UNIT / (1 - terms * UNIT)
    summed = gamma * (length + moved_query) * (longest + moved_doc)
    rounding = moved_query * (longest + moved_doc) + length * moved_doc
    underflow = n * 2.0**-125 * (1 + length + longest) + first.tiny
    return 2 * (summed + rounding + 4 * UNIT * length * longest + underflow)

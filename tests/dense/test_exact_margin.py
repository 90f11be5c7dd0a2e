"""The proven margin covers what products in each precision really do, and the keys order floats as floats."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.search.exact_kernels import as_float, least_key
from retrievers.search.exact_margin import FIRST, double_margins, fitting, norms


@pytest.mark.parametrize("name", list(FIRST))
@pytest.mark.parametrize("dim", [5, 384, 2048])
@pytest.mark.parametrize("signs", ["mixed", "positive"])
def test_products_stay_within_the_margin(name: str, dim: int, signs: str) -> None:
    draw = np.random.default_rng(dim)
    queries, docs = (draw.standard_normal((n, dim)).astype(np.float32) for n in (40, 300))
    if signs == "positive":  # the worst case of rounding: errors of one sign add up
        queries, docs = abs(queries), abs(docs)
    first = FIRST[name]
    product = torch.from_numpy(queries).to(first.dtype) @ torch.from_numpy(docs).to(first.dtype).T
    exact = queries.astype(np.float64) @ docs.astype(np.float64).T
    margins = double_margins(queries, float(norms(docs).max()), first, stored=False)
    allowed = margins[:, None] / 2 + first.unit * (abs(exact) + margins[:, None])
    assert (abs(product.double().numpy() - exact) <= allowed).all()


@pytest.mark.parametrize(
    ("name", "longest", "fits"),
    [("fp16", 100.0, True), ("fp16", 40_000.0, False), ("bf16", 1e30, True), ("fp32", 1e38, False)],
)
def test_what_overflows(name: str, longest: float, fits: bool) -> None:
    assert fitting(np.ones((3, 4), np.float32), longest, FIRST[name]) is fits


@pytest.mark.parametrize("name", list(FIRST))
@settings(max_examples=100, deadline=None)
@given(value=st.floats(-60_000, 60_000, width=32))
def test_least_key_is_the_ceiling_of_its_format(name: str, value: float) -> None:
    kind, dtype = FIRST[name].kind, FIRST[name].dtype
    key = least_key(value, kind)
    assert as_float(key, kind) >= value > as_float(key - 1, kind) or as_float(key, kind) == value == 0.0
    bits = int(torch.tensor(as_float(key, kind)).to(dtype).view(FIRST[name].bits))
    assert float(torch.tensor(bits, dtype=FIRST[name].bits).view(dtype)) == as_float(key, kind)


@pytest.mark.parametrize("name", list(FIRST))
def test_keys_are_ordered_as_the_floats(name: str) -> None:
    first = FIRST[name]
    values = torch.randn(500).to(first.dtype)
    bits = values.view(first.bits).numpy().astype(np.int64)
    width = 31 if first.kind == 0 else 15
    keys = bits ^ ((bits >> width) & (2**width - 1))
    assert [as_float(int(key), first.kind) for key in keys] == values.tolist()
    assert sorted(values.tolist()) == [as_float(int(key), first.kind) for key in np.sort(keys)]

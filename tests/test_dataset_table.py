"""The table of test collections: complete, consistent with the registry, and light to read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.datasets.dataset_table import Row, expand, groups, rows


def test_table_holds_what_the_benchmark_needs() -> None:
    units = {
        name: len({rows()[member].unit for member in members})
        for name, members in groups().items()
        if set(members) <= rows().keys()
    }
    assert units == {"beir": 18, "beir-public": 14, "msmarco": 3, "all": 21, "cqadupstack": 1}
    assert len(groups()["cqadupstack"]) == 12
    assert rows()["cqadupstack-gis"].groups == ("beir", "beir-public", "all", "cqadupstack")
    assert (rows()["bioasq"].groups, rows()["sample"].groups) == (("beir", "all"), ())
    assert {name for name, row in rows().items() if row.exclude_self} == {"arguana", "quora"}
    assert {name for name, row in rows().items() if row.relevance_level == 2} == {"trec-dl-2019", "trec-dl-2020"}
    assert {name for name, row in rows().items() if row.measure == "mrr@10"} == {"msmarco-dev"}
    assert [(rows()[name].split, rows()[name].queries) for name in groups()["msmarco"]] == [
        ("dev", 6980),
        ("test", 43),
        ("dl20", 54),
    ]


@pytest.mark.parametrize("row", rows().values(), ids=lambda row: row.name)
def test_every_row_can_be_had(row: Row) -> None:
    assert row.version and row.licence
    assert bool(row.url) != bool(row.obtain), "either an address or a way to obtain it"
    assert (len(row.md5) == 32) == bool(row.url)
    assert all(len(file.md5) == 32 and file.url.startswith("https://") for file in row.files)


def test_counts_are_those_of_the_registry(shared: Path) -> None:
    lines = (shared / "reference" / "beir_registry_counts.tsv").read_text().splitlines()[1:]
    for name, topics, _, judgments, _ in (line.split("\t") for line in lines):
        row = rows()[name]
        assert row.queries == int(topics), name
        if name != "webis-touche2020":  # the registry keeps its 932 positive judgments only
            assert row.qrels == (int(judgments) if judgments else None), name


@pytest.mark.parametrize(
    ("names", "expanded"),
    [
        (["scifact", "arguana"], ["arguana", "scifact"]),  # the order of the table
        (["msmarco", "trec-dl-2019"], ["msmarco-dev", "trec-dl-2019", "trec-dl-2020"]),
        (["./own", "scifact", "./own", "scifact@train"], ["scifact", "./own", "scifact@train"]),
        ([], []),
    ],
)
def test_expand(names: list[str], expanded: list[str]) -> None:
    assert expand(names) == expanded


def test_the_table_is_read_without_heavy_imports() -> None:
    heavy = "numpy", "orjson", "requests", "tqdm"
    code = f"import sys, harness.datasets as d; d.rows(); print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert out.stdout.strip() == "[]"

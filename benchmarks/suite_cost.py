"""What the whole benchmark costs on paper: documents, tokens, arithmetic, hours on 1, 8 and 64 devices, disk.

    python benchmarks/suite_cost.py                              BERT base at the rate of this machine's fp32 product
    python benchmarks/suite_cost.py --rate 400 --share 0.5       a GPU whose bf16 product reaches 400 TFLOP/s

Nothing is downloaded and nothing run but one matrix product. Encoding counts 2 operations a parameter of the layers and
token, and attention; search counts the products of all pairs. `--share` is the part of the product's rate that encoding
reaches: benchmarks/encode.py measures it. Work divides by shards of 4,096 documents, so the time on n devices is that
of the device with the most shards, dataset after dataset. Collections that share their documents (MS MARCO dev, DL19
and DL20) count once. Loading models, reading and scoring are left out.
"""

import argparse
import time
from math import ceil

from harness.datasets.dataset_table import Row, groups, rows

SHARD = 4096
TOKENS_A_WORD = 1.35
# Documents where the table has none, and mean words a document: Table 1 of Thakur et al. 2021 (BEIR).
DOCS = {"bioasq": 14_914_602, "signal1m": 2_866_316, "trec-news": 594_977, "robust04": 528_155}
WORDS = {
    "trec-covid": 160.77, "bioasq": 202.61, "nfcorpus": 232.26, "nq": 78.88, "hotpotqa": 46.30, "fiqa": 132.32,
    "signal1m": 13.93, "trec-news": 634.79, "robust04": 466.40, "arguana": 166.80, "webis-touche2020": 292.37,
    "cqadupstack": 129.09, "quora": 11.44, "dbpedia-entity": 49.68, "scidocs": 176.19, "fever": 84.76,
    "climate-fever": 84.76, "scifact": 213.63, "msmarco": 55.98,
}  # fmt: skip


def measured_rate() -> float:
    """TFLOP/s of an fp32 product here, the best of five."""
    import torch

    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        torch.mm(left, right)
        seconds.append(time.perf_counter() - begun)
    return 2 * 2048**3 / min(seconds) / 1e12


def operations(row: Row, a: argparse.Namespace) -> tuple[int, float, float, float]:
    """Documents, tokens, operations of encoding and of search of one dataset."""
    docs = row.docs or DOCS[row.name]
    length = min(a.length, WORDS[row.archive if row.archive in WORDS else row.name] * TOKENS_A_WORD + 2)
    per_token = 2 * a.layers * 12 * a.dim**2 + 4 * a.layers * a.dim * length
    return docs, docs * length, docs * length * per_token, 2.0 * docs * (row.queries or 0) * a.dim


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, help="TFLOP/s of a product on one device (default: measured here)")
    parser.add_argument("--share", type=float, default=0.67, help="part of it that encoding reaches")
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--length", type=int, default=512, help="tokens at which documents are cut")
    parser.add_argument("--group", default="all")
    a = parser.parse_args()
    rate = a.rate or measured_rate()
    print(f"{a.layers} x {a.dim}, {rate:.3g} TFLOP/s, share {a.share:.0%}; hours on {a.devices} devices")
    hours = "".join(f"{f'{count} dev.':>10}" for count in a.devices)
    print(f"{'dataset':<26}{'docs':>12}{'M tokens':>10}{'encode PF':>11}{'search PF':>11}{'disk GB':>9}{hours}")
    total, sums, seen = [0.0] * 5, [0.0] * len(a.devices), set[str]()
    for name in groups()[a.group]:
        row = rows()[name]
        docs, tokens, encode, search = operations(row, a)
        new = row.folder not in seen  # the same documents are encoded once
        seen.add(row.folder)
        spent = []
        for count in a.devices:
            shards = ceil(docs / SHARD)
            share = ceil(shards / count) / shards * encode * new + search  # the search is one device's
            spent.append(share / (rate * 1e12 * a.share) / 3600)
        sums = [x + y for x, y in zip(sums, spent, strict=True)]
        line = [docs * new, tokens * new / 1e6, encode * new / 1e15, search / 1e15, docs * new * a.dim * 2 / 1e9]
        total = [x + y for x, y in zip(total, line, strict=True)]
        print_line(name, line, spent)
    print_line("all", total, sums)


def print_line(name: str, line: list[float], spent: list[float]) -> None:
    docs, tokens, encode, search, disk = line
    hours = "".join(f"{one:>10.3f}" for one in spent)
    print(f"{name:<26}{docs:>12,.0f}{tokens:>10,.0f}{encode:>11,.1f}{search:>11,.2f}{disk:>9.2f}{hours}")


if __name__ == "__main__":
    main()

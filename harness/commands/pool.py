"""`beir-harness pool`: which documents to judge next."""

import argparse
import json
from pathlib import Path

from harness.commands import options

HELP = "print the unjudged documents that the systems rank highest: what to judge next"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of which dataset and systems, how deep, how many."""
    parser.add_argument("--dataset", required=True, metavar="NAME", help="a dataset that has results")
    parser.add_argument("--system", action="append", default=[], metavar="TAG", help="only these; may be repeated")
    parser.add_argument("--depth", type=int, default=10, metavar="K", help="documents of each query (default: 10)")
    parser.add_argument("--most", type=int, metavar="N", help="print only the first N")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write to a file instead of the terminal")
    options.add_results(parser)
    options.add_data(parser)


def main(arguments: argparse.Namespace) -> int:
    """Print query, document, weight and number of systems, what weighs most first; returns 0."""
    from harness import datasets, files, results
    from harness.errors import HarnessError
    from harness.views import pooling
    from harness.views.query_browser import dataset_of

    if arguments.depth < 1 or (arguments.most is not None and arguments.most < 1):
        raise HarnessError("--depth and --most are whole numbers from 1")
    found, _ = results.read(options.results_folder(arguments))
    folders = options.data_folders(arguments)
    chosen = results.select(found, [datasets.name_of(arguments.dataset, folders)], arguments.system)
    dataset = dataset_of(chosen[0], folders, arguments.dataset, download=not arguments.offline, texts=False)
    listed = pooling.unjudged(dataset, chosen, arguments.depth)[: arguments.most]
    if arguments.json:
        text = json.dumps([one._asdict() for one in listed], indent=1, ensure_ascii=False) + "\n"
    else:
        rows = [f"{one.query_id}\t{one.doc_id}\t{one.weight:.6f}\t{one.systems}\n" for one in listed]
        text = "".join(["query_id\tdoc_id\tweight\tsystems\n", *rows])
    if arguments.output:
        files.write_bytes(arguments.output, text.encode())
        print(arguments.output)
    else:
        print(text, end="")
    return 0

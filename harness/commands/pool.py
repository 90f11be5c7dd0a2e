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


def main(args: argparse.Namespace) -> int:
    """Print query, document, weight and number of systems, what weighs most first; returns 0."""
    from harness import datasets, files, results
    from harness.errors import HarnessError
    from harness.views import pooling
    from harness.views.query_browser import dataset_of

    if args.depth < 1 or (args.most is not None and args.most < 1):
        raise HarnessError("--depth and --most are whole numbers from 1")
    found, _ = results.read(options.results_folder(args))
    folders = options.data_folders(args)
    chosen = results.select(found, [datasets.name_of(args.dataset, folders)], args.system)
    dataset = dataset_of(chosen[0], folders, args.dataset, download=not args.offline, texts=False)
    listed = pooling.unjudged(dataset, chosen, args.depth)[: args.most]
    if args.json:
        text = json.dumps([one._asdict() for one in listed], indent=1, ensure_ascii=False) + "\n"
    else:
        rows = [f"{one.query_id}\t{one.doc_id}\t{one.weight:.6f}\t{one.systems}\n" for one in listed]
        text = "".join(["query_id\tdoc_id\tweight\tsystems\n", *rows])
    if args.output:
        files.write_bytes(args.output, text.encode())
        print(args.output)
    else:
        print(text, end="")
    return 0

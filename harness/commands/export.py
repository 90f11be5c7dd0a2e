"""`beir-harness export`: results in the formats of other tools."""

import argparse
from pathlib import Path

from harness.commands import options

HELP = "write results for other tools: MTEB's JSON and predictions, TREC run files, scores as ir_measures prints them"
FORMS = ("mteb", "trec", "ir-measures", "ir-metadata", "mteb-predictions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which results, in which form, where to."""
    parser.add_argument("--format", choices=FORMS, required=True, help="one file per system and dataset")
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="files go to DIR/TAG")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only these; or a group")
    parser.add_argument("--system", action="append", default=[], metavar="TAG", help="only these; may be repeated")
    options.add_measures(parser, "all that were scored")
    options.add_results(parser)


def main(args: argparse.Namespace) -> int:
    """Write the files and say what could not be written; returns 1 if there was nothing to write."""
    import sys

    from harness import results
    from harness.results import exchange

    if args.format not in ("mteb", "ir-measures"):
        options.refuse(args, add_arguments, ("measure",), "a run file holds no scores of a measure")
    found, _ = results.read(options.results_folder(args))
    chosen = results.select(found, args.dataset, args.system)
    written, notes = exchange.export(chosen, args.format, args.output, options.measures(args))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    for path in written:
        print(path)
    return 0 if written else 1

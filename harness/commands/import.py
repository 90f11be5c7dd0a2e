# ruff: noqa: N999 - the module is named as its command
"""`beir-harness import`: means from MTEB result files join the report, for what they are."""

import argparse
from pathlib import Path

from harness.commands import options

HELP = "take over means from MTEB's result JSON; they are shown, but not tested"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files and the name they get."""
    parser.add_argument("file", nargs="+", type=Path, help="result files of one system; run files go through `score`")
    parser.add_argument("--tag", required=True, help="the system's name in tables")
    parser.add_argument("--overwrite", action="store_true", help="replace other means of that tag")
    options.add_results(parser)


def main(args: argparse.Namespace) -> int:
    """File the means and print what they are; returns 0."""
    from harness.measures import display
    from harness.results import means

    with options.results_written(args) as folder:
        for path in args.file:
            for one in means.import_mteb(path, args.tag, folder, args.overwrite):
                scores = ", ".join(f"{display(measure)} {value:.4f}" for measure, value in one.scores.items())
                print(f"{one.tag} on {one.dataset}: {scores}")
    print("means only: shown without tests, marks or ranks")
    return 0

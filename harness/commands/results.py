"""`beir-harness results`: give results another name, or remove them."""

import argparse
import json
import sys

from harness.commands import options

HELP = "rename or remove results; `list results` shows them"
EPILOG = """examples:
  beir-harness results rename mine-v2 mine
  beir-harness results remove mine --dataset scifact"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which system, on which datasets."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=["rename", "remove"])
    parser.add_argument("tag", help="the system, as `list results` has it")
    parser.add_argument("new", nargs="?", help="rename: its new name")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only there; may be repeated")
    parser.add_argument("--json", action="store_true", help="print what was removed, or where it lies now, as JSON")
    options.add_results(parser)


def main(args: argparse.Namespace) -> int:
    """Print the places; returns 0."""
    from harness import paths
    from harness.errors import HarnessError
    from harness.running import filing

    if (args.what == "rename") != (args.new is not None):
        raise HarnessError("rename takes two names, `results rename OLD NEW`; remove takes one")
    if isinstance(args.results or paths.results_dir(), str):
        raise HarnessError("results behind a URL are removed and renamed there, not in their mirror")
    folder = options.results_folder(args)
    if args.what == "rename":
        places, notes = filing.rename(folder, args.tag, args.new, args.dataset)
    else:
        places, notes = filing.remove(folder, args.tag, args.dataset)
    if args.json:
        print(json.dumps([str(path) for path in places], indent=2, ensure_ascii=False))
    else:
        print("\n".join(f"{'removed ' * (args.what == 'remove')}{path}" for path in places))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return 0

"""`beir-harness plot`: one figure as a file."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import options
from harness.commands.leaderboard import add_test

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness.results import Result

HELP = "draw a figure of the results as PNG, SVG or PDF"
KINDS = ("leaderboard", "differences", "cd", "pareto", "pairs", "queries")
UNUSED = {  # options that a figure does not look at
    "leaderboard": ("baseline", "correction", "cost"),
    "differences": ("cost",),
    "cd": ("baseline", "test", "correction", "cost"),
    "pareto": ("baseline", "test", "correction", "alpha"),
    "pairs": ("baseline", "cost"),
    "queries": ("correction", "cost"),
}
EPILOG = """figures:
  leaderboard  systems with averages, or on one --dataset with intervals
  differences  --system minus --baseline on every dataset, or on one --dataset every system minus --baseline
  cd           critical-difference diagram of mean ranks over datasets
  pareto       quality against --cost, with the Pareto front
  pairs        matrix of all pairs on one --dataset
  queries      --system minus --baseline on every query of one --dataset"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which figure, of what, to which file."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("figure", choices=KINDS, metavar="FIGURE", help=", ".join(KINDS))
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="ends in .png, .svg or .pdf")
    options.add_results(parser)
    parser.add_argument("--measure", metavar="M", default="ndcg@10", help="(default: ndcg@10)")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only these; or a group")
    parser.add_argument("--system", action="append", default=[], metavar="TAG", help="only these; may be repeated")
    parser.add_argument("--baseline", metavar="TAG", help="what is subtracted, in differences and queries")
    parser.add_argument(
        "--cost",
        choices=["latency", "index_bytes", "search_bytes", "index_s"],
        default="latency",
        help="(default: latency)",
    )
    add_test(parser)


def main(args: argparse.Namespace) -> int:
    """Draw and write; returns 0."""
    from harness import results
    from harness.views.plots import style

    options.refuse(args, add_arguments, UNUSED[args.figure], f"the figure {args.figure} has no use for it")
    style.check(args.output)
    _check(args)
    [args.measure] = options.measures(args)
    found, _ = results.read(options.results_folder(args))
    with style.missing_signs() as missing:
        style.save(figure(args, found), args.output)
    if missing:
        cure = "a font such as Noto Sans CJK, installed, has more"
        print(f"note: no font here has {' '.join(missing)}: boxes stand there; {cure}", file=sys.stderr)
    print(args.output)
    return 0


def figure(args: argparse.Namespace, found: "list[Result]") -> "Figure":
    """The figure that the arguments ask for. Raises HarnessError where something is missing to draw it."""
    from harness.leaderboard import build
    from harness.results import select
    from harness.views.plots import costs, lists, over, pairs

    if args.figure == "queries":
        return _queries(args, found)
    baseline = [args.baseline] if args.baseline else []
    select(found, (), baseline)  # whether it is there, before anything is tested
    chosen = select(found, args.dataset, [*args.system, *baseline] if args.system else [])
    if args.figure == "pairs":
        pairs.check(chosen)
    # Differences are corrected as in the table: over every comparison with the baseline that could be shown.
    pool = select(found, args.dataset) if args.figure == "differences" else chosen
    board = build(pool, args.measure, None, args.test, args.correction, args.alpha)
    if args.figure == "leaderboard":
        return lists.leaderboard(board)
    if args.figure == "cd":
        return over.critical_difference(board)
    if args.figure == "pareto":
        return costs.pareto(board, chosen, args.cost)
    if args.figure == "pairs":
        return pairs.pairs(board)
    return lists.differences(board, args.baseline, args.system[0] if args.system else None)


def _check(args: argparse.Namespace) -> None:
    """Raise HarnessError where a figure wants another number of systems or datasets, before any result is read."""
    from harness.errors import HarnessError

    one_system = len(args.system) == 1
    if args.figure in ("differences", "queries") and not args.baseline:
        raise HarnessError(f"name the system that is subtracted with --baseline, for the figure {args.figure}")
    if args.figure == "queries" and not (one_system and len(args.dataset) == 1):
        raise HarnessError("the figure of queries wants one --system, one --baseline and one --dataset")
    if args.figure == "differences" and args.system and not one_system:
        raise HarnessError("one --system minus the --baseline; draw a figure for each")


def _queries(args: argparse.Namespace, found: "list[Result]") -> "Figure":
    from harness.leaderboard.columns import join
    from harness.leaderboard.comparison import compare, pick
    from harness.views.plots import pairs

    two = [pick(found, tag, args.dataset[0]) for tag in (args.system[0], args.baseline)]
    measured = compare(two[0], two[1], [args.measure], args.test, args.correction, args.alpha)
    return pairs.queries(join(two, args.measure), measured[0], args.test)

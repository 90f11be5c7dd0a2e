"""`beir-harness plot`: one figure as a file."""

import argparse
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
        "--cost", choices=["latency", "index_bytes", "index_s"], default="latency", help="(default: latency)"
    )
    add_test(parser)


def main(arguments: argparse.Namespace) -> int:
    """Draw and write; returns 0."""
    from harness import results
    from harness.views.plots import style

    options.refuse(
        arguments, add_arguments, UNUSED[arguments.figure], f"the figure {arguments.figure} has no use for it"
    )
    style.check(arguments.output)
    _check(arguments)
    [arguments.measure] = options.measures(arguments)
    found, _ = results.read(options.results_folder(arguments))
    style.save(figure(arguments, found), arguments.output)
    print(arguments.output)
    return 0


def figure(arguments: argparse.Namespace, found: "list[Result]") -> "Figure":
    """The figure that the arguments ask for. Raises HarnessError where something is missing to draw it."""
    from harness.leaderboard import build
    from harness.results import select
    from harness.views.plots import costs, lists, over, pairs

    if arguments.figure == "queries":
        return _queries(arguments, found)
    baseline = [arguments.baseline] if arguments.baseline else []
    select(found, (), baseline)  # whether it is there, before anything is tested
    chosen = select(found, arguments.dataset, [*arguments.system, *baseline] if arguments.system else [])
    if arguments.figure == "pairs":
        pairs.check(chosen)
    # Differences are corrected as in the table: over every comparison with the baseline that could be shown.
    pool = select(found, arguments.dataset) if arguments.figure == "differences" else chosen
    board = build(pool, arguments.measure, None, arguments.test, arguments.correction, arguments.alpha)
    if arguments.figure == "leaderboard":
        return lists.leaderboard(board)
    if arguments.figure == "cd":
        return over.critical_difference(board)
    if arguments.figure == "pareto":
        return costs.pareto(board, chosen, arguments.cost)
    if arguments.figure == "pairs":
        return pairs.pairs(board)
    return lists.differences(board, arguments.baseline, arguments.system[0] if arguments.system else None)


def _check(arguments: argparse.Namespace) -> None:
    """Raise HarnessError where a figure wants another number of systems or datasets, before any result is read."""
    from harness.errors import HarnessError

    one_system = len(arguments.system) == 1
    if arguments.figure in ("differences", "queries") and not arguments.baseline:
        raise HarnessError(f"name the system that is subtracted with --baseline, for the figure {arguments.figure}")
    if arguments.figure == "queries" and not (one_system and len(arguments.dataset) == 1):
        raise HarnessError("the figure of queries wants one --system, one --baseline and one --dataset")
    if arguments.figure == "differences" and arguments.system and not one_system:
        raise HarnessError("one --system minus the --baseline; draw a figure for each")


def _queries(arguments: argparse.Namespace, found: "list[Result]") -> "Figure":
    from harness.leaderboard.columns import join
    from harness.leaderboard.comparison import compare, pick
    from harness.views.plots import pairs

    two = [pick(found, tag, arguments.dataset[0]) for tag in (arguments.system[0], arguments.baseline)]
    measured = compare(two[0], two[1], [arguments.measure], arguments.test, arguments.correction, arguments.alpha)
    return pairs.queries(join(two, arguments.measure), measured[0])

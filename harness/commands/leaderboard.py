"""`beir-harness leaderboard`: tables of every finished result, with tested differences."""

import argparse
import sys
from pathlib import Path

from harness.commands import options

HELP = "print tables of the results, with corrected significance tests"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is shown, how it is tested, and where it goes."""
    options.add_results(parser)
    options.add_measures(parser, "ndcg@10")
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME",
        help="only these, or those of a group; may be repeated",
    )
    parser.add_argument("--group", dest="dataset", action="append", help=argparse.SUPPRESS)  # as it was once called
    parser.add_argument("--system", action="append", default=[], metavar="TAG", help="only these; may be repeated")
    parser.add_argument("--baseline", metavar="TAG", help="test against this system instead of all pairs")
    add_test(parser)
    add_margin(parser)
    parser.add_argument("--seeds", action="store_true", help="systems named X-s0, X-s1, … are one: their mean")
    parser.add_argument("--format", choices=["md", "csv", "latex", "json"], default="md", help="(default: md)")
    parser.add_argument(
        "--without", action="append", default=[], choices=["average", "rank"], help="a column to leave out (md, latex)"
    )
    parser.add_argument(
        "--width", choices=["one", "two"], help="columns of a paper's page (latex; default: one where that fits)"
    )
    parser.add_argument("--digits", type=int, choices=range(2, 7), default=3, help="of a score (latex; default: 3)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write to a file instead of the terminal")
    parser.add_argument(
        "--tables", action="store_true", help="regenerate RESULTS/tables: every measure in every format"
    )


def add_test(parser: argparse.ArgumentParser) -> None:
    """--test, --correction, --alpha"""
    parser.add_argument("--test", choices=["t", "permutation"], default="t", help="on paired queries (default: t)")
    parser.add_argument(
        "--correction",
        choices=["holm", "maxt", "bonferroni", "bh"],
        default="holm",
        help="for many tests (default: holm)",
    )
    parser.add_argument("--alpha", type=probability, default=0.05, help="level of significance (default: 0.05)")


def add_margin(parser: argparse.ArgumentParser) -> None:
    """--margin"""
    parser.add_argument(
        "--margin", type=probability, metavar="D", help="also ask which differences are shown to be within D of none"
    )


def probability(text: str) -> float:
    """A number above 0 and below 1."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def main(args: argparse.Namespace) -> int:
    """Build and print the tables; returns 0."""
    from harness import files, results
    from harness.errors import HarnessError
    from harness.leaderboard import build
    from harness.leaderboard.holes import with_holes
    from harness.leaderboard.spread import with_spread
    from harness.results import seeds
    from harness.views.tables import paper
    from harness.views.tables.rendering import render, write_tables

    if args.tables:
        others = (
            "measure",
            "dataset",
            "system",
            "baseline",
            "test",
            "correction",
            "alpha",
            "margin",
            "format",
            "without",
            "width",
            "digits",
            "output",
        )
        options.refuse(args, add_arguments, others, "--tables writes every table of every result, as committed")
        with options.results_written(args) as folder:
            for path in write_tables(folder, folder / "tables", args.seeds):
                print(path)
        return 0
    if args.format != "latex":
        options.refuse(args, add_arguments, ("width", "digits"), "only LaTeX is laid out for a page")
        if args.format != "md":
            options.refuse(args, add_arguments, ("without",), "only Markdown and LaTeX leave columns out")
    found, notes = results.read(options.results_folder(args))
    chosen = results.select(found, args.dataset, [] if args.seeds else args.system)
    notes = results.about_shown(notes, chosen, bool(args.dataset), bool(args.system) and not args.seeds)
    if args.seeds:
        if not any(seeds.split(one.tag) for one in chosen):
            raise HarnessError("--seeds: no tag here tells a seed, as mine-s0, mine-seed0 and mine-seed=0 do")
        chosen = seeds.merge(chosen, args.system)
    boards = [
        build(
            chosen,
            measure,
            args.baseline,
            args.test,
            args.correction,
            args.alpha,
            notes,
            args.margin,
        )
        for measure in options.measures(args, ["ndcg@10"])
    ]
    boards = [with_holes(with_spread(board, chosen), chosen) for board in boards]
    if args.format == "latex":
        text = paper.latex(boards, args.width, args.without, args.digits)
        if warning := paper.unprintable(boards):
            print(f"note: {warning}", file=sys.stderr)
    else:
        text = render(boards, args.format, args.without)
    if args.output and args.output.is_dir():
        raise HarnessError(f"--output {args.output} is a folder; name a file in it")
    if args.output:
        files.write_bytes(args.output, text.encode())
        print(args.output)
    else:
        print(text, end="")
    return 0

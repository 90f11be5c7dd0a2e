"""`beir-harness verify`: do the results agree with what has been published?"""

import argparse
import json
from typing import TYPE_CHECKING

from harness.commands import options

if TYPE_CHECKING:
    from harness.published.reproduction import Verdict

HELP = "compare the results with published figures and say why they differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The results folder, and whether to print JSON."""
    options.add_results(parser)
    options.add_measures(parser, "all with a figure")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")


def main(args: argparse.Namespace) -> int:
    """Print a line per measure that has a figure; returns 1 if any differs by more than .005, or is damaged."""
    import sys

    from harness import results
    from harness.published.reproduction import verify

    found, notes = results.read(options.results_folder(args))
    found, damaged = results.sound(found)
    verdicts = verify(found, options.measures(args))
    count: dict[str, int] = {}
    for verdict in verdicts:
        count[verdict.status] = count.get(verdict.status, 0) + 1
    if args.json:
        print(json.dumps({"count": count, "verdicts": [v._asdict() for v in verdicts]}, indent=2, ensure_ascii=False))
    else:
        print(_table(verdicts))
        print(", ".join(f"{number} {status}" for status, number in count.items()))
    for note in [*notes, *damaged, *results.stale(found)]:
        print(f"note: {note}", file=sys.stderr)
    return 1 if count.get("differs") or damaged else 0


def _table(verdicts: "list[Verdict]") -> str:
    """One aligned line per verdict, the cause below it."""
    rows = [("", "system", "dataset", "measure", "measured", "published", "difference", "as")]
    for verdict in verdicts:
        published = ("", "")
        if verdict.published is not None:
            published = (f"{verdict.published:.4f}", f"{verdict.measured - verdict.published:+.4f}")
        place = (verdict.status, verdict.tag, verdict.dataset, verdict.measure, f"{verdict.measured:.4f}")
        rows.append((*place, *published, verdict.system))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row, cause in zip(rows, ["", *(verdict.cause for verdict in verdicts)], strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if cause:
            lines.append(f"{'':{widths[0]}}    {cause}")
    return "\n".join(lines)

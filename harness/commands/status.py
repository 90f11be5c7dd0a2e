"""`beir-harness status`: what a run is doing, and how long the rest will take."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from harness.commands import options

if TYPE_CHECKING:
    from harness.running.status import Status

HELP = "say how far a run is, or how far it came"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The results folder, and whether to print JSON."""
    options.add_results(parser)
    parser.add_argument("--json", action="store_true", help="print all pairs as JSON")


def main(args: argparse.Namespace) -> int:
    """Print the runs that live, else the last one, and which results are of runs that were replaced; returns 0."""
    from harness.results import glance, stale
    from harness.running import status

    found = status.read(results := options.results_folder(args))
    if args.json:
        print(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(one) for one in found))
    for note in stale(glance(results)):
        print(f"note: {note}", file=sys.stderr)
    return 0


def _text(status: "Status") -> str:
    from harness.host.log import duration

    where = f"process {status.pid} on {status.host}"
    words = {True: "running", None: "running or dead (ask that host)"}
    end = {"finished": "finished", "KeyboardInterrupt": "interrupted", "Terminated": "terminated"}
    state = words.get(status.alive) or (end.get(status.ended, status.ended) or "dead: killed before it was done")
    lines = [f"{state}: {where}, since {status.since[:19]} UTC", f"log: {status.log}"]
    counts = [f"{status.count(name)} {word}" for name, word in (("done", "done"), ("reused", "there already"))]
    counts += [f"{status.count(name)} {name}" for name in ("running", "failed", "remaining")]
    if status.count("stopped"):
        counts.insert(2, f"{status.count('stopped')} stopped in the middle")
    lines.append(f"{', '.join(counts)}, of {len(status.pairs)}")
    if status.waiting and status.alive is not False:
        lines.append(status.waiting)
    for pair in status.pairs:
        what = f"{pair.system} on {pair.dataset}"
        if pair.state in ("running", "stopped"):
            done = f" ({pair.how_far})" if pair.how_far else ""
            verb = "running" if pair.state == "running" else "stopped in the middle"
            known = pair.state == "running" or status.ended  # a log that a kill has cut short doesn't say how long
            took = f", {duration(pair.seconds)}" if known else ""
            lines.append(f"  {verb}: {what}: {pair.stage or 'begins'}{done}{took}")
        elif pair.state == "failed":
            lines.append(f"  failed: {what}: {pair.message.partition(chr(10))[0]}")
    if status.count("running", "stopped", "remaining"):
        rest = duration(status.estimate_s) if status.estimate_s is not None else "unknown, as nothing is done yet"
        lines.append(f"the rest: about {rest}" if status.estimate_s is not None else f"the rest: {rest}")
        if status.alive is False:
            lines.append("the same command goes on from there")
    return "\n".join(lines)

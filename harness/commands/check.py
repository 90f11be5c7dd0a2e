"""`beir-harness check`: does a retriever keep the laws that the harness relies on?"""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.conformance import Outcome

HELP = "check that a retriever keeps the contract"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The retriever, its arguments, and whether to print JSON."""
    parser.add_argument("retriever", help="a name, package.module:Class or ./file.py:Class")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="an argument of the retriever")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")


def main(args: argparse.Namespace) -> int:
    """Print one line per law as it is checked, failures with the cure; returns 1 if any law is broken."""
    import tempfile
    from pathlib import Path

    from harness import conformance, plugins
    from harness.plugins.constructor import checked, parse

    cls = plugins.find(args.retriever)
    values = checked(cls, parse(cls, args.set))
    for name, value in values.items():
        if isinstance(value, str) and "/" in value and Path(value).exists():
            values[name] = str(Path(value).resolve())  # one check changes the working folder
    plugin = plugins.describe(cls)

    def make() -> Any:
        return plugin.told(plugins.make(cls, values), values)

    make()  # what is wrong with the arguments is said once, not by every check
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="beir-harness-check-") as folder:
        for outcome in conformance.checks_of(make, Path(folder)):
            outcomes.append(outcome)
            if not args.json:
                print(_line(outcome), flush=True)
    count = {status: sum(outcome.status == status for outcome in outcomes) for status in ("pass", "fail", "skip")}
    if args.json:
        print(
            json.dumps({**count, "checks": [outcome._asdict() for outcome in outcomes]}, indent=2, ensure_ascii=False)
        )
    else:
        print(", ".join(f"{number} {status}" for status, number in count.items() if number))
    return 1 if count["fail"] else 0


def _line(outcome: "Outcome") -> str:
    if outcome.status == "skip":
        return f"skip  {outcome.name}: {outcome.message}"
    line = f"{outcome.status}  {outcome.name}: {outcome.law}"
    return f"{line}\n      {outcome.message}\n      cure: {outcome.cure}" if outcome.message else line

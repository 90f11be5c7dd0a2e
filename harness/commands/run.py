"""`beir-harness run`: evaluate retrievers on datasets."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.commands import options

if TYPE_CHECKING:
    from harness.running.known import Systems
    from harness.running.suites import Suite, System

HELP = "evaluate a retriever, or a suite of them, on datasets"
EPILOG = """examples:
  beir-harness run bm25 --dataset scifact --dataset msmarco-dev
  beir-harness run ./mine.py:Mine --dataset beir-public --set depth=2
  beir-harness run --suite full
  beir-harness run ./mine.py:Mine --suite full       (the suite's datasets, your retriever)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which retriever, which datasets, how deep, where to."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "retriever", nargs="?", help="a name of `list retrievers`, package.module:Class or ./file.py:Class"
    )
    parser.add_argument(
        "--dataset", action="append", default=[], metavar="NAME",
        help="a dataset or group of `list datasets`, or the path of a folder in BEIR layout; may be repeated",
    )  # fmt: skip
    parser.add_argument("--suite", metavar="NAME", help="a suite of `list suites`, or the path of a TOML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an argument of the retriever; may be repeated"
    )
    parser.add_argument("--tag", help="the system's name in tables (default: the retriever and its arguments)")
    parser.add_argument("--k", type=int, default=1000, help="documents kept per query (default: 1000)")
    parser.add_argument("--overwrite", action="store_true", help="replace results that were made differently")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    parser.add_argument(
        "--executor", choices=("local", "ray"), default="local",
        help="do the work in this process (default), or on a Ray cluster",
    )  # fmt: skip
    parser.add_argument(
        "--address", metavar="HOST:PORT", help="the Ray cluster (default: Ray's own; else this machine)"
    )
    parser.add_argument(
        "--devices", metavar="LIST", help="GPUs of this machine that share the making of an index: 0,1 (or cpu,cpu)"
    )
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS",
        help="give every pair a process of its own, and stop it after so long; the others go on",
    )  # fmt: skip
    parser.add_argument(
        "--no-forecast", action="store_true", help="start also where the disk seems too small for what is to be made"
    )
    options.add_results(parser)
    options.add_data(parser)


def main(args: argparse.Namespace) -> int:
    """Run every pair; 1 if one failed, or could not be pushed to where the results belong."""
    from harness import datasets, paths
    from harness.errors import HarnessError
    from harness.results import glance, stale
    from harness.running import devices, forecast, suites
    from harness.running.folders import Folders
    from harness.running.job import Job
    from harness.running.known import Systems
    from harness.running.plan import plan

    if args.k < 1:
        raise HarnessError(f"--k {args.k}: at least 1")
    if args.timeout is not None and not args.timeout > 0:
        raise HarnessError(f"--timeout {args.timeout:g}: seconds, more than 0")
    suite, known = suites.load(args.suite) if args.suite else None, Systems(paths.cache_dir())
    systems = _systems(args, suite, known)
    names = args.dataset or (list(suite.datasets) if suite else [])
    if not names:
        raise HarnessError("name a --dataset or a --suite; `beir-harness list datasets` shows what there is")
    data = tuple(options.data_folders(args))
    datasets.check_names(names, data)  # what can't be found is told before any work
    mirror = options.results_mirror(args)
    results = mirror.folder if mirror else options.results_folder(args)
    folders = Folders(results, paths.cache_dir(), data, not args.offline)
    used = devices.parse(args.devices) if args.devices else ()
    job, todo = Job(folders, args.k, args.overwrite, used, args.timeout), plan(systems, names, data, known)
    run_all = _executor(args, known)
    if not args.no_forecast:
        forecast.warn(todo, job)
    del known  # with its retriever, where the work is done in other processes
    outcomes = run_all(todo, job, finished=(lambda one: mirror.finished(one.tag, one.dataset)) if mirror else None)
    all_pushed = mirror.finish() if mirror else True
    made = {(outcome.tag, outcome.dataset) for outcome in outcomes if outcome.status == "done"}
    for note in stale(one for one in glance(results) if {(part.tag, one.dataset) for _, part in one.beneath} & made):
        print(f"note: {note}", file=sys.stderr)
    if args.json:
        print(json.dumps([outcome.plain() for outcome in outcomes], indent=2, ensure_ascii=False))
    elif len(outcomes) > 1:
        _summarise(outcomes)
    return 1 if any(outcome.status == "failed" for outcome in outcomes) or not all_pushed else 0


def _systems(args: argparse.Namespace, suite: "Suite | None", known: "Systems") -> "list[System]":
    """What is to be run: the retriever that is named, else those of the suite."""
    from harness import paths, plugins
    from harness.errors import HarnessError
    from harness.plugins.constructor import checked, parse
    from harness.running import looks, suites
    from harness.running.plan import rows

    if args.retriever:
        if suite and args.dataset:
            raise HarnessError(
                "--suite gives a retriever its datasets; with --dataset it would say nothing: name one of them"
            )
        words = [args.retriever, args.set, args.tag]
        if before := looks.recall(paths.cache_dir(), words):
            known.add(*before)
            return [before[0]]
        plugin = plugins.find(args.retriever)
        settings = checked(plugin, parse(plugin, args.set))
        systems = rows([suites.system(args.retriever, settings, args.tag)])
        known.look(systems[0])  # what the retriever refuses is told before any work
        if len(systems) == 1:
            looks.keep(paths.cache_dir(), words, systems[0], known.seen(systems[0]))
        return systems
    if not suite:
        raise HarnessError("name a retriever or a --suite; `beir-harness list retrievers` and `list suites` show them")
    if args.set or args.tag:
        raise HarnessError("--set and --tag belong to a retriever; name one, or write them into the suite")
    return rows(suite.systems, known)


def _executor(args: argparse.Namespace, known: "Systems") -> Any:
    """The `run_all` of the executor that is asked for."""
    from harness.errors import HarnessError
    from harness.running import executor

    if args.executor == "ray":
        if args.devices:
            raise HarnessError("--devices are of one machine; with --executor ray the cluster gives GPUs to tasks")
        from harness.running import ray_executor

        return partial(ray_executor.run_all, address=args.address)
    if args.address:
        raise HarnessError("--address is that of a Ray cluster; add --executor ray")
    return partial(executor.run_all, known=None if args.timeout else known)


def _summarise(outcomes: Sequence[Any]) -> None:
    """Print how many pairs are done, and why the others are not."""
    counts = Counter(outcome.status for outcome in outcomes)
    print(f"{counts['done']} done, {counts['reused']} there already, {counts['failed']} failed")
    for outcome in outcomes:
        if outcome.status == "failed":
            print(f"  failed: {outcome.tag} on {outcome.dataset}: {outcome.message.splitlines()[0]}")

"""`beir-harness tune`: find a retriever's parameters on a training split."""

import argparse
import inspect
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.commands import options

HELP = "find the parameters of a fusion, or of another retriever, on a training split"
EPILOG = """example:
  beir-harness run bm25 --dataset scifact@train --tag bm25
  beir-harness run dupmae --dataset scifact@train --tag dupmae
  beir-harness tune fusion --systems bm25 dupmae --dataset scifact@train --method wsum"""
LONGEST = 500  # characters of parameters that still fit a command line nicely; longer ones go to a file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is fused how, on which split, for which measure."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("retriever", help="fusion, or another retriever that offers trials")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an argument that is not looked for"
    )
    parser.add_argument("--systems", nargs="+", metavar="TAG", help="of fusion: the systems whose runs are fused")
    parser.add_argument("--dataset", required=True, metavar="NAME@SPLIT", help="a split that nothing is evaluated on")
    parser.add_argument("--method", help="of fusion: ranx's name of the method (default: wsum)")
    parser.add_argument("--norm", help="of fusion: ranx's name of the normalisation, or none (default: min-max)")
    parser.add_argument("--measure", help="what is maximised, such as ndcg@10 (default: the dataset's primary measure)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the parameters to a JSON file")
    parser.add_argument("--json", action="store_true", help="print everything that was tried, as JSON")
    options.add_results(parser)
    options.add_data(parser)


def main(args: argparse.Namespace) -> int:
    """Tune, print the best parameters, their score and the command that uses them; returns 0."""
    from harness import datasets, files, paths, plugins
    from harness.host.progress import over
    from harness.measures import display
    from harness.plugins.constructor import checked, parse
    from harness.running.tuning import tune

    dataset = datasets.load(
        args.dataset, options.data_folders(args), paths.cache_dir(), not args.offline, documents=False
    )
    mirror, measure = options.results_mirror(args), args.measure or dataset.measure
    results = mirror.folder if mirror else options.results_folder(args)
    plugin = plugins.describe(plugins.find(args.retriever))
    short = {name: getattr(args, name) for name in ("systems", "method", "norm")}
    given = parse(plugin.cls, args.set) | {name: value for name, value in short.items() if value}
    settings = checked(plugin.cls, _untuned(plugin.untuned) | given)
    tuned = tune(
        args.retriever, settings, dataset, results, paths.cache_dir(), measure,
        lambda trials: iter(over(trials, f"{args.retriever} on {dataset.name}", "trials", None)),
    )  # fmt: skip
    best, out = dict(tuned.arguments), args.out
    if out is None and len(json.dumps(best)) > LONGEST:
        label = settings.get("method") or args.retriever.rpartition(":")[2]
        out = results / "tuned" / f"{label}-{files.sha256_json([settings, dataset.facts(), best])[:8]}.json"
    if out is not None:
        params = best.get("params")
        files.write_json(out, best if params is None else params)
        if params is not None:  # may be said by the path of its file
            best["params"] = str(out)
    if mirror and args.out is None:
        mirror.push("tuned")
    command = _command(args, settings | best)
    if args.json:
        tried = [{**found, "score": score} for found, score in tuned.tried]
        report = {"dataset": dataset.name, "measure": measure, "score": tuned.score, "arguments": settings | best}
        print(json.dumps({**report, "command": command, "tried": tried}, indent=2))
        return 0
    print(f"{display(measure)} {tuned.score:.4f} on {dataset.name}, the best of {len(tuned.tried)} tried there, with")
    for name, value in best.items():
        print(f"  {name} = {value if isinstance(value, str) else json.dumps(value)}")
    print(f"To evaluate it:\n  {command}")
    return 0


def _untuned(maker: Callable[..., Any] | None) -> dict[str, Any]:
    """What is taken where nothing is said of what is not looked for; it may be another value than in a run."""
    made = inspect.signature(maker).parameters.values() if maker else ()
    return {one.name: one.default for one in made if one.default not in (one.empty, None)}


def _command(args: argparse.Namespace, settings: dict[str, object]) -> str:
    """The command line that evaluates these settings on the dataset's own split."""
    words = ["beir-harness", "run", args.retriever]
    for name, value in settings.items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))}"]
    words += ["--dataset", args.dataset.rpartition("@")[0]]
    for folder in args.data_dir:
        words += ["--data-dir", str(folder)]
    if args.results:
        words += ["--results", str(args.results)]
    return shlex.join(words)

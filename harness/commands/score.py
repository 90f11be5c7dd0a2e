"""`beir-harness score`: a TREC run file from elsewhere joins the tables."""

import argparse
import json
from pathlib import Path

from harness.commands import options

HELP = "score a TREC run file made elsewhere and file it with the results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run file, its dataset and the name it gets."""
    parser.add_argument("run", type=Path, help="run file with 6 columns, plain or .gz")
    parser.add_argument("--dataset", required=True, metavar="NAME", help="the dataset it answers, a name or a path")
    parser.add_argument("--tag", required=True, help="the system's name in tables")
    parser.add_argument("--k", type=int, default=1000, help="documents kept per query (default: 1000)")
    parser.add_argument("--overwrite", action="store_true", help="replace a different result of that tag")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    options.add_results(parser)
    options.add_data(parser)


def main(arguments: argparse.Namespace) -> int:
    """Score, file, print the means; returns 0."""
    from harness import datasets, paths
    from harness.measures import display
    from harness.results import tags
    from harness.running.foreign import score_file

    dataset = datasets.load(
        arguments.dataset, options.data_folders(arguments), paths.cache_dir(), not arguments.offline, documents=False
    )
    tag = tags.check(arguments.tag)
    with options.results_written(arguments) as results:
        result = score_file(arguments.run, dataset, tag, arguments.k, results, arguments.overwrite)
    if arguments.json:
        print(json.dumps(result.manifest, indent=2, ensure_ascii=False))
        return 0
    print(f"{result.tag} on {result.dataset}: answered {result.answered} of {result.judged} queries")
    for measure, value in result.recorded_means.items():
        print(f"  {display(measure):<12} {value:.4f}")
    for note in result.notes:
        print(f"  note: {note}")
    return 0

"""`beir-harness score`: TREC run files from elsewhere join the tables."""

import argparse
import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import options

if TYPE_CHECKING:
    from harness.results import Result

HELP = "score run files made elsewhere (one, several, a folder) and file them with the results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run files, their dataset and the names they get."""
    parser.add_argument(
        "run",
        type=Path,
        nargs="*",
        help="run files with 6 columns, or MTEB's predictions; a folder or a pattern of them",
    )
    parser.add_argument(
        "--carried", action="store_true", help="instead: the first-stage run that came with the dataset (irds:…)"
    )
    parser.add_argument("--dataset", required=True, metavar="NAME", help="the dataset they answer, a name or a path")
    parser.add_argument("--tag", help="the system's name in tables, for one file; else see --tags")
    parser.add_argument(
        "--tags", choices=["file", "column"], default="file",
        help="where names come from: the file's, or its sixth column (default: file)",
    )  # fmt: skip
    parser.add_argument("--k", type=int, default=1000, help="documents kept per query (default: 1000)")
    parser.add_argument("--overwrite", action="store_true", help="replace a different result of that tag")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    options.add_results(parser)
    options.add_data(parser)


def main(args: argparse.Namespace) -> int:
    """Score, file, print the means; returns 1 if one of several files could not be scored."""
    from harness import datasets, paths
    from harness.errors import HarnessError
    from harness.results import tags
    from harness.running import foreign

    if bool(args.run) == args.carried:
        raise HarnessError("name run files, or give --carried for the run that came with the dataset")
    files = foreign.files_of(args.run)
    if args.tag is not None and len(files) > 1:
        raise HarnessError(f"--tag {args.tag} is for one file, and there are {len(files)}; see --tags")
    named, refused = foreign.tags_of(files, args.tags) if args.tag is None else (dict.fromkeys(files, args.tag), {})
    if refused and not named:
        raise next(iter(refused.values()))
    dataset = datasets.load(
        args.dataset, options.data_folders(args), paths.cache_dir(), not args.offline, documents=False
    )
    if args.carried:
        if dataset.carried is None:
            raise HarnessError(f"{dataset.name} carries no run; score one from elsewhere by its file")
        named = {dataset.carried: "carried"}
    if args.tag is not None:
        named = dict.fromkeys(named, tags.check(args.tag))
    for why in refused.values():
        print(f"beir-harness: left out: {why}", file=sys.stderr)
    found, failed = [], len(refused)
    with options.results_written(args) as results:
        for path, tag in named.items():
            try:
                found.append(foreign.score_file(path, dataset, tag, args.k, results, args.overwrite))
            except HarnessError as error:
                if len(files) <= 1:
                    raise
                failed += 1
                print(f"beir-harness: {tag} is left out: {error}", file=sys.stderr)
    if args.json:
        bodies = [one.manifest for one in found]
        print(json.dumps(bodies if len(files) > 1 else bodies[0], indent=2, ensure_ascii=False))
    else:
        told: set[str] = set()
        for one in found:
            print(_lines(one) if len(files) <= 1 else _line(one, told))
            told.update(one.notes)
    return 1 if failed else 0


def _line(one: "Result", told: Collection[str]) -> str:
    from harness.measures import display

    measure = one.primary_measure
    said = f"{display(measure)} {one.recorded_means[measure]:.4f}, answered {one.answered} of {one.judged}"
    notes = [f"  note: {note}" for note in one.notes if note not in told]
    return "\n".join([f"{one.tag} on {one.dataset}: {said}", *notes])


def _lines(one: "Result") -> str:
    from harness.errors import counted
    from harness.measures import display

    lines = [f"{one.tag} on {one.dataset}: answered {one.answered} of {counted(one.judged or 0, 'query')}"]
    lines += [f"  {display(measure):<12} {value:.4f}" for measure, value in one.recorded_means.items()]
    return "\n".join([*lines, *(f"  note: {note}" for note in one.notes)])

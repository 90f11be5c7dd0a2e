"""`beir-harness list`: what there is to run, and what has been run."""

import argparse
import json
from pathlib import Path
from typing import Any

from harness.commands import options

HELP = "list datasets, retrievers, suites or results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to list, where, and whether as JSON."""
    parser.add_argument("what", choices=["datasets", "retrievers", "suites", "results"])
    options.add_results(parser)
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, action="append", default=[],
        help="datasets: also those in this folder that the table does not know; may be repeated",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def main(args: argparse.Namespace) -> int:
    """Print the rows; returns 0."""
    if args.what != "results":
        options.refuse(args, add_arguments, ("results",), f"{args.what} are not in a results folder")
    if args.what != "datasets":
        options.refuse(args, add_arguments, ("data_dir",), f"{args.what} are not in a data folder")
    rows = {"datasets": _datasets, "retrievers": _retrievers, "suites": _suites, "results": _results}[args.what](args)
    if args.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        print(_table(rows) if rows else f"no {args.what}")
    return 0


def _datasets(args: argparse.Namespace) -> list[dict[str, Any]]:
    from harness import datasets

    return [
        {
            "dataset": row.name,
            "docs": row.docs,
            "queries": row.queries,
            "qrels": row.qrels,
            "measure": row.measure,
            "groups": ", ".join(row.groups),
            "obtain": "free download" if row.url else "in the package" if row.name == "sample" else "licence needed",
            **({"licence": row.licence, "how": row.obtain, "version": row.version} if args.json else {}),
        }
        for row in datasets.rows().values()
    ] + _own(options.data_folders(args))


def _own(folders: list[Path]) -> list[dict[str, Any]]:
    """The collections that the table does not know, with the splits that are judged."""
    from harness import datasets

    datasets.check_folders(folders)
    known = {folder for row in datasets.rows().values() for folder in (row.name, *row.folders)}
    rows = []
    for name in sorted({*datasets.local_names(folders)} - known):
        place = next(folder / name for folder in folders if (folder / name).is_dir())
        splits = sorted({path.name.partition(".")[0] for path in (place / "qrels").glob("*.tsv*")})
        counts = dict.fromkeys(("docs", "queries", "qrels"))
        groups = f"splits: {', '.join(splits) or 'none'}"
        rows.append({"dataset": name, **counts, "measure": "ndcg@10", "groups": groups, "obtain": str(place)})
    return rows


def _retrievers(_: argparse.Namespace) -> list[dict[str, Any]]:
    from harness import plugins

    return [{"retriever": name, "class": target} for name, target in sorted(plugins.names().items())]


def _suites(_: argparse.Namespace) -> list[dict[str, Any]]:
    from harness.running import suites

    return [
        {
            "suite": name,
            "systems": ", ".join(system.tag for system in suite.systems),
            "datasets": ", ".join(suite.datasets),
            "about": suite.about,
        }
        for name, suite in suites.built_in().items()
    ]


def _results(args: argparse.Namespace) -> list[dict[str, Any]]:
    import sys

    from harness import results
    from harness.results import means

    folder = options.results_folder(args)
    found, notes, damaged = list[results.Result](), list[str](), list[str]()
    if any(folder.glob("runs/*/*/manifest.json")):  # where there is none, it is no error of a list
        found, notes = results.read(folder)
        found, damaged = results.sound(found)
    taken, wrong = means.read(folder)
    notes += wrong
    notes += ["what has no queries are means that `import` took over"] if taken else []
    for note in [*notes, *damaged, *results.stale(found)]:
        print(f"note: {note}", file=sys.stderr)
    return [
        {
            "tag": result.tag,
            "dataset": result.dataset,
            "measure": (measure := result.primary_measure),
            "score": round(result.means[measure], 4) if measure in result.means else None,
            "queries": result.judged,
            "created": result.created,
        }
        for result in found
    ] + [
        {
            "tag": one.tag,
            "dataset": one.dataset,
            "measure": next(iter(one.scores), None),
            "score": next((round(score, 4) for score in one.scores.values()), None),
            "queries": None,
            "created": None,
        }
        for one in taken
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    """Rows of equal keys as aligned columns, numbers to the right."""
    head = list(rows[0])
    cells = [head] + [["" if row[key] is None else _cell(row[key]) for key in head] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    right = [all(isinstance(row[key], int | float | None) for row in rows) for key in head]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)

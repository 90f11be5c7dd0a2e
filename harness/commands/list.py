"""`beir-harness list`: what there is to run, and what has been run."""

import argparse
import json
from typing import Any

from harness.commands import options

HELP = "list datasets, retrievers, suites or results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to list, where, and whether as JSON."""
    parser.add_argument("what", choices=["datasets", "retrievers", "suites", "results"])
    options.add_results(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def main(arguments: argparse.Namespace) -> int:
    """Print the rows; returns 0."""
    rows = {"datasets": _datasets, "retrievers": _retrievers, "suites": _suites, "results": _results}[arguments.what](
        arguments
    )
    if arguments.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        print(_table(rows) if rows else f"no {arguments.what}")
    return 0


def _datasets(arguments: argparse.Namespace) -> list[dict[str, Any]]:
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
            **({"licence": row.licence, "how": row.obtain, "version": row.version} if arguments.json else {}),
        }
        for row in datasets.rows().values()
    ]


def _retrievers(_: argparse.Namespace) -> list[dict[str, Any]]:
    from harness import plugins

    return [{"retriever": name, "class": target} for name, target in sorted(plugins.names().items())]


def _suites(_: argparse.Namespace) -> list[dict[str, Any]]:
    from harness import suites

    return [
        {
            "suite": name,
            "systems": ", ".join(system.tag for system in suite.systems),
            "datasets": ", ".join(suite.datasets),
            "about": suite.about,
        }
        for name, suite in suites.built_in().items()
    ]


def _results(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from harness import manifest

    rows = []
    for path in sorted(options.results_folder(arguments).glob("runs/*/*")):
        body = manifest.read(path) if path.is_dir() else None
        if body:
            measure = body.get("primary_measure")
            score = body["scores"].get(measure)
            rows.append(
                {
                    "tag": body["tag"],
                    "dataset": body["dataset"],
                    "measure": measure,
                    "score": None if score is None else round(score, 4),
                    "queries": body.get("queries", {}).get("judged"),
                    "created": body.get("created"),
                }
            )
    return rows


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

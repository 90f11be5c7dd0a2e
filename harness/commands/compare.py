"""`beir-harness compare`: two systems on one dataset, query by query."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.commands import options
from harness.commands.leaderboard import add_margin, add_test

if TYPE_CHECKING:
    from harness.datasets import Dataset
    from harness.leaderboard.comparison import Measured
    from harness.results import Result
    from harness.statistics.pairwise import Comparison

HELP = "compare two systems on one dataset: wins, losses, p, the queries that differ most"
TEXT = 60  # characters of a query's text that are printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two systems, the dataset and how they are compared."""
    parser.add_argument("first", metavar="TAG", help="a system, for example bm25")
    parser.add_argument("second", metavar="TAG", help="another one")
    parser.add_argument("--dataset", required=True, metavar="NAME", help="a dataset that both have")
    options.add_measures(parser, "the dataset's own")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="queries shown (default: 10)")
    parser.add_argument("--query", metavar="ID", help="instead: what each found for this query, and what it missed")
    parser.add_argument(
        "--explain",
        type=int,
        default=0,
        metavar="N",
        help="with --query: the scores of the first N documents, part by part",
    )
    add_test(parser)
    add_margin(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options.add_results(parser)
    options.add_data(parser)


def main(args: argparse.Namespace) -> int:
    """Compare and print; returns 0."""
    from harness import datasets, results
    from harness.leaderboard.comparison import compare, pick
    from harness.views.tables.tables_json import measured_json

    found, notes = results.read(options.results_folder(args))
    name = datasets.name_of(args.dataset, options.data_folders(args))
    wanted = tuple(f"{tag} on {name} " for tag in (args.first, args.second))
    for note in notes:
        if note.startswith(wanted):  # why it is not there, which `pick` cannot know
            print(f"note: {note}", file=sys.stderr)
    first, second = (pick(found, tag, name) for tag in (args.first, args.second))
    for note in results.stale([first, second]):
        print(f"note: {note}", file=sys.stderr)
    measures = options.measures(args, [first.primary_measure])
    if args.query is not None:
        unused = ("top", "test", "correction", "alpha", "margin")
        options.refuse(args, add_arguments, unused, "nothing is tested on the one --query")
        return _one_query(args, (first, second), measures)
    options.refuse(args, add_arguments, ("explain",), "scores are taken apart for one --query")
    texts, note = _texts(args, first)
    measured = compare(
        first,
        second,
        measures,
        args.test,
        args.correction,
        args.alpha,
        max(0, args.top),
        texts,
        args.margin,
    )
    if args.json:
        print(
            json.dumps(
                [measured_json(one, args.alpha, len(measured)) for one in measured],
                indent=1,
                ensure_ascii=False,
                allow_nan=False,
            )
        )
        return 0
    for one in measured:
        print("\n".join(_lines(one, args, len(measured))), end="\n\n")
    if note:
        print(f"note: {note}")
    return 0


def _one_query(args: argparse.Namespace, pair: "Sequence[Result]", measures: Sequence[str]) -> int:
    """Print both systems' documents for one query side by side."""
    from harness.errors import HarnessError
    from harness.measures import display
    from harness.results.alike import unlike
    from harness.views import query_text
    from harness.views.query_browser import dataset_of

    folders = options.data_folders(args)
    for other in pair[1:]:
        if what := unlike(pair[0], other):
            raise HarnessError(f"{pair[0].tag} and {other.tag} can't be compared on {pair[0].dataset}: {what}")
    dataset = dataset_of(pair[0], folders, args.dataset, download=not args.offline)
    found = query_text.look_up(dataset, pair, args.query)
    scores = query_text.scores_of(pair, measures, args.query)
    why = [_explained(args, result, found, dataset) for result in pair] if args.explain > 0 else []
    if args.json:
        explained = {"explained": {result.tag: one for result, one in zip(pair, why, strict=True)}} if why else {}
        print(json.dumps({**found, "scores": scores, **explained}, indent=1, ensure_ascii=False, allow_nan=False))
        return 0
    print("\n".join(query_text.lines(found, {display(name): both for name, both in scores.items()})))
    for result, one in zip(pair, why, strict=False):
        print(*query_text.explanation(result.tag, one), sep="\n")
    return 0


def _explained(
    args: argparse.Namespace, result: "Result", found: Mapping[str, Any], dataset: "Dataset"
) -> "list[dict[str, Any]] | str":
    """The parts of the scores of a system's first documents, or why there are none."""
    from harness.errors import HarnessError
    from harness.running.explained import explained
    from harness.views.query_browser import documents

    top = {one["doc_id"]: one["score"] for one in found["systems"][result.tag]["top"][: args.explain]}
    ids = list(top)
    docs = documents(dataset, set(ids))
    query = next(query.text for query in dataset.queries() if query.query_id == args.query)
    here = [docs[doc_id] for doc_id in ids if doc_id in docs]
    if ids and not here:
        return f"{result.tag}: its documents are not at hand: --data-dir names the folder that holds {dataset.name}"
    try:
        parts = explained(result, query, here)
    except HarnessError as error:
        return str(error)
    return [
        {"doc_id": doc.doc_id, "score": sum(value for _, value in one), "run": top[doc.doc_id], "parts": one}
        for doc, one in zip(here, parts, strict=True)
    ]


def _texts(args: argparse.Namespace, result: "Result") -> tuple[Mapping[str, str], str]:
    """Texts by query_id where the dataset is at hand, without a download; else none and the reason."""
    from harness.errors import HarnessError
    from harness.views.query_browser import dataset_of

    try:
        dataset = dataset_of(result, options.data_folders(args), args.dataset, texts=False)
        return {query.query_id: query.text for query in dataset.queries()}, ""
    except HarnessError as error:
        return {}, f"query texts are not shown: {error}"


def _lines(one: "Measured", args: argparse.Namespace, family: int) -> Sequence[str]:
    from harness.errors import counted
    from harness.measures import display
    from harness.statistics.power import queries_needed
    from harness.statistics.significance import TESTS
    from harness.views.tables.grid import Grid, Text
    from harness.views.tables.wording import CORRECTION_NAMES, effect, p_text, signed, span

    result = one.comparison
    name = display(one.measure)
    verdict = "significant" if result.significant else "not significant"
    corrected = f", {p_text(result.corrected)} after {CORRECTION_NAMES[args.correction]} over {family} measures"
    if args.correction == "maxt":
        corrected, family = f", {p_text(result.corrected)} by step-down max-T over {family} measures", 2
    error = f" ± {result.error:.1g}" if result.error else ""  # Monte-Carlo standard error
    interval = f"{100 * (1 - args.alpha):g} % {span(result.interval, '+')}"
    texts = any(query.text for query in one.queries)  # none where the queries are not at hand
    rows = [
        [query.query_id, *([query.text] if texts else []), query.first, query.second, query.first - query.second]
        for query in one.queries
    ]
    grid = Grid(
        ("Query", *(["Text"] if texts else []), result.first, result.second, "Difference"),
        tuple(
            tuple(Text(f"{cell:.4f}" if isinstance(cell, float) else _clipped(cell)) for cell in row) for row in rows
        ),
        fixed=1 + texts,
    )
    said = {
        result.first: f"{one.first_mean:.4f}",
        result.second: f"{one.second_mean:.4f}",
        f"{result.first} − {result.second}": f"{signed(result.difference, 4)}  {interval}",
        "queries": f"{result.first} wins {result.wins}, {result.ties} ties, {result.second} wins {result.losses}",
        "p": f"{p_text(result.p)}{error} ({TESTS[args.test]}{corrected if family > 1 else ''}): {verdict}",
        **({} if args.margin is None else {f"within {args.margin:g}": _equal(result)}),
        "could find": _planned(result, args.alpha, queries_needed(result.effect_size, args.alpha)),
        "effect size": f"d_z {effect(result.effect_size, 3)}, dominance {signed(result.dominance, 3)}",
    }
    wide = max(map(len, said))
    return [
        f"### {name} on {result.dataset}, {counted(result.queries, 'query')}",
        "",
        *(f"{label:<{wide}}  {text}" for label, text in said.items()),
        *(["", "Queries that differ most:", "", grid.markdown()] if rows else []),
    ]


def _equal(found: "Comparison") -> str:
    from harness.views.tables.wording import p_text

    said = "equal" if found.equivalent else "not shown to be equal"
    return f"{said}, p {p_text(found.equivalence or 0.0)} (two one-sided t-tests, Holm over the measures)"


def _planned(found: "Comparison", alpha: float, needed: int | None) -> str:
    """What so many queries can show, and how many it would take to find a difference as large as this one."""
    least = found.detectable(alpha)
    if least is None:
        return "nothing: a single query has no spread"
    if least > 1 >= abs(found.difference):
        return f"nothing: {found.queries} queries differ too much among themselves for any difference of such scores"
    said = f"a true difference of {least:.4f} four times of five with {found.queries} queries, a smaller one less often"
    size = abs(found.difference)
    return said if needed is None else f"{said}; one of {size:.4f} with {needed:,}"


def _clipped(text: str | None) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"

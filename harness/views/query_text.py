"""One query of two systems as text for a terminal: the page's query view, without its colours."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.records import Doc
from harness.results import Result
from harness.views.kept import views_of
from harness.views.query_browser import Judgments, View, check_query, clipped, documents, judgments

HALF = 58  # characters of a column; two of them fill a line of 120
WIDTH = 2 * HALF + 2
PARTS = 12  # of a score that are printed one by one
STORED = 0.01  # of a score: more than vectors lose in a store of 16 bits
QUERY = 1_000  # characters of the query's text that are printed


def look_up(dataset: Dataset, pair: Sequence[Result], query_id: str) -> dict[str, Any]:
    """Everything about one query as a JSON value: text, counts, and what each system of `pair` has for it.

    Raises HarnessError for a query that is not judged, and where neither a run nor its first documents are at hand.
    """
    judged = judgments(dataset)
    check_query(dataset, judged, query_id)
    views = {result.tag: views_of(result, judged, [query_id])[query_id].view for result in pair}
    text = next(query.text for query in dataset.queries() if query.query_id == query_id)
    wanted = {doc_id for found in views.values() for doc_id in found.doc_ids}
    own = {query_id} if dataset.exclude_self else set()
    docs = documents(dataset, wanted | own)
    head, length = clipped(text, QUERY)
    return {
        "dataset": dataset.name,
        "query_id": query_id,
        "text": head,
        "characters": length or len(text),
        "own_document_dropped": bool(own & docs.keys()),
        "judged": len(judged.by_query[query_id]),
        "relevant": len(judged.relevant(query_id)),
        "relevance_level": judged.level,
        "systems": {tag: _system(found, judged, docs) for tag, found in views.items()},
    }


def lines(found: Mapping[str, Any], scores: Mapping[str, Sequence[float]]) -> list[str]:
    """The value of `look_up` as lines; `scores` are measure -> the two systems' scores of the query, as printed."""
    cut = f" … ({found['characters']:,} characters)" if found["characters"] > len(found["text"]) else ""
    said = [f"{measure} {pair[0]:.4f} against {pair[1]:.4f}" for measure, pair in scores.items()]
    head = [
        f"### Query {found['query_id']} of {found['dataset']}",
        "",
        *wrap(_printable(found["text"]) + cut, WIDTH),
        "",
        f"{', '.join(said)} · {found['relevant']} relevant of {found['judged']} judged documents",
    ]
    if found["own_document_dropped"]:
        head.append(f"The query's own document {found['query_id']} is dropped from every list.")
    sides = [_side(tag, system) for tag, system in found["systems"].items()]
    longest = max(map(len, sides))
    body = [
        f"{left:<{HALF}}  {right}".rstrip()
        for left, right in zip(*([*side, *[""] * (longest - len(side))] for side in sides), strict=True)
    ]
    return [*head, "", *body, "", "✓ relevant  ✗ judged, not relevant  ? unjudged"]


def explanation(tag: str, found: Sequence[Mapping[str, Any]] | str) -> list[str]:
    """Why `tag` scored its first documents so, as lines: the largest parts, the rest in one. Or why nobody knows."""
    if isinstance(found, str):
        return ["", f"note: not explained: {found}"]
    rows = []
    for one in found:
        parts, rest = one["parts"][:PARTS], one["parts"][PARTS:]
        there = "" if f"{one['run']:.4f}" == f"{one['score']:.4f}" else f" ({one['run']:.4f} in the run)"
        rows += ["", f"{tag}: {_printable(one['doc_id'])} {one['score']:.4f}{there}"]
        if abs(one["run"] - one["score"]) > STORED * max(1.0, abs(one["run"])):
            rows.append(
                "note: further apart than a store of 16 bits rounds; are code, versions and texts those of the run?"
            )
        rows += [f"{value:>10.4f}  {_printable(name)}" for name, value in parts]
        rows += [f"{sum(value for _, value in rest):>10.4f}  {len(rest)} more"] if rest else []
    return rows


def _system(found: View, judged: Judgments, docs: Mapping[str, Doc]) -> dict[str, Any]:
    return {
        "retrieved": found.retrieved,
        "top": [
            {**vars(one), "relevant": one.grade is not None and one.grade >= judged.level, **_shown(one.doc_id, docs)}
            for one in found.top
        ],
        "missed": [{**vars(one), **_shown(one.doc_id, docs)} for one in found.missed],
        "missed_in_all": found.missed_in_all,
    }


def _shown(doc_id: str, docs: Mapping[str, Doc]) -> dict[str, str]:
    doc = docs.get(doc_id)
    return {"says": clipped(doc.title or doc.text, 200)[0] if doc else ""}


def _side(tag: str, system: Mapping[str, Any]) -> list[str]:
    rows = [tag, "-" * min(len(tag), HALF)]
    for one in system["top"]:
        sign = "?" if one["grade"] is None else "✓" if one["relevant"] else "✗"
        rows.append(_cut(f"{one['rank']:>4} {sign} {one['doc_id']}  {one['says']}"))
    if not system["top"]:
        rows.append("no results: the query scores 0")
    if system["missed"]:
        rows += ["", f"relevant, but not in the first 10: {system['missed_in_all']}"]
        rows += [
            _cut(f"{one['rank'] or '–':>4} ✓ {one['doc_id'] or '(id not kept)'}  {one['says']}")
            for one in system["missed"]
        ]
    return rows


def _printable(text: str) -> str:
    """Without the control characters by which a document could steer the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _cut(text: str) -> str:
    text = _printable(text)
    return text if len(text) <= HALF else text[: HALF - 1] + "…"


def scores_of(pair: Sequence[Result], measures: Sequence[str], query_id: str) -> dict[str, list[float]]:
    """Measure -> the scores of the two systems on one query. Raises HarnessError for a query that was not scored."""
    found = {measure: [result.scores(measure).get(query_id) for result in pair] for measure in measures}
    if any(score is None for both in found.values() for score in both):
        raise HarnessError(f"query {query_id!r} has no score; it has no relevant document, so it is in no mean")
    return {measure: [score for score in both if score is not None] for measure, both in found.items()}

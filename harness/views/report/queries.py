"""The data of the per-query browser: one script per dataset with scores, one per query with lists and texts.

Each is loaded when a reader asks for it, so a site of thousands of queries opens as fast as one of ten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import progress
from harness.leaderboard.columns import join
from harness.records import Doc
from harness.results import Result
from harness.views import query_browser
from harness.views.kept import views_of
from harness.views.query_browser import View, clipped
from harness.views.report import script
from harness.views.report.page import baseline_of

QUERY_TEXT, DOC_TEXT = 2_000, 500  # characters of a text that are shown
LISTED = 160  # characters of a query in the list of queries
UNIT = 10_000  # scores are written as whole numbers of 1e-4


@dataclass(frozen=True)
class Browsed:
    """One dataset of the browser: its number in the site's file names, its name, and what could not be shown."""

    number: int
    dataset: str
    tags: tuple[str, ...]
    notes: tuple[str, ...]


def write(
    folder: Path,
    number: int,
    results: Sequence[Result],
    data_dirs: Sequence[Path],
    most: int,
    baseline: str | None = None,
) -> tuple[Browsed, list[Path]]:
    """Write the scripts of one dataset to `folder`/<number>; `results` are its systems'. Returns the files too.

    At most `most` queries: those whose scores by the primary measure lie furthest apart. Where the collection is not at
    hand, ids stand for texts, where a run is not, what the result has kept of it; the note says why.
    """
    name = results[0].dataset
    measure = results[0].primary_measure
    measures = [m for m in results[0].measures if all(m in result.measures for result in results)]
    matrices = {name: join(results, name) for name in dict.fromkeys([measure, *measures])}
    ids = matrices[measure].query_ids
    spread = matrices[measure].scores.max(axis=1) - matrices[measure].scores.min(axis=1)
    rows = sorted(sorted(range(len(ids)), key=lambda row: (-spread[row], ids[row]))[:most])
    chosen = [ids[row] for row in rows]
    dataset, note = _dataset(results[0], data_dirs)
    texts = {query.query_id: query.text for query in dataset.queries()} if dataset else {}
    place = folder / str(number)
    details, problem = _details(dataset, results, chosen, texts)
    if dataset and dataset.corpus_file is None:
        note = "The documents are not at hand, so their ids alone are shown"
    notes = tuple(one for one in (note, problem) if one)
    written = [script.write(place / f"{at}.js", f"query:{number}:{at}", one) for at, one in enumerate(details)]
    index = {
        "dataset": name,
        "note": ". ".join(notes),
        "judged": len(ids),
        "tags": [result.tag for result in results],
        "start": _pair(results, measure, baseline),
        "measures": list(matrices),
        "detailed": bool(written),
        "queries": [[query_id, _listed(texts.get(query_id, ""))] for query_id in chosen],
        "scores": [
            [[round(value * UNIT) for value in column] for column in matrix.scores[rows].T.tolist()]
            for matrix in matrices.values()
        ],
    }
    written.append(script.write(place / "index.js", f"dataset:{number}", index))
    return Browsed(number, name, tuple(result.tag for result in results), notes), written


def _pair(results: Sequence[Result], measure: str, baseline: str | None) -> list[str]:
    """What the browser opens on: the best system against the baseline, or the next where the baseline is the best."""
    means = {result.tag: result.mean(measure) for result in results}
    tags = sorted(means, key=lambda tag: (-means[tag], tag))
    other = baseline_of(tags, baseline)
    return [next((tag for tag in tags if tag != other), other), other]


def _dataset(result: Result, data_dirs: Sequence[Path]) -> tuple[Dataset | None, str]:
    """The collection that was scored, or None and the reason why texts can't be shown. Nothing is downloaded."""
    try:
        return query_browser.dataset_of(result, data_dirs), ""
    except HarnessError as error:
        return None, f"Texts are not shown: {error}"


def _details(
    dataset: Dataset | None, results: Sequence[Result], query_ids: Sequence[str], texts: dict[str, str]
) -> tuple[list[dict[str, Any]], str]:
    """One record per query, and a note about runs that are not at hand; no record where no documents are known."""
    judged = query_browser.judgments(dataset) if dataset else None
    views: dict[str, dict[str, View]] = {query_id: {} for query_id in query_ids}
    counts: dict[str, tuple[int, int]] = {}
    missing = []
    for result in progress.over(results, f"{results[0].dataset}: runs" if results else "runs", "runs"):
        try:
            found = views_of(result, judged, query_ids)
        except HarnessError:
            missing.append(result.tag)
            continue
        for query_id, one in found.items():
            views[query_id][result.tag] = one.view
            counts[query_id] = one.judged, one.relevant
    if judged is not None:
        counts = {one: (len(judged.by_query.get(one, ())), len(judged.relevant(one))) for one in query_ids}
    elif results and len(missing) == len(results):
        return [], "Nor are rankings: no system has its run or its first documents here"
    wanted = {doc_id for by_tag in views.values() for view in by_tag.values() for doc_id in view.doc_ids}
    own = set(query_ids) if dataset and dataset.exclude_self else set()
    docs = query_browser.documents(dataset, wanted | own) if dataset else {}
    tags = [result.tag for result in results]
    records = [
        {
            "id": query_id,
            "text": clipped(texts.get(query_id, ""), QUERY_TEXT),
            "own": query_id in own and query_id in docs,
            "judged": counts[query_id][0],
            "relevant": counts[query_id][1],
            "level": judged.level if judged else results[0].relevance_level,
            **_lists(by_tag, tags, docs),
        }
        for query_id, by_tag in views.items()
    ]
    note = ""
    if missing:
        listed = ", ".join(missing)
        note = f"The runs of {listed} are not in the results folder, so their documents are not shown; run them again"
    return records, note


def _lists(by_tag: dict[str, View], tags: Sequence[str], docs: dict[str, Doc]) -> dict[str, Any]:
    """The systems' views of one query with documents by number, and the documents."""
    numbers = {doc_id: at for at, doc_id in enumerate(sorted({d for view in by_tag.values() for d in view.doc_ids}))}
    return {
        "docs": [_doc(doc_id, docs.get(doc_id)) for doc_id in numbers],
        "systems": [
            {
                "top": [[numbers[one.doc_id], float(f"{one.score:.6g}"), one.grade] for one in view.top],
                "missed": [[numbers.get(one.doc_id), one.grade, one.rank] for one in view.missed],
                "missedInAll": view.missed_in_all,
                "retrieved": view.retrieved,
            }
            if (view := by_tag.get(tag))
            else None
            for tag in tags
        ],
    }


def _listed(text: str) -> str:
    head, cut = clipped(text, LISTED)
    return f"{head}…" if cut else head


def _doc(doc_id: str, doc: Doc | None) -> list[Any]:
    """[doc_id, title, text, length of the text where it was cut]; a document that is not in the collection has none."""
    if doc is None:
        return [doc_id, "", "", 0]
    return [doc_id, clipped(doc.title, DOC_TEXT)[0], *clipped(doc.text, DOC_TEXT)]

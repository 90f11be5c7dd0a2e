"""From an ordered run to the three files of a result: run.trec.gz, scores.tsv.gz and, last, manifest.json."""

import shutil
from pathlib import Path
from typing import Any

from harness import evaluation, manifest, runs
from harness.datasets import Dataset
from harness.measures import DEFAULT_MEASURES
from harness.running import integrity, strangers
from harness.runs import Run

NEW = ".new"  # below the result's folder: what is being written


def publish(run: Run, dataset: Dataset, place: Path, tag: str, depth: int, body: dict[str, Any]) -> dict[str, Any]:
    """Score `run`, write the result of `tag` on `dataset` into `place`, return the manifest.

    `body` is what the maker of the run knows about it (retriever, k, costs, fingerprint); `depth` is how deep it goes,
    though fewer documents may have been found. A result that was there stays
    until the new one is whole. Nobody else may be writing into `place`.
    """
    strange = strangers.notes(run, dataset)
    measures = list(dict.fromkeys([dataset.measure, *DEFAULT_MEASURES]))
    scores = evaluation.score(run, dataset.qrels(), measures, dataset.relevance_level)
    new = place / NEW
    sweep(place)
    try:
        digest = runs.write(run, new / manifest.RUN, tag)
        evaluation.write_scores(scores, new / manifest.SCORES)
        written = manifest.write(
            new,
            {
                "tag": tag,
                "dataset": dataset.name,
                "unit": dataset.unit,
                "split": dataset.split,
                "relevance_level": dataset.relevance_level,
                "exclude_self": dataset.exclude_self,
                **body,
                "data": dataset.facts(),
                "primary_measure": dataset.measure,
                "scores": scores.means(),
                "queries": {"judged": scores.judged, "answered": scores.answered},
                "run": {
                    "sha256": digest,
                    "documents": run.size,
                    "deepest": run.deepest,
                    "depth": depth,
                    "dropped_self": run.dropped_self,
                    "tie_rate": scores.tie_rate,
                },
                "files": {
                    manifest.RUN: {"bytes": (new / manifest.RUN).stat().st_size},
                    manifest.SCORES: integrity.facts(new / manifest.SCORES),
                },
                "tie_band": scores.tie_band,
                "notes": [*body.get("notes", ()), *run.notes, *strange, *scores.notes, *_unknown_docs(dataset)],
            },
        )
        (place / manifest.NAME).unlink(missing_ok=True)  # no manifest stands beside files that it is not about
        for name in (manifest.RUN, manifest.SCORES, manifest.NAME):
            (new / name).replace(place / name)
        return written
    finally:
        sweep(place)


def sweep(place: Path) -> None:
    """Remove what killed processes left of a result that was being written; nobody else may be writing there."""
    integrity.sweep(place)
    shutil.rmtree(place / NEW, ignore_errors=True)


def _unknown_docs(dataset: Dataset) -> list[str]:
    count = dataset.facts()["unknown_docs"]
    return [f"{count} judged documents are not in the collection, so nothing can retrieve them"] if count else []

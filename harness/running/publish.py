"""From an ordered run to the three files of a result: run.trec.gz, scores.tsv.gz and, last, manifest.json."""

from pathlib import Path
from typing import Any

from harness import evaluation, manifest, runs
from harness.datasets import Dataset
from harness.measures import DEFAULT_MEASURES
from harness.running import integrity
from harness.runs import Run


def publish(run: Run, dataset: Dataset, place: Path, tag: str, body: dict[str, Any]) -> dict[str, Any]:
    """Score `run`, write the result of `tag` on `dataset` into `place`, return the manifest.

    `body` is what the maker of the run knows about it (retriever, k, costs, fingerprint).
    """
    measures = list(dict.fromkeys([dataset.measure, *DEFAULT_MEASURES]))
    scores = evaluation.score(run, dataset.qrels(), measures, dataset.relevance_level)
    (place / manifest.NAME).unlink(missing_ok=True)  # until the new one stands, there is no result
    digest = runs.write(run, place / manifest.RUN, tag)
    evaluation.write_scores(scores, place / manifest.SCORES)
    return manifest.write(
        place,
        {
            "tag": tag,
            "dataset": dataset.name,
            "unit": dataset.unit,
            "split": dataset.split,
            **body,
            "data": dataset.facts(),
            "primary_measure": dataset.measure,
            "scores": scores.means(),
            "queries": {"judged": scores.judged, "answered": scores.answered},
            "run": {
                "sha256": digest,
                "documents": run.size,
                "deepest": run.deepest,
                "dropped_self": run.dropped_self,
                "tie_rate": scores.tie_rate,
            },
            "files": {
                manifest.RUN: {"bytes": (place / manifest.RUN).stat().st_size},
                manifest.SCORES: integrity.facts(place / manifest.SCORES),
            },
            "tie_band": scores.tie_band,
            "notes": [*scores.notes, *_unknown_docs(dataset)],
        },
    )


def _unknown_docs(dataset: Dataset) -> list[str]:
    count = dataset.facts()["unknown_docs"]
    return [f"{count} judged documents are not in the collection, so nothing can retrieve them"] if count else []

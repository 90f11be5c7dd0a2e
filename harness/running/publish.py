"""From an ordered run to the files of a result: the run, its first documents, scores, judged; last, manifest.json."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from harness import runs
from harness.datasets import Dataset, places
from harness.errors import counted
from harness.host import integrity
from harness.measures import DEFAULT_MEASURES, ahead, evaluation
from harness.measures.judged import write_judged
from harness.results import Result, manifest
from harness.runs import Run
from harness.runs.rankings import top

KEPT = 10  # documents of a query whose ids and scores are kept beside the scores
NEW = ".new"  # below the result's folder: what is being written
RENAMED = ".renamed"  # likewise: what is getting another tag


def publish(run: Run, dataset: Dataset, place: Path, tag: str, most: int, body: dict[str, Any]) -> Result:
    """Score `run`, write the result of `tag` on `dataset` into `place`, return it.

    `body` is what the maker of the run knows about it (retriever, k, costs, fingerprint, notes); `most` is how many
    documents of a query could be found, see `depth`. A result that was there stays until the new one is whole. Nobody
    else may be writing into `place`.
    """
    measures = list(dict.fromkeys([dataset.measure, *DEFAULT_MEASURES]))
    ahead.wait()
    scores = evaluation.score(run, dataset.qrels(), measures, dataset.relevance_level)
    new = place / NEW
    sweep(place)
    try:
        digest = runs.write(run, new / manifest.RUN, tag)
        evaluation.write_scores(scores, new / manifest.SCORES)
        assert scores.seen is not None
        write_judged(scores.seen, new / manifest.JUDGED)
        kept = [manifest.SCORES, manifest.JUDGED]
        first = top(run, scores.seen.query_ids, KEPT)
        if first.size:
            runs.write(first, new / manifest.TOP, "top")  # of no system: a result that is renamed keeps the file
            kept.append(manifest.TOP)
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
                    "depth": depth(run, dataset, most),
                    "dropped_self": run.dropped_self,
                    "tie_rate": scores.tie_rate,
                },
                "files": {
                    manifest.RUN: {"bytes": (new / manifest.RUN).stat().st_size},
                    **{name: integrity.facts(new / name) for name in kept},
                },
                "tie_band": scores.tie_band,
                "notes": [*body.get("notes", ()), *run.notes, *scores.notes, *_unknown_docs(dataset)],
            },
        )
        places.remember(dataset)
    except BaseException:
        sweep(place)
        raise
    settle(place)
    return Result(place, tag, dataset.name, written)


def settle(place: Path) -> None:
    """Put a result that was written whole in the place of the one before, also where a killed process had begun to.

    Its manifest is written last, so where that is, all is; and moved last, so that none stands beside files that it is
    not about. Nobody else may be writing there.
    """
    new = place / NEW
    if (new / manifest.NAME).is_file():
        kept = json.loads((new / manifest.NAME).read_bytes())["files"]
        (place / manifest.NAME).unlink(missing_ok=True)
        for name in {manifest.TOP} - kept.keys():
            (place / name).unlink(missing_ok=True)  # the new run may have none
        for name in (*kept, manifest.NAME):
            if (new / name).is_file():
                (new / name).replace(place / name)
    sweep(place)


def depth(run: Run, dataset: Dataset, most: int) -> int:
    """How deep a run goes: `most`, unless more than half of its queries end at one place above it.

    A system that finds less than it may return ends at many places, and one that finds everything at the collection's
    end. What reranks a hundred documents, and a file of ten a query, end at one. Where own documents are dropped, a
    query may have one less.
    """
    docs = dataset.facts()["docs"]
    whole = docs is not None and run.deepest + dataset.spare() >= docs
    sizes = np.diff(run.starts)
    ends = np.count_nonzero(sizes >= run.deepest - dataset.spare())
    return run.deepest if 0 < run.deepest < most and not whole and 2 * ends > len(sizes) else most


def sweep(place: Path) -> None:
    """Remove what killed processes left of a result that was being written; nobody else may be writing there."""
    integrity.sweep(place)
    for name in (NEW, RENAMED):
        shutil.rmtree(place / name, ignore_errors=True)


def _unknown_docs(dataset: Dataset) -> list[str]:
    count = dataset.facts()["unknown_docs"]
    are, them = ("is", "it") if count == 1 else ("are", "them")
    what = f"{counted(count, 'judged document')} {are} not in the collection, so nothing can retrieve {them}"
    return [what] if count else []

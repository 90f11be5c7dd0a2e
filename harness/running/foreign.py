"""A run file from elsewhere becomes a result like any other."""

from pathlib import Path
from typing import Any

from harness import files, runs
from harness import results as stored
from harness.datasets import Dataset
from harness.errors import HarnessError
from harness.host import locks
from harness.results import Result, manifest
from harness.running import strangers
from harness.running.publish import publish


def score_file(path: Path, dataset: Dataset, tag: str, k: int, results: Path, overwrite: bool = False) -> Result:
    """Read a TREC run file, put it into the total order, score it and file it under `tag`; returns the result.

    The dataset's rules hold for it too: own documents are dropped where the dataset says so, depth is cut at `k`.
    Raises BadInput for a file that is not a run of this dataset.
    """
    found = runs.read(path, dataset.queries(), k, dataset.exclude_self, dataset.excluded())
    strange = strangers.notes(found, dataset)  # what is refused leaves no folder, which tables would call unfinished
    place = manifest.folder(results, tag, dataset.name)
    place.mkdir(parents=True, exist_ok=True)
    with locks.held(place / ".lock", f"the result of {tag} on {dataset.name}"):
        source = {"file": path.name, "sha256": files.sha256(path), "k": k}
        old = stored.at(place)
        if old and old.fingerprint.get("run_file") != source and not overwrite:
            raise HarnessError(f"{place} holds another result; --overwrite replaces it, --tag names this one otherwise")
        identity = {"name": "run file", "class": None, "distribution": None, "version": None}
        body: dict[str, Any] = {
            "retriever": {**identity, "arguments": {"file": path.name}, "all_arguments": {"file": path.name}},
            "facts": {},
            "notes": strange,
            "k": k,
            "costs": {},
            "fingerprint": {"run_file": source},
        }
        if found.header:
            body["ir_metadata"] = found.header
        return publish(found, dataset, place, tag, k, body)

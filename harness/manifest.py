"""The manifest: the provenance of one result, and by its presence the sign that the result is whole."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import BadInput
from harness.running import environment

SCHEMA = 1
NAME, RUN, SCORES = "manifest.json", "run.trec.gz", "scores.tsv.gz"


def folder(results: Path, tag: str, dataset: str) -> Path:
    """Where the result of one system on one dataset lies."""
    return results / "runs" / tag / dataset


def write(place: Path, body: dict[str, Any]) -> dict[str, Any]:
    """Write `place`/manifest.json with the environment added; to be called last. Returns what was written."""
    manifest = {
        "schema": SCHEMA,
        **body,
        "versions": environment.versions(),
        "machine": environment.machine(),
        "git": environment.git(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "complete": True,
    }
    files.write_json(place / NAME, manifest)
    return json.loads(json.dumps(manifest))  # as `read` gives it: lists where there were tuples


def read(place: Path) -> dict[str, Any] | None:
    """The manifest of a result folder; None where there is none, so the result is not whole.

    Raises BadInput for a file that is not a manifest or is one of a newer schema.
    """
    path = place / NAME
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BadInput(path, None, f"is not JSON ({error}); delete it and run the system again") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("schema"), int):
        raise BadInput(path, None, "is not a manifest of beir-harness")
    if manifest["schema"] > SCHEMA:
        raise BadInput(path, None, f"has schema {manifest['schema']}, this version reads up to {SCHEMA}; upgrade")
    return manifest

"""The manifest: the provenance of one result, and by its presence the sign that the result is whole."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import BadInput
from harness.host import environment, integrity
from harness.results import schema

SCHEMA = 1
CURE = "delete it and run the system again"
SHAPE: dict[str, Any] = {
    **dict.fromkeys(("tag", "dataset", "unit", "split", "primary_measure", "created"), str),
    **dict.fromkeys(
        ("facts", "costs", "fingerprint", "data", "scores", "tie_band", "versions", "machine", "files", "inputs"), dict
    ),
    "git": dict | None,
    "retriever": {"name": str, "arguments": dict, "all_arguments": dict},
    "queries": {"judged": int, "answered": int},
    "run": {"sha256": str, "depth": int},
    "ir_metadata": dict,
    **dict.fromkeys(("k", "relevance_level"), int),
    "exclude_self": bool,
    "notes": list,
}
CHECKSUM = "sha256"  # of the manifest itself without this entry, as canonical JSON
WORDS = {str: "text", dict: "a table", int: "a whole number", bool: "true or false", list: "a list"}
NAME, RUN, SCORES, JUDGED = "manifest.json", "run.trec.gz", "scores.tsv.gz", "judged.tsv.gz"
TOP = "top.trec.gz"  # the first documents of each judged query, a run file that is small enough to be committed
FAILURE = "failure.txt"  # beside where the result would be: the traceback of the last attempt


class Damaged(BadInput):
    """A manifest that is not as it was written; making the result again is the cure."""


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
    manifest = json.loads(json.dumps(manifest))  # as `read` gives it: lists where there were tuples
    manifest[CHECKSUM] = files.sha256_json(manifest)
    files.write_json(place / NAME, manifest)
    return manifest


def refile(body: dict[str, Any], place: Path, tag: str, digest: str | None) -> None:
    """Write the manifest of a result that gets another tag; `digest` is the sha256 of its run's text, if it is here."""
    manifest = {name: value for name, value in body.items() if name != CHECKSUM} | {"tag": tag}
    if digest is not None:
        recorded = manifest.get("files") or {}
        size = {RUN: {"bytes": (place / RUN).stat().st_size}} if RUN in recorded else {}
        manifest |= {"run": {**(manifest.get("run") or {}), "sha256": digest}, "files": {**recorded, **size}}
    manifest[CHECKSUM] = files.sha256_json(manifest)
    files.write_json(place / NAME, manifest)


def same_but_tag(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether `refile` makes one of the other: the same result, moment and costs included."""
    of_tag = {"tag", "run", "files", CHECKSUM}
    return {**one, **dict.fromkeys(of_tag)} == {**other, **dict.fromkeys(of_tag)}


def read(place: Path) -> dict[str, Any] | None:
    """The manifest of a result folder; None where there is none, so the result is not whole.

    Raises Damaged, a BadInput, for a file that is not a manifest as it was written, and BadInput for one of a newer
    schema. What is returned has the keys
    `tag`, `dataset` and `scores`, and those of SHAPE that are there are of the type given there.
    """
    path = place / NAME
    try:
        manifest = files.read_json(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Damaged(path, None, f"is not JSON ({error}); {CURE}") from error
    if not isinstance(manifest, dict) or "schema" not in manifest:
        raise Damaged(path, None, "is not a manifest of beir-harness")
    own = manifest.get(CHECKSUM)
    try:
        digest = files.sha256_json({name: manifest[name] for name in manifest if name != CHECKSUM})
    except ValueError as error:
        raise Damaged(path, None, f"holds NaN or an infinite number; {CURE}") from error
    if own is not None and own != digest:
        raise Damaged(path, None, f"does not match its checksum, so it was damaged or edited; {CURE}")
    schema.check(path, manifest["schema"], SCHEMA)
    _check_shape(path, manifest, SHAPE, "")
    if wrong := integrity.malformed(manifest.get("files", {}), RUN):
        raise Damaged(path, None, f"{wrong}; {CURE}")
    for name in ("tag", "dataset", "scores"):
        if name not in manifest:
            raise Damaged(path, None, f"lacks {name!r}; {CURE}")
    for measure, value in manifest["scores"].items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise Damaged(path, None, f"the mean of {measure} is {value!r}, no number between 0 and 1; {CURE}")
    return manifest


def depth(manifest: dict[str, Any]) -> int | None:
    """How many documents a query could have; None where a manifest is silent.

    One of old says how many were asked for, which a run from elsewhere need not have.
    """
    run, k = manifest.get("run") or {}, manifest.get("k")
    if "depth" in run or k is None:
        return run.get("depth")
    elsewhere = "run_file" in (manifest.get("fingerprint") or {})
    deepest = run.get("deepest")
    return min(k, deepest) if elsewhere and isinstance(deepest, int) and deepest > 0 else k


def _check_shape(path: Path, table: dict[str, Any], shape: dict[str, Any], place: str) -> None:
    for name, kind in shape.items():
        if name not in table:
            continue
        value, at = table[name], f"{place}{name}"
        plain = dict if isinstance(kind, dict) else kind
        if not isinstance(value, plain) or (isinstance(value, bool) and plain is int):
            what = f"{at!r} should be {WORDS.get(plain, 'a table')}, not {type(value).__name__}"
            raise Damaged(path, None, f"{what}; {CURE}")
        if isinstance(kind, dict):
            _check_shape(path, value, kind, f"{at}.")

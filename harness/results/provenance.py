"""How one result was made, and the command that makes it again, from its manifest."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from harness.datasets import dataset_table
from harness.results.recorded import Recorded
from harness.results.result import Result


def command(result: Recorded) -> str:
    """The command line that makes the result again; for a run file from elsewhere, the one that files it again."""
    retriever = result.manifest.get("retriever") or {}
    dataset, k = _dataset(result), result.manifest.get("k", 1000)
    if retriever.get("name") == "run file":
        words = ["score", str((retriever.get("arguments") or {}).get("file", "RUN_FILE"))]
    else:
        words = ["run", _spec(retriever)]
        for name, value in (retriever.get("arguments") or {}).items():
            words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    words += ["--dataset", dataset, "--tag", result.tag]
    if k != 1000:
        words += ["--k", str(k)]
    return shlex.join(["beir-harness", *words])


def facts(result: Result) -> list[tuple[str, str]]:
    """What a reader asks about a result, as lines of label and text; lines that have nothing to say are left out."""
    manifest = result.body
    retriever, data = manifest.get("retriever") or {}, manifest.get("data") or {}
    run, queries, costs = (manifest.get(key) or {} for key in ("run", "queries", "costs"))
    git, machine = manifest.get("git") or {}, manifest.get("machine") or {}
    commit = f"{git['commit']}{' with uncommitted changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    source = " ".join(str(retriever[key]) for key in ("class", "distribution", "version") if retriever.get(key))
    lines = {
        "Retriever": source or str(retriever.get("name", "")),
        "Arguments": _pairs(retriever.get("all_arguments") or retriever.get("arguments") or {}),
        "Facts": _pairs(manifest.get("facts") or {}),
        "Scores": _pairs({name: f"{value:.6f}" for name, value in (manifest.get("scores") or {}).items()}),
        "Queries": f"{queries['answered']:,} of {queries['judged']:,} answered" if queries else "",
        "Run": _pairs(run),
        "Costs": _pairs(costs),
        "Data": _pairs(data),
        "Notes": "; ".join(manifest.get("notes") or []),
        "Commit": commit,
        "Versions": _pairs(manifest.get("versions") or {}),
        "Machine": _pairs(machine),
        "Made": str(manifest.get("created", "")),
    }
    return [(label, text) for label, text in lines.items() if text]


def _spec(retriever: Mapping[str, Any]) -> str:
    """How the command line names the retriever: a plugin by its name, other code by its place."""
    place = str(retriever.get("class") or "")
    if "source_sha256" in retriever and place.partition(":")[0].endswith(".py"):
        return f"./{place}"
    return str(retriever.get("name") or place or "RETRIEVER")


def _dataset(result: Recorded) -> str:
    """The name as the command line knows it: with the split, where that is not the usual one."""
    name, split = result.dataset, result.split or "test"
    row = dataset_table.rows().get(name)
    return name if "@" in name or split == (row.split if row else "test") else f"{name}@{split}"


def _pairs(value: Mapping[str, Any], prefix: str = "") -> str:
    """`k1=0.9, b=0.4`; what is nested gets dotted names."""
    parts = []
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            parts.append(_pairs(inner, f"{prefix}{name}."))
        elif inner is not None:
            parts.append(f"{prefix}{name}={inner}")
    return ", ".join(part for part in parts if part)

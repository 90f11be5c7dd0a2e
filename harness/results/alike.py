"""Whether two results were measured alike, and in what two fingerprints differ."""

from collections.abc import Callable
from typing import Any

from harness.results.recorded import Recorded
from harness.results.result import Result

# What must be equal for two results on one dataset; where an old manifest is silent (None), it is taken to be so.
ALIKE: tuple[tuple[str, Callable[[Recorded], Any]], ...] = (
    ("judgments", lambda result: result.data.qrels_sha256),
    ("queries", lambda result: result.data.queries_sha256),
    ("excluded documents", lambda result: result.data.excluded_sha256 or ""),
    ("exclude_self (the treatment of a query's own document)", lambda result: result.exclude_self),
    ("relevance level", lambda result: result.relevance_level),
    ("split", lambda result: result.split),
)


def unlike(first: Result, second: Result) -> str:
    """In what two results on one dataset were not measured alike; empty where they were."""
    for a, b in ((a, b) for a in first.members for b in second.members):
        for what, of in ALIKE:
            ours, theirs = of(a), of(b)
            if ours is not None and theirs is not None and ours != theirs:
                return f"{what} {_short(ours)} and {_short(theirs)}"
        if found := _documents(a, b):
            return found
    return ""


def _documents(first: Recorded, second: Recorded) -> str:
    """Documents are alike by their records, however a file spells them; older results know only the file's bytes."""
    for hash_ in ("records_sha256", "collection_sha256"):
        ours, theirs = getattr(first.data, hash_), getattr(second.data, hash_)
        if ours is not None and theirs is not None:
            return f"documents {_short(ours)} and {_short(theirs)}" if ours != theirs else ""
    return ""


def _short(value: Any) -> str:
    return str(value)[:12]


def difference(old: Any, new: Any, path: str = "") -> list[str]:
    """Lines `place: old -> new`, one for each leaf in which two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for name in sorted(old.keys() | new.keys())
            for line in difference(old.get(name), new.get(name), f"{path}.{name}" if path else name)
        ]
    return [] if old == new else [f"{path}: {old!r} -> {new!r}"]

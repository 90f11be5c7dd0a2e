"""A result's provenance as the header of a run file, in the fields of ir_metadata 0.1 (Breuer et al., SIGIR 2022)."""

from typing import Any

from harness.results.result import Result

START, END = "# ir_metadata.start", "# ir_metadata.end"


def lines(result: Result) -> list[str]:
    """Comment lines with YAML between the two marks; what the run's own header said stands, ours fills it up."""
    import yaml

    body = result.manifest
    git, machine = body.get("git") or {}, body.get("machine") or {}
    ours: dict[str, Any] = {
        "schema version": 0.1,
        "tag": result.tag,
        "platform": {
            "hardware": {"cpu": {"model": machine.get("processor")}, "ram": machine.get("memory_bytes")},
            "operating system": machine.get("system"),
            "software": {"libraries": [f"{name} {version}" for name, version in (body.get("versions") or {}).items()]},
        },
        "implementation": {"source": {"commit": git.get("commit")}},
        "method": {"retrieval": [{"name": result.retriever, "method": result.retriever, **_plain(result.arguments)}]},
        "data": {"test_collection": {"name": result.dataset, "source": result.data.url or result.data.source}},
        "results": {measure: round(value, 6) for measure, value in result.means.items()},
    }
    text = yaml.safe_dump(_merged(ours, body.get("ir_metadata") or {}), sort_keys=False, allow_unicode=True)
    return [START, *(f"# {line}" for line in text.splitlines()), END]


def _plain(arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in dict(arguments).items() if isinstance(value, str | int | float | bool)}


def _merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """`theirs` filled up with `ours`, without what is not known."""
    found = dict(theirs)
    for name, value in ours.items():
        if isinstance(value, dict):
            inside = theirs.get(name, {})
            value = _merged(value, inside) if isinstance(inside, dict) else inside
        if value not in (None, {}, []):
            found.setdefault(name, value)
            if isinstance(value, dict):
                found[name] = value
    return found

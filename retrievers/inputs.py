"""Runs of other systems, as the harness lays them into an index folder: `runs/<tag>.trec.gz`."""

from pathlib import Path

from harness.runs import Run, read


def checked_tag(tag: str) -> str:
    """`tag` where it can be one of a system; raises ValueError for what would be another place."""
    if not tag or tag.startswith(".") or "/" in tag:
        raise ValueError(f"{tag!r} is no tag of a system; `beir-harness list results` shows them")
    return tag


def run_in(folder: Path, tag: str) -> Run:
    """The run of a system in an index folder. Raises FileNotFoundError where it is missing."""
    path = folder / "runs" / f"{tag}.trec.gz"
    if not path.is_file():
        raise FileNotFoundError(f"there is no run of {tag!r} at {path}; run that system on this dataset first")
    return read(path)


def not_in_collection(tag: str, query_id: str, doc_id: str) -> ValueError:
    """The error for a document of a run that the collection does not have."""
    return ValueError(
        f"the run of {tag} holds document {doc_id!r} for query {query_id!r}, which is not in the collection: it is of"
        " another one, or of another version"
    )

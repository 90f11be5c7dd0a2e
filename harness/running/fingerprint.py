"""What a result or an index depends on, as JSON: equal fingerprints mean that the work need not be done again."""

from typing import Any

from harness.datasets import Dataset

DATA = ("name", "split", "queries_sha256", "qrels_sha256")
SCHEMA = 1  # raised when the meaning of results or indexes changes


def of_index(dataset: Dataset, identity: dict[str, Any], arguments: dict[str, Any], state: Any) -> dict[str, Any]:
    """An index: the documents, the retriever's code and version, the arguments that shape it, what these point at.

    Queries and the dataset's name are not in it, so that MS MARCO dev, DL19 and DL20 share one.
    """
    return {
        "schema": SCHEMA,
        "collection": dataset.collection_fingerprint(),
        "retriever": identity,
        "arguments": arguments,
        "state": state,
    }


def of_result(
    dataset: Dataset, identity: dict[str, Any], arguments: dict[str, Any], state: Any, k: int
) -> dict[str, Any]:
    """A run and its scores: as the index, with all non-runtime arguments, queries, judgments and depth."""
    facts = dataset.facts()
    return {
        **of_index(dataset, identity, arguments, state),
        "data": {name: facts[name] for name in (*DATA, "excluded_sha256") if name in facts},
        "exclude_self": dataset.exclude_self,
        "relevance_level": dataset.relevance_level,
        "k": k,
    }

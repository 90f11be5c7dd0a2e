"""Why a system gave its documents their scores: its retriever made again from the result, and asked for the parts."""

from collections.abc import Sequence

from harness import plugins
from harness.errors import HarnessError
from harness.records import Doc
from harness.results import Result
from harness.running.prepared import prepare
from harness.running.suites import System

Part = tuple[str, float]  # what of query and document it is, and what it gave; the parts sum to the score


def explained(result: Result, query: str, docs: Sequence[Doc]) -> list[list[Part]]:
    """The parts of the score of each document, largest first.

    Only retrievers that are installed under a name are made: a result from elsewhere names no code to run. Raises
    HarnessError where that retriever can't take a score apart, or is no longer what the result was made by.
    """
    name = result.retriever
    if name not in plugins.names():
        raise HarnessError(f"{result.tag}: its retriever {name!r} is not installed under that name")
    plugin = plugins.describe(plugins.find(name))
    if not plugin.explains:
        raise HarnessError(f"{result.tag}: {name} takes no score apart")
    made, retriever = prepare(System(name, dict(result.arguments), result.tag))
    if made.state != result.fingerprint.get("state"):
        raise HarnessError(f"{result.tag}: what its arguments point at has changed since it was made; run it again")
    return [plugin.explain(retriever, query, doc) for doc in docs]

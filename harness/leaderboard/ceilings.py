"""How good a reranker can get: it finds nothing that its input has not within the depth that it reranks."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from harness.measures.scores import mean
from harness.results import Result


def ceilings(results: Sequence[Result]) -> list[str]:
    """A note for each reranker: the recall of its input at the depth, dataset by dataset, where both are here."""
    found: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for result in results:
        tag, depth = result.facts.get("reranks"), result.facts.get("depth")
        if not isinstance(tag, str) or not isinstance(depth, int):
            continue
        here = next((one.now for one in result.inputs if one.tag == tag and one.same is not False), None)
        if here is None:
            continue
        depth = min(depth, result.facts.get("input_deepest") or depth)  # the run may end before
        if here.knows(f"recall@{depth}"):
            found[result.tag, tag, depth].append(f"{recall(here, depth):.4f} on {result.dataset}")
    return [
        f"{reranker} orders the first {depth} documents of {tag}; more than their R@{depth} no order finds: "
        + ", ".join(values)
        for (reranker, tag, depth), values in found.items()
    ]


def recall(result: Result, depth: int) -> float:
    """R@`depth` of a result: stored, or counted in what it has of the judged documents; ranx takes longer to load."""
    if (measure := f"recall@{depth}") in result.measures:
        return result.mean(measure)
    matches, level = result.seen.matches, result.relevance_level
    relevant = (matches.grades >= level).sum(1)  # (Q,)
    near = (matches.ranks < depth) & (matches.grades[matches.rows, matches.numbers] >= level)  # (H,)
    hits = np.bincount(matches.rows[near], minlength=len(relevant))
    return mean((hits / np.maximum(relevant, 1)).tolist())

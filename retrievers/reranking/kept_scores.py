"""Scores of (query, document) pairs that were computed before: a file a query, written whole.

They lie in the index folder, whose key says what they depend on beside the pair. So a search that was killed loses the
query it was at, and one to another depth scores only what is new. What is kept are blocks of pairs that were scored
together: a score's last digits depend on what a model saw beside it, and a block's seconds are its own.
"""

import json
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from harness.files import sha256_json, write_json
from harness.records import Query

FOLDER = "scored"


class Scored(NamedTuple):
    """Scores of a block, in the order of its documents, and the seconds that they took."""

    scores: list[float]
    seconds: float


Blocks = dict[tuple[str, ...], Scored]  # documents of a block, in their order


class KeptScores:
    """The scores kept under `folder`. Where nothing can be written there, none are kept.

    The scores of a query are given out and kept once, so that a search that is repeated, to be timed, does its work
    again and no other.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self.taken: Counter[Path] = Counter()

    def take(self, query: Query) -> Blocks:
        """What is known of a query; a file that is not as it was written counts as none, which is told."""
        place = self._place(query)
        self.taken[place] += 1
        if self.taken[place] > 1:
            return {}
        try:
            body = json.loads(place.read_bytes())
            if body.pop("sha256") == sha256_json(body):
                return {
                    tuple(block["docs"]): Scored(list(block["scores"]), float(block["seconds"]))
                    for block in body["blocks"]
                }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        what = f"the scores kept for query {query.query_id!r} are damaged ({place}) and are made again"
        warnings.warn(what, stacklevel=2)
        return {}

    def keep(self, query: Query, blocks: Mapping[tuple[str, ...], Scored]) -> None:
        """Keep all blocks of a query, unless it was taken before."""
        place = self._place(query)
        if self.taken[place] > 1:
            return
        listed = [
            {"docs": docs, "scores": one.scores, "seconds": round(one.seconds, 6)} for docs, one in blocks.items()
        ]
        body = {"query_id": query.query_id, "blocks": listed}
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            write_json(place, {**body, "sha256": sha256_json(body)})

    def _place(self, query: Query) -> Path:
        return self.folder / f"{sha256_json([query.query_id, query.text])[:32]}.json"

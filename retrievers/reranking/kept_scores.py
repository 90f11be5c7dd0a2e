"""Scores of (query, document) pairs that were computed before: a file a query, written whole.

They lie in the index folder, whose key says what they depend on beside the pair. So a search that was killed loses the
query it was at, and one to another depth scores only what is new.
"""

import json
from contextlib import suppress
from pathlib import Path

from harness.files import sha256_json, write_json
from harness.records import Query

FOLDER = "scored"
Scored = dict[str, float]  # doc_id -> score


class KeptScores:
    """The scores kept under `folder`. Where nothing can be written there, none are kept.

    The scores of a query are given out once, so that a search that is repeated, to be timed, does its work again;
    `seconds` is what the scores that were given out took when they were computed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds = folder / FOLDER, 0.0
        self.given: set[Path] = set()

    def take(self, query: Query) -> tuple[Scored, float]:
        """What is known of a query, and the seconds it took; a file that is not whole counts as none."""
        place = self._place(query)
        if place in self.given:
            return {}, 0.0
        self.given.add(place)
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            body = json.loads(place.read_bytes())
            digest = body.pop("sha256")
            if digest == sha256_json(body):
                self.seconds += (seconds := float(body["seconds"]))
                return {str(doc_id): float(score) for doc_id, score in body["scores"].items()}, seconds
        return {}, 0.0

    def keep(self, query: Query, scores: Scored, seconds: float) -> None:
        """Keep all scores of a query and what they took."""
        body = {"query_id": query.query_id, "seconds": round(seconds, 6), "scores": scores}
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            write_json(self._place(query), {**body, "sha256": sha256_json(body)})

    def _place(self, query: Query) -> Path:
        return self.folder / f"{sha256_json([query.query_id, query.text])[:32]}.json"

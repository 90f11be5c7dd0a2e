"""Systems that were looked at, in this process or an earlier one: no model is loaded to see that a result is there."""

from pathlib import Path
from typing import Any

from harness.retriever import Retriever
from harness.running import looks
from harness.running.prepared import Prepared, prepare
from harness.running.suites import System


class Systems:
    """What systems depend on, by their retriever and arguments. With a `cache` looks are kept there, and found again.

    The retriever made by the last look is kept for whoever indexes with that system next.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._prepared: dict[str, Prepared] = {}
        self._spare: tuple[str, Retriever] | None = None

    def seen(self, system: System) -> Prepared | None:
        """What is known of a system that was looked at before."""
        key = _key(system)
        if key not in self._prepared and self._cache and (found := looks.recall(self._cache, _words(system))):
            self._prepared[key] = found[1]
        return self._prepared.get(key)

    def add(self, system: System, prepared: Prepared) -> None:
        """Know a system that another process has looked at."""
        self._prepared[_key(system)] = prepared

    def look(self, system: System) -> None:
        """Make a retriever of the system; raises as `prepare`."""
        _, retriever = self.take(system)
        self._spare = _key(system), retriever

    def take(self, system: System) -> tuple[Prepared, Retriever]:
        """As `prepare`, with the retriever that a look has left, if it is of this system; another one is let go."""
        key, spare = _key(system), self._spare
        self._spare = None
        if spare and spare[0] == key:
            return self._prepared[key], spare[1]
        del spare
        prepared, retriever = prepare(system)
        self._prepared[key] = prepared
        if self._cache:
            looks.keep(self._cache, _words(system), system, prepared)
        return prepared, retriever


def _key(system: System) -> str:
    return repr(_words(system))


def _words(system: System) -> list[Any]:
    """What a retriever is made of; a tag is only a name."""
    return [system.spec, sorted(system.arguments.items())]

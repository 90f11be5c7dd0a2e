"""What a retriever's class says about itself, described once; the whole optional part of `harness.retriever`.

Nobody else looks with getattr whether a retriever offers this or that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.plugins import constructor, named_files
from harness.plugins.identity import code_of, environment_of, identity_of, read_by
from harness.records import Doc
from harness.retriever import Retriever


@dataclass(frozen=True)
class Plugin:
    """A retriever's class, and what it says of its arguments and of its index.

    `runtime` are the arguments that change speed and never the ranking, `content` those that only say where that is
    whose hash `state` has, `search_only` those that `index` does not look at. `divided` says whether an index can be
    made in parts, `mends` whether `index` makes the files that are missing in one that was complete once, and
    `shard_docs` of how many documents its pieces are, 0 where nobody knows. `untuned` makes what can be tuned before
    its parameters are known, None where a retriever is made as ever; `has_trials` says whether there is anything to
    tune.
    """

    cls: type
    defaults: dict[str, Any]
    runtime: frozenset[str]
    content: frozenset[str]
    search_only: frozenset[str]
    divided: bool
    mends: bool
    shard_docs: int
    untuned: Callable[..., Any] | None
    has_trials: bool

    @property
    def identity(self) -> dict[str, Any]:
        """Whose class it is, see `identity_of`; to look takes time, once a process."""
        return identity_of(self.cls)

    @property
    def code(self) -> set[Path]:
        """The files of its code outside installed packages, and what that reads, see `code_of`."""
        return code_of(self.cls)

    @property
    def environment(self) -> dict[str, str | None]:
        """The environment variables that its code reads, with the hashes of their values."""
        return environment_of(self.cls)

    @property
    def name(self) -> str:
        """Its name in tags and in the cache."""
        return str(self.identity["name"])

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments: the defaults and what was given."""
        return self.defaults | dict(given)

    def shaping(self, arguments: Mapping[str, Any], index: bool = False, located: bool = False) -> dict[str, Any]:
        """Those of `arguments` that a result depends on, or an `index`.

        `located` leaves in the places of content: what results depended on before content was known by its hash.
        """
        idle = self.runtime | (self.search_only if index else frozenset())
        found = {name: value for name, value in arguments.items() if name not in idle}
        return found if located else self.without_places(found)

    def without_places(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments without those that only say where content lies."""
        return {name: one for name, one in arguments.items() if not (name in self.content and isinstance(one, str))}

    def pieces(self, docs: int) -> int:
        """Of how many pieces an index of so many documents consists; 1 where it is made whole."""
        return -(-docs // self.shard_docs) if self.divided and self.shard_docs else 1

    def inputs(self, arguments: Mapping[str, Any], made: Retriever | None = None) -> tuple[str, ...]:
        """The tags of the systems whose runs it needs with all these arguments; what an instance knows comes first."""
        if known := getattr(made, "requires", None):
            return tuple(known)
        offered = getattr(self.cls, "inputs", None)
        return tuple(offered(arguments) if callable(offered) else getattr(self.cls, "requires", ()))

    def told(self, made: Retriever, given: Mapping[str, Any]) -> Retriever:
        """The instance, which knows its inputs now, as those that are handed nothing else have to."""
        if (tags := self.inputs(self.arguments(given))) and not getattr(made, "requires", None):
            vars(made)["requires"] = tags
        return made

    def needs(self, docs: int, arguments: Mapping[str, Any]) -> dict[str, float] | None:
        """Bytes of `disk` and `memory` that an index of so many documents takes; None where it does not say."""
        asked = getattr(self.cls, "needs", None)
        return asked(docs, arguments) if asked else None

    def sends(self, docs: Sequence[Doc], arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """`tokens` and `usd` of sending these documents to a server, and `how` that is known; None: sends nothing."""
        asked = getattr(self.cls, "sends", None)
        return asked(docs, arguments) if asked else None

    def billed(self, made: Any) -> dict[str, Any]:
        """What servers have billed for an instance's work, as an entry of its costs; empty where none did."""
        found = getattr(made, "billed", None)
        return {"billed": dict(found)} if found else {}

    def advice(self, made: Any, docs: int) -> str | None:
        """A sentence that is worth saying before so many documents are indexed."""
        return made.advice(docs) if hasattr(made, "advice") else None

    def state(self, made: Any, arguments: Mapping[str, Any]) -> Any:
        """As JSON, what the arguments of an instance point at; of one that does not say, the files that they name.

        With what its own code reads beside itself, where there is such.
        """
        said = made.fingerprint() if hasattr(made, "fingerprint") else None
        if not said and (named := named_files.contents(self.shaping(arguments))):
            said = {"files": named}
        return {"own": said, **read} if (read := read_by(self.cls)) else said

    def sources(self, made: Any, arguments: Mapping[str, Any]) -> list[Path] | None:
        """The files and folders that the state of an instance rests on; None where it does not say."""
        named = list(named_files.places(self.shaping(arguments)).values())
        if hasattr(made, "sources"):
            offered = made.sources()
            return None if offered is None else list(offered) or named
        return None if hasattr(made, "fingerprint") else named

    @property
    def explains(self) -> bool:
        """Whether it takes scores apart."""
        return hasattr(self.cls, "explain")

    def explain(self, made: Any, query: str, doc: Doc) -> list[tuple[str, float]]:
        """What each part of query and document gave to their score, largest first."""
        return sorted(made.explain(query, doc), key=lambda part: (-part[1], part[0]))

    def facts(self, made: Any) -> dict[str, Any]:
        """As JSON, what is worth knowing of a loaded instance."""
        return dict(made.facts()) if hasattr(made, "facts") else {}


def describe(cls: type) -> Plugin:
    """Read everything that the class says; makes no instance."""
    size = getattr(cls, "shard_docs", 0)
    return Plugin(
        cls,
        constructor.defaults(cls),
        frozenset(getattr(cls, "runtime", ())),
        frozenset(getattr(cls, "content", ())) if hasattr(cls, "fingerprint") else frozenset(),
        frozenset(getattr(cls, "search_only", ())),
        hasattr(cls, "index_part"),
        hasattr(cls, "index_part") or bool(getattr(cls, "mends", False)),
        size if isinstance(size, int) else 0,
        getattr(cls, "untuned", None),
        hasattr(cls, "trials") or hasattr(cls, "untuned"),
    )

"""What a run found out about a system, kept for the next: a finished pair is told without its code or its model.

<cache>/looks/<key>.json; the key is of the words of the command, the folder they were said in, the interpreter and
where it looks for modules. It counts as long as everything that it rests on is as it was, by size, times and inode: the
files that the retriever names (`sources`), its code, the files and variables that this reads, and the installed
packages. A cache that cannot be written or read only costs time.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files, plugins
from harness.running.prepared import Prepared
from harness.running.suites import System
from harness.running.watch import unchanged

SHAPE = ("defaults", "runtime", "content", "search_only")
# What may lead a name to another content, or a retriever to other settings.
ENVIRONMENT = ("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "SENTENCE_", "TORCH_", "XDG_", "HOME", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class Known(plugins.Plugin):
    """A plugin whose class was not imported: what decides about results is known of it."""

    known_identity: dict[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """As it was."""
        return self.known_identity


def keep(cache: Path, words: Sequence[Any], system: System, prepared: Prepared | None) -> None:
    """Remember the system that these words of a command stand for, if what it rests on can be watched."""
    if prepared is None or prepared.sources is None:
        return
    found = {
        "system": [system.spec, system.arguments, system.tag],
        "identity": prepared.plugin.identity,
        "found_at": plugins.found_at(prepared.plugin.identity),
        **{name: _plain(getattr(prepared.plugin, name)) for name in SHAPE},
        "passed": prepared.passed,
        "requires": prepared.requires,
        "state": prepared.state,
        "sources": prepared.sources,
        "environment": prepared.plugin.environment,
    }
    with suppress(OSError, TypeError):
        files.write_json(_path(cache, words), found)


def recall(cache: Path, words: Sequence[Any]) -> tuple[System, Prepared] | None:
    """The system that these words stand for, as it was found; None where anything has changed since."""
    path = _path(cache, words)
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = files.read_json(path)
        same = plugins.found_at(kept["identity"]) == kept["found_at"]
        if same and plugins.variables(kept["environment"]) == kept["environment"] and unchanged(kept["sources"]):
            return _of(kept)
        path.unlink(missing_ok=True)
    return None


def _of(kept: dict[str, Any]) -> tuple[System, Prepared]:
    spec, arguments, tag = kept["system"]
    shape: dict[str, Any] = {name: kept[name] if name == "defaults" else frozenset(kept[name]) for name in SHAPE}
    unasked: dict[str, Any] = {"divided": False, "mends": False, "shard_docs": 0, "untuned": None, "has_trials": False}
    plugin = Known(cls=object, **shape, **unasked, known_identity=kept["identity"])
    return System(spec, arguments, tag), Prepared(plugin, kept["passed"], tuple(kept["requires"]), kept["state"])


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _path(cache: Path, words: Sequence[Any]) -> Path:
    environment = sorted((name, value) for name, value in os.environ.items() if name.startswith(ENVIRONMENT))
    key = [*words, str(Path.cwd()), sys.prefix, sys.version, sys.path, environment]
    return cache / "looks" / f"{files.sha256_json(key)[:32]}.json"

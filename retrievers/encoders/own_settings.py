"""What a checkpoint says of itself in `retromae.json` or `dupmae.json`, checked before a model sees it.

Checkpoints come from strangers: every value is of the type that the retrievers take, or the file is refused.
"""

from pathlib import Path
from typing import Any

from harness.files import read_json

SCHEMA = 1
SIZES = ("d", "k", "max_length", "query_max_length")
LARGEST = 1 << 20  # no vocabulary, vector or text has more


def read(path: Path) -> dict[str, Any]:
    """The settings in `path`. Raises ValueError, naming the file, for what is no such file or one of a newer schema."""
    try:
        settings = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}; export the checkpoint again") from error
    found = settings.get("schema") if isinstance(settings, dict) else None
    if not isinstance(settings, dict) or type(found) is not int or found < 1:
        raise ValueError(f"{path} has schema {found!r:.40}, this version reads {SCHEMA}; export the checkpoint again")
    if found > SCHEMA:
        raise ValueError(
            f"{path} has schema {found}, this version reads up to {SCHEMA}; upgrade: pip install --upgrade beir-harness"
        )
    for name in SIZES:
        value = settings.get(name, 1)
        if type(value) is not int or not 0 < value <= LARGEST:
            raise ValueError(f"{path}: {name} is {value!r:.40}, not a whole number from 1; export the checkpoint again")
    for name, kinds, words in (
        ("title", (str, type(None)), "text or null"),
        ("activation", (str,), "text"),
        ("include_sep", (bool,), "true or false"),
    ):
        if name in settings and not isinstance(settings[name], kinds):
            raise ValueError(f"{path}: {name} is {settings[name]!r:.40}, not {words}; export the checkpoint again")
    if settings.get("similarity", "dot") != "dot":
        raise ValueError(
            f"{path}: similarity is {settings['similarity']!r:.40}; these models are compared by dot product"
        )
    return settings

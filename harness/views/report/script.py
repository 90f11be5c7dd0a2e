"""Data as scripts, `beir.put(key, value)`: a page that is opened from disk may load a script but fetch nothing."""

import json
from pathlib import Path
from typing import Any

# Inside a script these could end the element, open a comment, or break a line of older JavaScript.
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def escaped(value: Any) -> str:
    """`value` as JSON that is safe wherever a script may stand; ids and texts are always values, never keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)


def write(path: Path, key: str, value: Any) -> Path:
    """Write the script that hands `value` to the page under `key`; returns `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"beir.put({escaped(key)},{escaped(value)});\n".encode())
    return path

"""A file that is named as a retriever is code: it is said once, before it first runs, and never asked.

What was said is remembered by the content's hash in the cache, so an edited file is said again.
"""

import sys
from contextlib import suppress
from pathlib import Path

from harness import paths

FOLDER = "said-to-run-code"  # in the cache: one empty file per hash


def tell(path: Path, digest: str) -> None:
    """One line on stderr, unless it was said before of the same bytes (`digest`, a hex sha256)."""
    said = paths.cache_dir() / FOLDER / digest
    if said.is_file():
        return
    print(
        f"beir-harness: {path} is code and runs with your rights (sha256 {digest[:12]}; said once for each version)",
        file=sys.stderr,
    )
    with suppress(OSError):  # a read-only cache: it is said again next time
        said.parent.mkdir(parents=True, exist_ok=True)
        said.touch()

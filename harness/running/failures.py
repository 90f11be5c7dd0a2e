"""From an exception of a retriever to the message that a user needs; its traceback goes into a file."""

import errno
import shutil
import traceback
from contextlib import suppress
from pathlib import Path

from harness.files import FULL, existing, write_bytes
from harness.results.manifest import FAILURE


def told(error: BaseException, place: Path, cache: Path) -> str:
    """What went wrong, in a line, with the cure where there is one; writes the traceback into `place`."""
    kept = ""
    with suppress(OSError):
        write_bytes(place / FAILURE, "".join(traceback.format_exception(error)).encode("utf-8", "replace"))
        kept = f" (traceback: {place / FAILURE})"
    return f"{_what(error, place, cache)}{kept}"


def forget(place: Path) -> None:
    """The pair has succeeded: its last failure is history."""
    with suppress(OSError):
        (place / FAILURE).unlink(missing_ok=True)


def _what(error: BaseException, place: Path, cache: Path) -> str:
    plain = f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        return f"the retriever ended the program (exit status {error.code}); it should raise an exception instead"
    if isinstance(error, MemoryError):
        return f"the memory did not suffice ({plain})"
    if _has(error, FULL, "No space left on device"):
        room = ", ".join(f"{_free(folder)} free in {folder}" for folder in (cache, place.parent.parent.parent))
        return f"the disk is full: {plain}; {room}: free some and start again, what is finished is kept"
    if _has(error, (errno.EROFS,), "Read-only file system"):
        return f"{plain}; what is there can be read, not written: use another $BEIR_HARNESS_CACHE or --results"
    return plain


def _has(error: BaseException | None, numbers: tuple[int, ...], words: str) -> bool:
    """Whether the system's error is this one or behind it, also where only its words were passed on."""
    while error is not None:
        if getattr(error, "errno", None) in numbers or words in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _free(folder: Path) -> str:
    return f"{shutil.disk_usage(existing(folder)).free / 1e9:.1f} GB"

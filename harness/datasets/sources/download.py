"""One file over HTTP, whole and verified or not at all. The module knows no datasets.

The bytes arrive in `<file>.part`; a cut or stalled connection continues there, in this process or a later one. The
file takes its name only once its md5 is right.
"""

import hashlib
import shutil
import time
from pathlib import Path

from harness.errors import HarnessError

BLOCK = 1 << 18  # bytes
RETRIED = {408, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may pass


class Interrupted(Exception):
    """The connection ended early; worth another attempt."""


def download(
    url: str, path: Path, md5: str, *, attempts: int = 4, pause: float = 1.0, timeout: float = 30.0, cure: str = ""
) -> None:
    """Fetch `url` to `path`, whose md5 must be `md5`.

    `attempts` fruitless connections in a row are made, the pause (seconds) between them doubling from `pause`; a
    connection that stays silent for `timeout` seconds counts as cut. Raises HarnessError, its message ending in
    `cure`, when the server cannot be reached, refuses, or serves something else.
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = _receive(url, part, attempts, pause, timeout, cure)
    found = _md5(part)
    if found != md5 and resumed:  # the file may have changed between the two visits
        part.unlink()
        _receive(url, part, attempts, pause, timeout, cure)
        found = _md5(part)
    if found != md5:
        part.unlink()
        raise HarnessError(
            f"{url} is not the file it should be: its md5 is {found}, expected {md5}; a proxy may have answered "
            f"instead, or the file was replaced{_then(cure)}"
        )
    part.replace(path)


def _receive(url: str, part: Path, attempts: int, pause: float, timeout: float, cure: str) -> bool:
    """Append to `part` until it is whole; returns whether it was put together from several connections."""
    import requests

    started_with = failures = 0
    resumed = False
    while True:
        started_with = part.stat().st_size if part.exists() else 0
        resumed = resumed or started_with > 0
        try:
            _connect(url, part, timeout, cure)
            return resumed
        except (requests.ConnectionError, requests.Timeout, Interrupted) as error:
            progress = part.exists() and part.stat().st_size > started_with
            failures = 1 if progress else failures + 1
            if failures >= attempts:
                raise HarnessError(f"{url} cannot be downloaded: {_cause(error)}{_then(cure)}") from error
            time.sleep(min(pause * 2 ** (failures - 1), 60.0))
        except requests.RequestException as error:
            raise HarnessError(f"{url} cannot be downloaded: {error}{_then(cure)}") from error


def _connect(url: str, part: Path, timeout: float, cure: str) -> None:
    """One connection: ask for what `part` lacks, and append it."""
    import requests
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=(min(timeout, 10.0), timeout)) as response:
        if response.status_code == 416:
            if response.headers.get("Content-Range") == f"bytes */{have}":
                return  # nothing is lacking
            part.unlink()
            raise Interrupted("the server has fewer bytes than were received before")
        if response.status_code in RETRIED:
            raise Interrupted(f"the server answers {response.status_code} {response.reason}")
        if response.status_code not in (200, 206):
            reason = f"the server answers {response.status_code} {response.reason}"
            raise HarnessError(f"{url} cannot be downloaded: {reason}{_then(cure)}")
        if response.status_code == 200 or not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server knows no ranges and begins anew
            if response.status_code == 206:
                part.unlink()
                raise Interrupted("the server sends another range than was asked for")
        size = response.headers.get("Content-Length")
        total = have + int(size) if size else None
        _check_room(part, (total or 0) - have, cure)
        with (
            open(part, "ab" if have else "wb") as file,
            tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.stem, disable=None) as bar,
        ):
            cut = False
            try:
                for block in response.iter_content(BLOCK):
                    bar.update(file.write(block))
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                cut = True
            if cut or file.tell() < (total or 0):
                of = f"of {total:,} bytes" if total else "bytes"
                raise Interrupted(f"the connection was cut after {file.tell():,} {of}")


def _check_room(part: Path, needed: int, cure: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise HarnessError(
            f"{part.parent} has {free / 1e9:.1f} GB free, the download needs {needed / 1e9:.1f}; free some, "
            f"or move the cache with $BEIR_HARNESS_CACHE{_then(cure)}"
        )


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _cause(error: Exception) -> str:
    import requests

    if isinstance(error, Interrupted):
        return str(error)
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    return "there is no connection to the server (is this machine offline?)"


def _then(cure: str) -> str:
    return f"; {cure}" if cure else ""

"""A folder in a store that fsspec knows (s3://, gs://, file://, …): list, get, put, remove. It knows no results.

What a store says is not believed: its names may lead anywhere, and its errors are of a hundred types.
"""

import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from harness import files
from harness.errors import HarnessError, printable

NO_CONTENT = {"name", "type", "Key", "size", "Size", "StorageClass", "atime", "last_accessed_on"}
REFUSED = re.compile(
    r"credential|permission|denied|forbidden|unauthori[sz]ed|anonymous|\b40[13]\b|invalidaccesskey", re.I
)
UNREACHED = re.compile(r"connect|timeout|timed out|resolve|endpoint|network|unreachable", re.I)


class Listed(NamedTuple):
    """A file of a store. `stamp` changes with its content: of all that the store tells of it, such as ETag or mtime."""

    stamp: str
    size: int


class Gone(HarnessError):
    """A file that was listed is not there any more."""


class Store:
    """The folder at `url`. Raises HarnessError where a package is missing; its methods, where the store cannot serve.

    Options (an endpoint, a profile) are fsspec's own: its configuration files, $FSSPEC_S3_ENDPOINT_URL and the like.
    """

    def __init__(self, url: str) -> None:
        self.url = re.sub(r"//[^/@]*@", "//", url).rstrip("/")  # for messages, without a password
        try:
            import fsspec
            from fsspec.registry import known_implementations
        except ModuleNotFoundError as error:
            cure = "pip install 'beir-harness[remote]'"
            raise HarnessError(f"{self.url}: results behind a URL need the package fsspec: {cure}") from error
        try:
            self.fs, self.root = fsspec.url_to_fs(url)
        except ImportError as error:
            known = known_implementations.get(url.partition("://")[0], {})
            package = known.get("class", "fsspec").partition(".")[0]
            cure = f"; pip install {package}" if package != "fsspec" else ""
            raise HarnessError(f"{self.url}: {error}{cure}") from error
        except Exception as error:  # an address or an option that the store's package does not like
            raise HarnessError(f"{self.url}: {error}; use an address such as s3://bucket/folder") from error
        self.root = self.root.rstrip("/")
        if not self.root.strip("/"):
            raise HarnessError(f"{self.url} names no bucket or folder; use an address such as s3://bucket/folder")

    def files(self, below: str = "") -> dict[str, Listed]:
        """Every file below the folder, or below `below` in it, by relative name; hidden ones are left out.

        Raises HarnessError for a name that leaves the folder, and for a bucket that is not there.
        """
        with self._told():
            self.fs.invalidate_cache()
            try:
                found = self.fs.find(f"{self.root}/{below}".rstrip("/"), detail=True)
            except FileNotFoundError:
                if self.fs.async_impl:  # object stores, which know no folders: the bucket is missing
                    raise
                found = {}
        listed = {}
        for path, info in found.items():
            if path.endswith("/"):  # how the consoles of object stores draw a folder
                continue
            name = self._checked(path)
            if not any(part.startswith(".") for part in name.split("/")):
                facts = {key: str(value) for key, value in info.items() if key not in NO_CONTENT}
                size = int(info.get("size") or 0)
                stamp = files.sha256_json([size, facts])[:16] if facts else secrets.token_hex(8)
                listed[name] = Listed(stamp, size)
        return listed

    def get(self, listed: Mapping[str, Listed], folder: Path) -> None:
        """Download these files into `folder`. Raises Gone where one is not there any more."""
        for name in listed:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        wanted, free = sum(one.size for one in listed.values()), shutil.disk_usage(folder).free
        if wanted > free:
            sizes = f"{wanted / 1e9:.1f} GB, {free / 1e9:.1f} GB free in {folder.parent}"
            raise HarnessError(f"{self.url} is too large for this disk: {sizes}; set $BEIR_HARNESS_CACHE to another")
        try:
            with self._told():
                self.fs.get([self._path(name) for name in listed], [str(folder / name) for name in listed])
        except HarnessError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise Gone(str(error)) from error
            raise

    def put(self, path: Path, name: str) -> None:
        """Upload a file under `name`."""
        with self._told():
            if not self.fs.async_impl:  # an object store has no folders, and would make a missing bucket
                self.fs.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            self.fs.put_file(str(path), self._path(name))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._told(), suppress(FileNotFoundError):
            self.fs.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _checked(self, path: str) -> str:
        name = path.removeprefix(f"{self.root}/")
        if name == path or not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
            what = f"{self.url} lists {printable(repr(path))}, which cannot lie in a results folder"
            raise HarnessError(f"{what}; remove it there, or use another URL")
        return name

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn whatever a store's package raises into one sentence with the cure."""
        try:
            yield
        except Exception as error:
            plain = " ".join(f"{type(error).__name__}: {error}".split())
            if isinstance(error, FileNotFoundError):
                what = "there is no such bucket, folder or file; make the bucket, or mend the URL"
            elif REFUSED.search(plain):
                what = f"access is refused; give {type(self.fs).__module__.partition('.')[0]} credentials that may"
            elif UNREACHED.search(plain):
                what = "it cannot be reached; look at the network and the address of the endpoint"
            else:
                what = "it does not do what it should"
            raise HarnessError(f"{self.url}: {what} ({printable(plain)})") from error

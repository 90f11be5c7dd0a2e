"""Where things live. The only module that reads environment variables."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$BEIR_HARNESS_CACHE`, else `beir-harness` in the XDG cache folder. Not created here."""
    if folder := os.environ.get("BEIR_HARNESS_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beir-harness"


def results_dir() -> Path | str:
    """`$BEIR_HARNESS_RESULTS`, a folder or a URL, else `results` in the working folder."""
    return place(os.environ.get("BEIR_HARNESS_RESULTS") or "results")


def place(text: str) -> Path | str:
    """A folder as a Path; a URL as it is, because a Path would make s3:/x of s3://x."""
    return text if "://" in text else Path(text).expanduser()


def data_dirs() -> list[Path]:
    """`$BEIR_HARNESS_DATA`: folders that hold dataset folders, separated as in $PATH; looked in first."""
    return [Path(part).expanduser() for part in os.environ.get("BEIR_HARNESS_DATA", "").split(os.pathsep) if part]

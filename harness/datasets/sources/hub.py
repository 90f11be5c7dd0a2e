"""Collections of the Hugging Face hub: `hf:mteb/scifact@revision`, `#split` for another than test.

Parquet as MTEB publishes it; BEIR's own files; and BEIR's two repositories, of texts and of judgments (`NAME-qrels`).
"""

import os
from pathlib import Path

from harness.datasets.sources.beir_files import Jsonl, Judged
from harness.datasets.sources.parquet import Parquet
from harness.datasets.sources.source import Source
from harness.errors import HarnessError

PARQUET = ("*.parquet",)
FILES = ("corpus.jsonl*", "queries.jsonl*", "qrels/*.tsv")
JUDGMENTS = ("*.tsv",)


def source(name: str, download: bool) -> Source:
    """The collection `owner/name@revision#split`, its files fetched into the hub's own cache.

    Raises HarnessError where they can't be had. Without `download` what is in that cache is used.
    """
    place, _, split = name.partition("#")
    repository, _, revision = place.partition("@")
    if repository.count("/") != 1:
        raise HarnessError(f"hf:{name}: a name is owner/name, then @revision, for example hf:mteb/scifact@main")
    folder = _fetched(name, repository, revision, PARQUET, download)
    tables = Parquet(folder, split, folder.name)  # a snapshot's folder is named by the commit, so by what the files are
    if not tables.missing:
        return tables
    folder = _fetched(name, repository, revision, FILES, download)
    texts = tables if tables.missing == ["qrels"] else Jsonl(folder)
    judgments = folder / "qrels"
    if not judgments.is_dir():
        judgments = _fetched(name, f"{repository}-qrels", "", JUDGMENTS, download)
    return Judged(texts, judgments, split, f"{folder.name} {judgments.name}")


def _fetched(name: str, repository: str, revision: str, patterns: tuple[str, ...], download: bool) -> Path:
    """The folder with the files of a repository that match."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(
            snapshot_download(
                repository, repo_type="dataset", revision=revision or None, allow_patterns=list(patterns),
                local_files_only=not download, endpoint=os.environ.get("HF_ENDPOINT"),
            )
        )  # fmt: skip
    except LocalEntryNotFoundError as error:
        what = "and downloading is off; allow it once" if not download else f"and can't be downloaded ({error})"
        raise HarnessError(f"hf:{name}: {repository} is not in the hub's cache, {what}") from error
    except RepositoryNotFoundError as error:
        raise HarnessError(f"hf:{name}: the hub has no dataset {repository!r}, or not for you") from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise HarnessError(f"hf:{name} can't be downloaded: {error}") from error

"""Collections of the Hugging Face hub as parquet: `hf:mteb/scifact@revision`, `#split` for another than test."""

import os
from pathlib import Path

from harness.datasets.sources.parquet import Parquet
from harness.errors import HarnessError


def source(name: str, download: bool) -> Parquet:
    """The parquet files of `owner/name@revision#split`, fetched into the hub's own cache.

    Raises HarnessError where they can't be had. Without `download` what is in that cache is used.
    """
    place, _, split = name.partition("#")
    repository, _, revision = place.partition("@")
    if repository.count("/") != 1:
        raise HarnessError(f"hf:{name}: a name is owner/name, then @revision, for example hf:mteb/scifact@main")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        folder = snapshot_download(
            repository, repo_type="dataset", revision=revision or None, allow_patterns=["*.parquet"],
            local_files_only=not download, endpoint=os.environ.get("HF_ENDPOINT"),
        )  # fmt: skip
    except LocalEntryNotFoundError as error:
        what = "and downloading is off; allow it once" if not download else f"and can't be downloaded ({error})"
        raise HarnessError(f"hf:{name} is not in the hub's cache, {what}") from error
    except RepositoryNotFoundError as error:
        raise HarnessError(f"hf:{name}: the hub has no dataset {repository!r}, or not for you") from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise HarnessError(f"hf:{name} can't be downloaded: {error}") from error
    # A snapshot lies under the commit that the revision means now, so it is what the files are.
    return Parquet(Path(folder), split, Path(folder).name)

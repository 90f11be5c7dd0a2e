"""Where a run finds its data and leaves what it makes."""

from pathlib import Path
from typing import Any, NamedTuple, Self

from harness import datasets
from harness.datasets import Dataset
from harness.results import manifest


class Folders(NamedTuple):
    """The folders of a run, and whether a dataset that is in none of them may be downloaded."""

    results: Path
    cache: Path
    data_dirs: tuple[Path, ...] = ()
    download: bool = True

    def dataset(self, name: str) -> Dataset:
        """A dataset by name or path; raises HarnessError where there is none."""
        return datasets.load(name, self.data_dirs, self.cache, self.download)

    def result(self, tag: str, name: str) -> Path:
        """Where the result of a system on a dataset lies, by whatever name or path it was asked for."""
        return manifest.folder(self.results, tag, datasets.name_of(name, self.data_dirs))

    def plain(self) -> list[Any]:
        """As JSON can hold it, for another process."""
        return [str(self.results), str(self.cache), [str(folder) for folder in self.data_dirs], self.download]

    @classmethod
    def of(cls, plain: list[Any]) -> Self:
        """The other way round."""
        results, cache, data_dirs, download = plain
        return cls(Path(results), Path(cache), tuple(map(Path, data_dirs)), download)

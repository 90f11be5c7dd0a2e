"""How the pairs of a run are to be done: what is the same for all of them."""

from typing import Any, NamedTuple, Self

from harness.running.folders import Folders


class Job(NamedTuple):
    """Where, how deep, whether results that were made differently are replaced, on which devices, how long at most.

    `devices` share the work on an index where it can be divided; a system that names its device keeps it. With a
    `timeout` (seconds) every pair has a process of its own, which is killed when that time is over.
    """

    folders: Folders
    k: int = 1000
    overwrite: bool = False
    devices: tuple[str, ...] = ()
    timeout: float | None = None

    def plain(self) -> list[Any]:
        """As JSON can hold it, for another process."""
        return [self.folders.plain(), self.k, self.overwrite, list(self.devices), self.timeout]

    @classmethod
    def of(cls, plain: list[Any]) -> Self:
        """The other way round."""
        folders, k, overwrite, devices, timeout = plain
        return cls(Folders.of(folders), k, overwrite, tuple(devices), timeout)

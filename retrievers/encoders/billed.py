"""What a server has billed, written down answer by answer, so that a kill loses nothing of it.

folder/billed.<host>-<process>-<nanoseconds>.txt   a line an answer: its tokens; each call of `index` has its file
"""

import os
import time
from pathlib import Path
from threading import Lock


class Ledger:
    """Tokens of answers, those of earlier ledgers in `folder` included; in memory alone without a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._lock, self._file = Lock(), None
        self.tokens = 0
        if folder is not None:
            self.tokens = sum(map(_total, folder.glob("billed.*.txt")))
            self._file = folder / f"billed.{os.uname().nodename}-{os.getpid()}-{time.time_ns()}.txt"

    def add(self, tokens: int) -> None:
        """Note an answer. It was paid whether or not it is of any use; threads may call this at the same time."""
        with self._lock:
            self.tokens += tokens
            if self._file is not None:
                with open(self._file, "ab") as file:
                    file.write(b"%d\n" % tokens)


def _total(path: Path) -> int:
    """The sum of a file's lines; half a line, of a killed process, is none."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return sum(int(line) for line in whole.splitlines() if line.isdigit())

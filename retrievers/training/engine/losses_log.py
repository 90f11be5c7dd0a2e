"""Loss curves: a JSON object a line, every few steps; pure functions of the run, so that they hold no times."""

import json
from pathlib import Path
from typing import Any

from harness.files import write_bytes


class LossLog:
    """A file of losses, cut back to the step that a run goes on from, then appended to."""

    def __init__(self, path: Path, step: int, tensorboard: Path | None = None) -> None:
        """Keep the lines up to `step`. ImportError if TensorBoard is asked for and missing."""
        self.path = path
        kept = [line for line in _lines(path) if line["step"] <= step]
        write_bytes(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self.file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (closed by close)
        self.writer = _summary_writer(tensorboard, step) if tensorboard else None

    def write(self, line: dict[str, Any]) -> None:
        """Append one line; visible to others at once."""
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        if self.writer:
            for name, value in line.items():
                self.writer.add_scalar(name, value, line["step"])

    def close(self) -> list[dict[str, Any]]:
        """All lines of the run."""
        self.file.close()
        if self.writer:
            self.writer.close()
        return _lines(self.path)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the log; a last one that a kill cut off is dropped."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _summary_writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError("--tensorboard needs `pip install tensorboard`") from error
    return SummaryWriter(str(folder), purge_step=step + 1)

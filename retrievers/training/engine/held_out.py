"""The losses on text that is not trained on: whether a model still learns, and which of two settings is better."""

from pathlib import Path
from typing import Any

import torch

from retrievers.training.data.batches import Batches
from retrievers.training.engine.losses_log import LossLog
from retrievers.training.models.retromae import MaskedLanguageModel

LOSSES = "held_out.jsonl"
MOST = 1000  # passages that are looked at
AT_ONCE = 16  # texts of a batch, whatever a run's: with another seed or batch size the masks are still the same


class HeldOut:
    """Batches of text held out and a log of its losses; the masks are the same each time, in every run."""

    def __init__(self, batches: Batches, precision: str, path: Path, tensorboard: Path | None) -> None:
        self.batches, self.precision, self.path, self.tensorboard = batches, precision, path, tensorboard
        self.texts = len(batches.schedule.lengths)

    def begin(self, model: MaskedLanguageModel, step: int) -> None:
        """Go on behind `step`; at step 0 with the losses of the model as it starts."""
        if not step:
            self.path.unlink(missing_ok=True)
        self.log = LossLog(self.path, step, self.tensorboard)
        if not step:
            self.measure(model, 0)

    def measure(self, model: MaskedLanguageModel, step: int) -> None:
        """Write a line: the means of the losses over batches, weighted by their texts, without dropout."""
        sums: dict[str, float] = {}
        model.eval()
        for turn in range(self.batches.schedule.per_epoch):
            batch = self.batches.draw(turn)
            kind = batch.ids.device.type
            with torch.no_grad(), torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bf16"):
                losses = model(batch)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.item() * len(batch.ids)
        model.train()
        means = {f"held_out_{name}": value / self.texts for name, value in sums.items()}
        self.log.write({"step": step, **means})

    def close(self) -> dict[str, Any]:
        """What to record: how many texts, and the first and the last line."""
        lines = self.log.close()
        return {"texts": self.texts, "first": lines[0], "last": lines[-1]}

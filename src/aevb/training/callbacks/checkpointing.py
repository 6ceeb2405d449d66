"""Checkpoints by time, between the marks: from 5e6 samples to 1e7 it is a long way.

Saving draws no random numbers and moves no weight, so when it happens changes nothing in what is trained. The clock is
monotonic: nobody can set it.
"""

import time
from pathlib import Path
from typing import Any

import lightning as L

__all__ = ["TimedCheckpoint"]


class TimedCheckpoint(L.Callback):
    """Saves `path` at the end of a block when the last save, by whomever, is `minutes` ago. Several ranks decide together."""

    def __init__(self, path: Path, minutes: float) -> None:
        self.path, self.seconds = path, 60 * minutes
        self._saved = time.monotonic()

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """The clock starts."""
        self._saved = time.monotonic()

    def on_save_checkpoint(self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """The clock starts anew at every save."""
        self._saved = time.monotonic()

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves if it is time."""
        due = time.monotonic() - self._saved >= self.seconds
        if trainer.strategy.reduce_boolean_decision(due, all=False):
            trainer.save_checkpoint(self.path)

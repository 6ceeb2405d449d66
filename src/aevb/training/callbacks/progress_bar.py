"""The progress bar of a training run: samples seen, samples per second, time left, the bound."""

import time
from contextlib import ExitStack
from typing import Any

import lightning as L

from aevb.console.progress import bar
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["ProgressBar"]

REFRESH = 0.25
"""Seconds between two bounds that are shown: computing the mean over the window takes as long as a step."""


class ProgressBar(L.Callback):
    """A progress bar that counts training samples, not Lightning's batches.

    Args:
        name: Name of the run.
        max_samples: Training samples of the whole run.
    """

    def __init__(self, name: str, max_samples: int) -> None:
        self.name, self.max_samples = name, max_samples
        self._stack = ExitStack()

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Open the bar where the run starts or is resumed.

        Args:
            trainer: The trainer.
            module: The training module.
        """
        self._seen, self._described_at = module.samples_seen, 0.0
        self._bar = self._stack.enter_context(bar(self.max_samples, self.name, completed=self._seen))

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Advance the bar by the block.

        Args:
            trainer: The trainer.
            module: The training module.
            outputs: Unused.
            batch: The block of minibatches.
            batch_idx: Unused.
        """
        self._bar.advance(module.samples_seen - self._seen)
        self._seen = module.samples_seen
        now = time.monotonic()
        if module.window.held and (now - self._described_at >= REFRESH or self._seen >= self.max_samples):
            self._described_at = now
            self._bar.describe(f"{self.name}  bound {module.window.mean:.2f}")

    def teardown(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Close the bar, also after an error.

        Args:
            trainer: The trainer.
            module: The training module.
            stage: Unused.
        """
        self._stack.close()

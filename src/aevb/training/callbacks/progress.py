"""How far a training run has come: the progress bar of its command, and progress.json for `aevb-status`.

The bar shows samples seen, samples per second, time left and the bound. progress.json is written every few seconds while a run
trains, and once more when it stops, by the writer that also writes the checkpoints, in their order, so `saved_samples` is never
ahead of what is on disk.
"""

import math
import time
from collections import deque
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L

from aevb.console.progress import bar
from aevb.runs.progress import Progress, write_progress
from aevb.training.callbacks.checkpointing import CheckpointCallback
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["ProgressBar", "ProgressRecord"]

REFRESH = 0.25
"""Seconds between two bounds that are shown: computing the mean over the window takes as long as a step."""

SECONDS = 2.0
"""Seconds between two records."""

WINDOW = 30.0
"""Seconds over which the rate is taken."""


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
        """Open the bar where the run starts or is resumed (see `L.Callback.on_train_start`)."""
        self._seen, self._described_at = module.samples_seen, 0.0
        self._bar = self._stack.enter_context(bar(self.max_samples, self.name, completed=self._seen))

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Advance the bar by the block (see `L.Callback.on_train_batch_end`)."""
        self._bar.advance(module.samples_seen - self._seen)
        self._seen = module.samples_seen
        now = time.monotonic()
        if module.window.held and (now - self._described_at >= REFRESH or self._seen >= self.max_samples):
            self._described_at = now
            self._bar.describe(f"{self.name}  bound {module.window.mean:.2f}")

    def teardown(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Close the bar, also after an error (see `L.Callback.teardown`)."""
        self._stack.close()


class ProgressRecord(L.Callback):
    """Writes progress.json; comes after the callback that saves checkpoints.

    Args:
        directory: The run directory.
        checkpoints: The callback that saves, which knows the last checkpoint and has the writer.
    """

    def __init__(self, directory: Path, checkpoints: CheckpointCallback) -> None:
        self.directory, self.checkpoints = directory, checkpoints
        self._pending: Future[None] | None = None
        self._history: deque[tuple[float, int]] = deque()

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Write where the run starts or is resumed (see `L.Callback.on_train_start`)."""
        self._write(module, time.monotonic())

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Write if the last record is old enough, or if training ends here (see `L.Callback.on_train_batch_end`)."""
        now = time.monotonic()
        busy = self._pending is not None and not self._pending.done()
        if self.checkpoints.training_ends(trainer, module) or (now - self._history[-1][0] >= SECONDS and not busy):
            self._write(module, now)

    def _write(self, module: Training, now: float) -> None:
        seen = module.samples_seen
        self._history.append((now, seen))
        while len(self._history) > 2 and now - self._history[0][0] > WINDOW:
            self._history.popleft()
        first, before = self._history[0]
        rate = (seen - before) / (now - first) if now > first and seen > before else None
        mean = float(module.window.mean) if module.window.held else math.nan
        bound = mean if math.isfinite(mean) else None
        record = Progress(seen, self.checkpoints.saved_samples, bound, rate)
        self._pending = self.checkpoints.writer(partial(write_progress, self.directory, record))

"""When a checkpoint is saved: at each evaluation point, after some minutes, and before training stops.

Lightning's ModelCheckpoint counts batches and validations, and would miss points that are absolute
numbers of training samples; so this callback calls trainer.save_checkpoint itself. How a file is
written is the job of aevb.training.checkpoints.io.

Saving draws no random numbers and changes no weight, so when it happens does not change what is
trained. Time is monotonic: it does not jump when the system clock is set.
"""

import time
from pathlib import Path
from typing import Any

import lightning as L

from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.checkpoints.identity import KEY, RunIdentity
from aevb.training.checkpoints.io import SavedCheckpoint
from aevb.training.module import Training
from aevb.training.schedule import Block, EvaluationSchedule

__all__ = ["CheckpointCallback"]


class CheckpointCallback(L.Callback):
    """Saves the last checkpoint of a run; comes after the callbacks whose state is in it.

    Args:
        path: The file; what was there before is kept as the previous checkpoint.
        schedule: The evaluation points, at each of which a checkpoint is saved.
        minutes: A checkpoint is also saved at the end of a block if the last one is older than this.
        writer: Writes the files; an error of it ends the run after a block.
        resumed: The checkpoint that the run was resumed from, if any.
        identity: Whose checkpoint it is, kept in the file; readers refuse that of another run.
    """

    def __init__(
        self,
        path: Path,
        schedule: EvaluationSchedule,
        minutes: float,
        writer: BackgroundWriter,
        resumed: SavedCheckpoint | None = None,
        identity: RunIdentity | None = None,
    ) -> None:
        self.path, self.schedule, self.seconds, self.writer = path, schedule, 60 * minutes, writer
        self._latest, self._identity = resumed, identity
        self._saved_at = time.monotonic()

    @property
    def saved_samples(self) -> int:
        """Training samples of the latest checkpoint that is on disk or queued; 0 if there is none."""
        return 0 if self._latest is None else self._latest.samples_seen

    def latest(self) -> SavedCheckpoint | None:
        """Wait until the latest checkpoint is on disk.

        Returns:
            The latest checkpoint, or None if there is none.

        Raises:
            UserError: A file could not be written.
        """
        self.writer.wait()
        return self._latest

    def training_ends(self, trainer: L.Trainer, module: Training) -> bool:
        """Return whether this block is the last: by a stop signal, early stopping or the end of the budget.

        Args:
            trainer: The trainer.
            module: The training module, after the block.
        """
        return module.stopping or trainer.should_stop or module.samples_seen >= self.schedule.max_samples

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Start to measure the age of the last checkpoint (see `L.Callback.on_train_start`)."""
        module.latest_checkpoint = self.latest
        self._saved_at = time.monotonic()

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Save a checkpoint if one is due (see `L.Callback.on_train_batch_end`).

        If training ends here, wait until every file is on disk.
        """
        self.writer.check()
        if self.schedule.is_reached(batch.start, module.samples_seen) or module.stopping or self._is_old(trainer):
            trainer.save_checkpoint(self.path)
        if self.training_ends(trainer, module):
            self.writer.wait()
            # A rank that exited while another still writes would have that one killed.
            trainer.strategy.barrier("written")

    def on_save_checkpoint(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, checkpoint: dict[str, Any]
    ) -> None:
        """Record what is saved and which run it belongs to, for every save of this trainer (see `L.Callback.on_save_checkpoint`)."""
        if self._identity is not None:
            checkpoint[KEY] = dict(self._identity)
        self._latest = SavedCheckpoint(self.path, module.samples_seen)
        self._saved_at = time.monotonic()

    def _is_old(self, trainer: L.Trainer) -> bool:
        # The clocks of the ranks differ, and all of them must save at the same block.
        old = time.monotonic() - self._saved_at >= self.seconds
        return trainer.strategy.reduce_boolean_decision(old, all=False)

"""metrics.csv and timing.csv, written at each evaluation point.

Both files are written whole each time, from rows that are also in the checkpoint: a run that is killed
between two checkpoints and resumed leaves no row that an uninterrupted run would not have. Wall times
are in a file of their own, so that metrics.csv of two runs can be compared byte for byte.

Another thread writes the files while training continues (aevb.training.checkpoints.background_writer).
Training seconds are those of the thread that trains, including the time to copy the state for a
checkpoint and to wait for the disk. In an ensemble they are those of all members together.
"""

import csv
import io
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L

from aevb.files.atomic import write_text
from aevb.runs import layout
from aevb.runs.lifecycle import check_is_still_there
from aevb.training.callbacks.evaluation import EvaluationCallback
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.module import Training
from aevb.training.schedule import Block

__all__ = ["TIMING_COLUMNS", "MetricsWriter", "csv_table"]

TIMING_COLUMNS = ("samples_seen", "training_seconds", "evaluation_seconds", "samples_per_second")


class MetricsWriter(L.Callback):
    """Writes metrics.csv and timing.csv; comes after the callback that evaluates.

    Args:
        directory: The run directory.
        evaluation: The callback that holds the rows of metrics.csv, the evaluation points and the clock.
        writer: Writes the files in the background.
    """

    def __init__(self, directory: Path, evaluation: EvaluationCallback, writer: BackgroundWriter) -> None:
        self.directory, self.evaluation, self.writer = directory, evaluation, writer
        self.clock, self.schedule = evaluation.clock, evaluation.schedule
        self.timing: list[dict[str, float]] = []

    @property
    def state_key(self) -> str:
        """The name of the state of this callback in a checkpoint; it does not change with the name of the class."""
        return "timing"

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Start the clock; a run that is extended drops the row of its former end (see `L.Callback.on_train_start`)."""
        self.timing = self.schedule.without_former_end(self.timing, module.round_samples)
        self.clock.start()

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Write both files if the block has reached an evaluation point or the end of the run (see `L.Callback.on_train_batch_end`)."""
        if not self.schedule.is_reached(batch.start, module.samples_seen):
            return
        self.timing.append(self._timing_row(module.samples_seen))
        if trainer.is_global_zero:
            check_is_still_there(self.directory)
            self._write(layout.METRICS, csv_table(self.evaluation.columns, self.evaluation.rows))
            self._write(layout.TIMING, csv_table(TIMING_COLUMNS, self.timing))

    def _timing_row(self, seen: int) -> dict[str, float]:
        before = self.timing[-1] if self.timing else dict.fromkeys(TIMING_COLUMNS, 0.0)
        training, evaluation = self.clock.seconds()
        elapsed = training - before["training_seconds"]
        rate = (seen - before["samples_seen"]) / elapsed if elapsed > 0 else float("nan")
        return dict(zip(TIMING_COLUMNS, (seen, training, evaluation, rate), strict=True))

    def _write(self, name: str, text: str) -> None:
        self.writer(partial(write_text, self.directory / name, text))

    def state_dict(self) -> dict[str, Any]:
        """Return the rows of timing.csv and the seconds up to now, as plain containers."""
        return {"rows": self.timing, "seconds": list(self.clock.seconds())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned (see `L.Callback.load_state_dict`)."""
        self.timing = list(state["rows"])
        self.clock.resume(*state["seconds"])


def csv_table(columns: tuple[str, ...], rows: list[dict[str, float]]) -> str:
    """Return rows as the text of a CSV file.

    Args:
        columns: Names of the columns, in order; other values of a row are left out.
        rows: Values by column; a value that is missing leaves an empty cell.

    Returns:
        The text. Reading a number back gives the same bits.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: repr(value) for key, value in row.items()} for row in rows)
    return text.getvalue()

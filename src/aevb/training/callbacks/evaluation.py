"""What happens at a mark: the model is evaluated, the row is written, the checkpoint is saved, in this order.

train_bound is the mean over the last samples trained on, as in the paper's Figure 2; the test values are those of this
moment, with the same noise at every mark. Evaluators beside `bound` and `importance` have columns of their own behind the
usual ones, <split>_<evaluator>_<value>, means over the images. A row is in the checkpoint that follows it, and metrics.csv
is written from the rows held: a run cut between two checkpoints leaves no row that its resumption would not write again.

Training goes on while these files are written, in this order, beside it. Training seconds are those of the thread that trains:
with what it takes to copy the state, and to wait for a disk that is not done with the checkpoint before. Of an ensemble's member
they are those of all members together.
"""

import csv
import io
import time
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L

from aevb.evaluators.evaluator import Evaluator, run_over
from aevb.loggers.base import RunContext, RunLogger
from aevb.runs.evaluation_points import is_evaluation_point
from aevb.runs.files import write_text
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.module import Training
from aevb.training.schedule import Block
from aevb.training.timer import TrainingTimer

__all__ = ["COLUMNS", "TIMING", "EvaluationCallback"]

COLUMNS = ("samples_seen", "train_bound", "test_bound", "test_reconstruction", "test_kl", "test_log_px")
FIRST = ("bound", "importance")  # the evaluators of those columns
TIMING = ("samples_seen", "training_seconds", "evaluation_seconds", "samples_per_second")


class EvaluationCallback(L.Callback):
    """Evaluates at the marks and at the end.

    evaluators: by name. `bound` sees the whole test split, every other the first `context.first` images, and those of
    `context.train` if there are any. writer: of the files; what it was refused ends the run after a block of minibatches.
    clock: of training seconds. max_samples: the end. seed: of the evaluations' noise. first_mark: marks before it are passed
    over. every: its multiples are marks too.
    """

    def __init__(
        self,
        context: RunContext,
        evaluators: dict[str, Evaluator],
        run_logger: RunLogger,
        writer: BackgroundWriter,
        clock: TrainingTimer,
        max_samples: int,
        seed: int,
        first_mark: int = 1,
        every: int | None = None,
    ) -> None:
        self.context, self.evaluators, self.run_logger, self.writer = context, evaluators, run_logger, writer
        self.clock = clock
        self.max_samples, self.seed, self.first_mark, self.every = max_samples, seed, first_mark, every
        self.rows: list[dict[str, float]] = []
        self.more: dict[str, None] = {}  # columns beside COLUMNS, in order
        self.timing: list[dict[str, float]] = []
        self.training_seconds = self.evaluation_seconds = 0.0
        self.saved: tuple[Path, int] | None = None

    @property
    def checkpoint(self) -> Path:
        """The run's last checkpoint."""
        return self.context.directory / "checkpoints" / "last.ckpt"

    def last_checkpoint(self) -> tuple[Path, int] | None:
        """File and clock of what was saved last, when it is on disk; raises what was refused."""
        self.writer.wait()
        return self.saved

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """The clock of the training seconds starts; the end of a shorter run that is being extended is no mark."""
        size = module.round_samples
        self.rows, self.timing = (
            [
                row
                for row in rows
                if is_evaluation_point(int(row["samples_seen"]) - size, int(row["samples_seen"]), self.every)
            ]
            for rows in (self.rows, self.timing)
        )
        train = None if self.context.train is None else self.context.train.to(module.device)
        self.context = self.context._replace(x=self.context.x.to(module.device), train=train)
        module.last_checkpoint = self.last_checkpoint
        if trainer.is_global_zero:
            self.run_logger.begin(self.context)
        self._start = self.clock()

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """At a mark or at the end: a row, then a checkpoint. When training is told to stop elsewhere: a checkpoint."""
        self.writer.check()
        seen = module.samples_seen
        is_due = seen >= self.first_mark and is_evaluation_point(batch.start, seen, self.every)
        at_mark = seen > batch.start and (is_due or seen >= self.max_samples)
        if not (at_mark or module.stopping):
            return
        self.training_seconds += self.clock() - self._start
        if at_mark:
            start = time.perf_counter()
            with self.clock.pause():
                self._evaluate(trainer, module)
            self.evaluation_seconds += time.perf_counter() - start
        self._start = self.clock()
        if at_mark:
            self._time(seen)
            if trainer.is_global_zero:
                self._write()
        trainer.save_checkpoint(self.checkpoint)
        if module.stopping or seen >= self.max_samples:
            # What is said, and signals do, from here on counts on it. Ranks stay together: one that leaves has the others ended.
            self.writer.wait()
            trainer.strategy.barrier("written")

    def on_save_checkpoint(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, checkpoint: dict[str, Any]
    ) -> None:
        """By whomever: it is all the same file."""
        self.saved = self.checkpoint, module.samples_seen

    def _evaluate(self, trainer: L.Trainer, module: Training) -> None:
        row: dict[str, float] = {"samples_seen": module.samples_seen}
        if module.window.held:  # not every objective has a bound
            row["train_bound"] = module.window.mean
        metrics = {f"train_{name}": value for name, value in module.objective.metrics().items()}
        self.more |= dict.fromkeys(metrics)
        row |= metrics
        module.eval()
        for name, evaluator in self.evaluators.items():
            splits = {"test": self.context.x if name == "bound" else self.context.x[: self.context.first]}
            if self.context.train is not None and name != "bound":
                splits["train"] = self.context.train
            for split, x in splits.items():
                evaluation = run_over(evaluator, self.context.model, x, self.seed)
                lead = split if name in FIRST else f"{split}_{name}"  # another evaluator's bound is not the column's
                values = {f"{lead}_{key}": evaluation.mean(key) for key in evaluation.values}
                values |= {f"{lead}_{key}": evaluation.summary[key] for key in evaluator.marked}
                shown = values if name not in FIRST else [f"{split}_{evaluator.primary_value}"]
                self.more |= dict.fromkeys(key for key in shown if key not in COLUMNS)
                row |= values
        module.train()
        self.rows.append(row)
        if trainer.is_global_zero:
            self.run_logger.mark(self.context, row)

    def _time(self, seen: int) -> None:
        before = self.timing[-1] if self.timing else dict.fromkeys(TIMING, 0.0)
        elapsed = self.training_seconds - before["training_seconds"]
        rate = (seen - before["samples_seen"]) / elapsed if elapsed > 0 else float("nan")
        self.timing.append(dict(zip(TIMING, (seen, self.training_seconds, self.evaluation_seconds, rate), strict=True)))

    def _write(self) -> None:
        texts = {"metrics.csv": table((*COLUMNS, *self.more), self.rows), "timing.csv": table(TIMING, self.timing)}
        for name, text in texts.items():
            self.writer(partial(write_text, self.context.directory / name, text))

    def state_dict(self) -> dict[str, Any]:
        """Rows and seconds, as plain containers."""
        training_seconds = self.training_seconds + self.clock() - self._start  # it may be saved between marks
        return {"rows": self.rows, "timing": self.timing, "seconds": [training_seconds, self.evaluation_seconds]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what `state_dict` gave."""
        self.rows, self.timing = list(state["rows"]), list(state["timing"])
        self.training_seconds, self.evaluation_seconds = state["seconds"]


def table(columns: tuple[str, ...], rows: list[dict[str, float]]) -> str:
    """CSV text of `rows`; a value that was not computed is empty, numbers are written so that reading gives them back."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: repr(value) for key, value in row.items()} for row in rows)
    return text.getvalue()

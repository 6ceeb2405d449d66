"""Evaluation during training: at each evaluation point and at the end, one row of values.

train_bound is the mean over the last samples trained on, as in the paper's Figure 2; the test values
are those of the model at this moment, with the same noise at every evaluation point. The evaluators
`bound` and `importance` fill the usual columns. Every other evaluator has columns of its own behind
them, <split>_<evaluator>_<value>, means over the images.

The rows are in the checkpoint, so a resumed run continues them. Writing them to metrics.csv is the job
of aevb.training.callbacks.metrics_csv, saving is that of aevb.training.callbacks.checkpointing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
from torch import Tensor

from aevb.errors import UserError
from aevb.evaluators.blocks import run_over
from aevb.evaluators.evaluator import STANDARD_ERROR, Evaluator
from aevb.loggers.base import RunContext, RunLogger
from aevb.nn.torch_settings import undisturbed_generators
from aevb.noise import FirstDraws
from aevb.training.module import Training
from aevb.training.multi_device import share_buffers
from aevb.training.schedule import Block, EvaluationSchedule
from aevb.training.timed_evaluation import TimedEvaluation
from aevb.training.timer import RunClock

__all__ = ["COLUMNS", "EvaluationCallback"]

COLUMNS = ("samples_seen", "train_bound", "test_bound", "test_reconstruction", "test_kl", "test_log_px")
"""The columns of metrics.csv that every run has."""

STANDARD = ("bound", "importance")
"""Names of the evaluators that fill COLUMNS; of another split than test they fill one column each, the primary value."""


class EvaluationCallback(L.Callback):
    """Evaluates the model at each evaluation point and at the end of the run.

    The evaluator named `bound` sees the whole test split and, if there is a `context.valid_x`, the whole validation split.
    Every other evaluator sees the first `context.num_images` test images and, if there are any, the training images
    `context.train_x`.

    Attributes:
        rows: A row for each evaluation point so far.
        latest: The evaluations of the test split at the latest one, by the name of the evaluator.

    Args:
        context: The model and the images. They are moved to the device of the model.
        evaluators: Evaluators by name.
        run_logger: Logger that is given every row.
        schedule: The evaluation points.
        clock: Seconds of the run; an evaluation is not counted as training.
        cores: How many blocks of images are evaluated at the same time.
    """

    def __init__(
        self,
        context: RunContext,
        evaluators: dict[str, Evaluator],
        run_logger: RunLogger,
        schedule: EvaluationSchedule,
        clock: RunClock,
        cores: int = 1,
    ) -> None:
        self.context, self.evaluators, self.run_logger = context, evaluators, run_logger
        self.schedule, self.clock, self.cores = schedule, clock, cores
        self.rows: list[dict[str, float]] = []
        self.latest: dict[str, TimedEvaluation] = {}
        self._extra: dict[str, None] = {}  # an ordered set
        self._first_draws = FirstDraws()

    @property
    def state_key(self) -> str:
        """The name of the state of this callback in a checkpoint; it does not change with the name of the class."""
        return "evaluation"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of metrics.csv: COLUMNS, then those of this run's objective and other evaluators."""
        return (*COLUMNS, *self._extra)

    def on_train_start(self, trainer: L.Trainer, module: Training) -> None:  # type: ignore[override]
        """Move the images to the device and start the logger (see `L.Callback.on_train_start`).

        A run that is extended drops the row of its former end, unless that is an evaluation point.
        """
        self.rows = self.schedule.without_former_end(self.rows, module.round_samples)
        train_x = None if self.context.train_x is None else self.context.train_x.to(module.device)
        valid_x = None if self.context.valid_x is None else self.context.valid_x.to(module.device)
        x = self.context.x.to(module.device)
        self.context = self.context._replace(x=x, train_x=train_x, valid_x=valid_x)
        if trainer.is_global_zero:
            with _as_evaluated(module):
                self.run_logger.begin(self.context)

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: Any, batch: Block, batch_idx: int
    ) -> None:
        """Evaluate if the block has reached an evaluation point or the end of the run (see `L.Callback.on_train_batch_end`)."""
        if not self.schedule.is_reached(batch.start, module.samples_seen):
            return
        with self.clock.evaluating(), _as_evaluated(module):
            share_buffers(module.model)
            row = self._evaluate(module)
            self.rows.append(row)
            if trainer.is_global_zero:
                self.run_logger.log_evaluation(self.context, row)

    def _evaluate(self, module: Training) -> dict[str, float]:
        row: dict[str, float] = {"samples_seen": module.samples_seen}
        if module.window.held:  # not every objective has a bound
            row["train_bound"] = module.window.mean
        metrics = {f"train_{name}": value for name, value in module.objective.metrics().items()}
        self._extra |= dict.fromkeys(metrics)
        row |= metrics
        if not module.learning_rate.is_constant:
            row["train_learning_rate"] = module.learning_rate.value(module.samples_seen)
            self._extra["train_learning_rate"] = None
        for name, evaluator in self.evaluators.items():
            for split, x in self._images(name).items():
                row |= self._values(name, evaluator, split, x)
        return {name: _plain(name, value) for name, value in row.items()}

    def _images(self, evaluator: str) -> dict[str, Tensor]:
        context = self.context
        if evaluator == "bound":
            return {"test": context.x} if context.valid_x is None else {"test": context.x, "valid": context.valid_x}
        images = {"test": context.x[: context.num_images]}
        return images if context.train_x is None else {**images, "train": context.train_x}

    def _values(self, name: str, evaluator: Evaluator, split: str, x: Tensor) -> dict[str, float]:
        start = time.perf_counter()
        seed = self.context.settings["seed"]
        evaluation = run_over(evaluator, self.context.model, x, seed, first_draws=self._first_draws, cores=self.cores)
        if split == "test":
            self.latest[name] = TimedEvaluation(evaluator, evaluation, time.perf_counter() - start)
        # Another evaluator may have a value called bound; it must not take the place of the column test_bound.
        prefix = split if name in STANDARD else f"{split}_{name}"
        values = {f"{prefix}_{key}": evaluation.mean(key) for key in evaluation.values}
        values |= {f"{prefix}_{key}": evaluation.summary[key] for key in evaluator.marked}
        columns = [f"{split}_{evaluator.primary_value}"] if name in STANDARD else values
        self._extra |= dict.fromkeys(key for key in columns if key not in COLUMNS)
        if name == "importance":  # no column of metrics.csv; for the logger
            error = evaluation.standard_error(evaluator.primary_value)
            values[f"{prefix}_{evaluator.primary_value}{STANDARD_ERROR}"] = error
        return values

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far and the names of their further columns, as plain containers."""
        return {"rows": self.rows, "columns": list(self._extra)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned (see `L.Callback.load_state_dict`)."""
        self.rows = list(state["rows"])
        self._extra = dict.fromkeys(state.get("columns", ()))  # older checkpoints have no such key


@contextmanager
def _as_evaluated(module: Training) -> Iterator[None]:
    # A layer that computes something else in training (batch normalisation, dropout) would change while a logger draws pictures.
    with undisturbed_generators(module.device):
        module.eval()
        yield
        module.train()


def _plain(name: str, value: Any) -> float:
    """Return a number of a row as Python has it: metrics.csv cannot be read with the form of one of numpy or torch."""
    if type(value) in (int, float):
        return value
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{name}: {type(value).__name__}, which an objective or an evaluator of your own returned; allowed: a number; "
            "try: value.item()"
        ) from error

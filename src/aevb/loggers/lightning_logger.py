"""Any logger of Lightning, fed at the evaluation points.

A subclass says how its logger is made and what it has shown already. The names of the metrics are the
columns of metrics.csv; their step is samples_seen. At the end come `final/<evaluator>` and its standard
error, over the whole test split.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger

from aevb.config import flatten
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluation
from aevb.loggers.base import RunContext, RunLogger
from aevb.loggers.failures import finalize_failed_quietly, in_one_line
from aevb.loggers.pictures import pictures
from aevb.runs.settings import read_settings
from aevb.types import NonNegativeInt

__all__ = ["LightningLogger"]


class LightningLogger(RunLogger):
    """Feeds a Lightning logger that the config names.

    The class of the logger is none of aevb's, so its module needs --trust.

    Args:
        logger: A Lightning logger. Its own store decides what a resumed run shows twice.
        images: Number of prior samples and of reconstructed test images in the pictures, for loggers with
            `log_image`; 0: no pictures.
    """

    package: str | None = None
    """The package that the logger needs beside those of aevb; a literal, for it is read without importing the module."""

    def __init__(self, logger: Any = None, images: NonNegativeInt = 0) -> None:
        if logger is None:
            raise UserError(
                "logger.logger=null: no logger; allowed: a logger of Lightning by its class; try: "
                "'+logger.logger._target_=lightning.pytorch.loggers.CSVLogger' '+logger.logger.save_dir=outputs' --trust lightning"
            )
        self.wrapped, self.images = logger, images

    def make(self, directory: Path, settings: dict[str, Any]) -> Logger:
        """Return the Lightning logger.

        Args:
            directory: The run directory.
            settings: The config of the run.
        """
        logger: Logger = self.wrapped
        return logger

    def last(self, directory: Path, samples_seen: int) -> int:
        """Return the last samples_seen that the store of the logger has already; -1 if it has none.

        Args:
            directory: The run directory.
            samples_seen: The training samples at which the run starts or is resumed.
        """
        return -1

    def last_end(self, directory: Path) -> int:
        """Return the samples_seen of the last final evaluations that the store of the logger has; -1 if it has none.

        Args:
            directory: The run directory.
        """
        return -1

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> Logger:
        """Make the logger and look up what it has shown (see `RunLogger.logger`).

        Args:
            directory: The run directory.
            samples_seen: The training samples seen so far.
            round_samples: The training samples of one round.

        Returns:
            Lightning's logger.
        """
        self._logger: Any = self.make(directory, read_settings(directory))
        finalize_failed_quietly(self._logger)
        self._last = self.last(directory, samples_seen)
        self._last_end = self.last_end(directory)
        return self._logger

    @in_one_line
    def begin(self, context: RunContext) -> None:
        """Log the settings.

        Args:
            context: The run.
        """
        self._logger.log_hyperparams({key: value for key, value in flatten(context.settings) if key})

    @in_one_line
    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Log the values of an evaluation point, and pictures.

        Args:
            context: The run.
            row: The row of metrics.csv.
        """
        seen = int(row["samples_seen"])
        if seen <= self._last:
            return
        self._logger.log_metrics({name: value for name, value in row.items() if math.isfinite(value)}, step=seen)
        if self.images:
            for title, picture in pictures(context, self.images).items():
                self.log_picture(title.partition(",")[0].partition(":")[0], picture, seen)
        self._logger.save()
        self._last = seen

    def log_picture(self, title: str, picture: np.ndarray, seen: int) -> None:
        """Log a picture.

        Args:
            title: Its title.
            picture: Levels in [0, 1], (height, width) or (height, width, 3).
            seen: The training samples seen.
        """
        if hasattr(self._logger, "log_image"):
            self._logger.log_image(title, [picture], step=seen)

    @in_one_line
    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """Log the final evaluations, unless the store has them already, and close the logger.

        Args:
            context: The run.
            row: The last row of metrics.csv.
            evaluations: The evaluations over the whole test split, by name.
        """
        self.log_evaluation(context, row)
        final = {
            f"final/{name}{suffix}": value
            for name, evaluation in evaluations.items()
            for suffix, value in (("", evaluation.mean()), ("_standard_error", evaluation.standard_error()))
        }
        seen = int(row["samples_seen"])
        if seen > self._last_end:
            self._logger.log_metrics(final, step=seen)
            self._logger.save()
        self._logger.finalize("success")
        self.close()

    def close(self) -> None:
        """Release what the logger holds."""

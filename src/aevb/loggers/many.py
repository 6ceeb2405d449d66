"""Several loggers at once."""

from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from aevb.evaluators.evaluator import Evaluation
from aevb.loggers.base import RunContext, RunLogger

__all__ = ["Many"]


class Many(RunLogger):
    """Calls every one of its loggers.

    Args:
        loggers: The loggers, by any name.
    """

    def __init__(self, loggers: dict[str, Any]) -> None:
        self.loggers: list[RunLogger] = list(loggers.values())

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> list[Logger]:
        """Return the Lightning loggers of all (see `RunLogger.logger`).

        Args:
            directory: The run directory.
            samples_seen: The training samples seen so far.
            round_samples: The training samples of one round.

        Returns:
            Those that are not False.
        """
        made = [item.logger(directory, samples_seen, round_samples) for item in self.loggers]
        return [item for item in made if isinstance(item, Logger)]

    def begin(self, context: RunContext) -> None:
        """Begin every logger.

        Args:
            context: The run.
        """
        for item in self.loggers:
            item.begin(context)

    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Log an evaluation point with every logger.

        Args:
            context: The run.
            row: The row of metrics.csv.
        """
        for item in self.loggers:
            item.log_evaluation(context, row)

    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """End every logger.

        Args:
            context: The run.
            row: The last row of metrics.csv.
            evaluations: The evaluations over the whole test split, by name.
        """
        for item in self.loggers:
            item.end(context, row, evaluations)

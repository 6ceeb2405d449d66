r"""The learning rate, chosen as in the paper (section 5).

It was chosen from {0.01, 0.02, 0.1}, "based on performance on the training set in the first few iterations".
Each learning rate trains the run from its beginning for a given number of samples, with the run's own seed;
the one with the highest mean bound over the last fifth of these samples is selected. Test images and
evaluators are not used. The run then starts from its beginning with the selected learning rate.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aevb.config.migration import RENAMED_FILES
from aevb.errors import UserError
from aevb.files.atomic import write_json
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.records import read_learning_rates
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["LearningRateSelection"]

Trial = Callable[[float, int, int], tuple[float, int]]


class LearningRateSelection:
    """Selects a learning rate by short trials.

    Args:
        learning_rates: The learning rates to choose from.
        samples: Training samples of each trial.

    Raises:
        UserError: There is nothing to choose from.
    """

    def __init__(self, learning_rates: list[PositiveFloat], samples: PositiveInt = 100_000) -> None:
        if not learning_rates:
            raise UserError(
                "selection.learning_rates=[]: nothing to choose from; allowed: one or more; try: [0.01,0.02,0.1]"
            )
        self.learning_rates, self.samples = learning_rates, samples

    def choose(self, directory: Path, trial: Trial, *, first: bool = True) -> float:
        """Return the learning rate for a run; trials that were made before are not repeated.

        Args:
            directory: The run directory, which keeps the record of the trials.
            trial: From learning rate, training samples and length of the window (samples) to the mean
                training bound over the window (nats per datapoint, nan if training diverged) and
                samples_seen.
            first: Whether this process writes the record.

        Raises:
            UserError: Every trial diverged.
        """
        path, record = directory / layout.LEARNING_RATES, self._record(directory)
        if record["selected"] is not None:
            return float(record["selected"])
        tried = {float(row["learning_rate"]) for row in record["trials"]}
        for learning_rate in self.learning_rates:
            if learning_rate in tried:
                continue
            bound, seen = trial(learning_rate, self.samples, max(1, self.samples // 5))
            train_bound = bound if math.isfinite(bound) else None
            record["trials"].append({"learning_rate": learning_rate, "train_bound": train_bound, "samples_seen": seen})
            if first:
                write_json(path, record)
        finite = [row for row in record["trials"] if row["train_bound"] is not None]
        if not finite:
            raise UserError(
                f"selection.learning_rates={self.learning_rates}: every trial diverged within {self.samples:,} samples; "
                "try: smaller ones"
            )
        selected = float(max(finite, key=lambda row: row["train_bound"])["learning_rate"])
        if first:
            write_json(path, record | {"selected": selected})
        return selected

    def _record(self, directory: Path) -> dict[str, Any]:
        # What was tried before, also by an older version, whose file had another name.
        names = [layout.LEARNING_RATES, *(old for old, new in RENAMED_FILES.items() if new == layout.LEARNING_RATES)]
        path = next((directory / name for name in names if is_regular(directory / name)), None)
        return {"samples": self.samples, "trials": [], "selected": None} if path is None else read_learning_rates(path)

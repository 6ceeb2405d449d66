r"""The stepsize, chosen as the paper did it (section 5): from {0.01, 0.02, 0.1}, "based on performance on the training set in the
first few iterations".

Each stepsize trains the run from its beginning for so many samples, with the run's own seed; the one with the highest mean bound
over the last fifth of them is taken. Neither test images nor evaluators are looked at. The run then begins anew with it.
"""

import math
from collections.abc import Callable
from pathlib import Path

from aevb.errors import UserError
from aevb.ranges import PositiveFloat, PositiveInt
from aevb.runs import read_json, write_json

__all__ = ["RECORD", "StepsizeSelection"]

RECORD = "stepsizes.json"
"""In the run's directory: the trials, and which stepsize was selected."""

Trial = Callable[[float, int, int], tuple[float, int]]


class StepsizeSelection:
    """Trials of stepsizes.

    stepsizes: to choose from. samples: training samples of each trial.
    """

    def __init__(self, stepsizes: list[PositiveFloat], samples: PositiveInt = 100_000) -> None:
        if not stepsizes:
            raise UserError(
                "selection.stepsizes=[]: nothing to choose from; allowed: one or more; try: [0.01,0.02,0.1]"
            )
        self.stepsizes, self.samples = stepsizes, samples

    def choose(self, directory: Path, trial: Trial, *, first: bool = True) -> float:
        """The stepsize for the run in `directory`, which keeps the trials: those it has are not made again.

        trial: from stepsize, samples and length of the window to the mean training bound over the window (nats per datapoint, nan
        where training diverged) and samples seen. first: whether this process writes. Raises UserError if every trial diverged.
        """
        path = directory / RECORD
        record = read_json(path) if path.is_file() else {"samples": self.samples, "trials": [], "selected": None}
        if record["selected"] is not None:
            return float(record["selected"])
        tried = {float(row["stepsize"]) for row in record["trials"]}
        for stepsize in self.stepsizes:
            if stepsize in tried:
                continue
            bound, seen = trial(stepsize, self.samples, max(1, self.samples // 5))
            row = {"stepsize": stepsize, "train_bound": bound if math.isfinite(bound) else None, "samples_seen": seen}
            record["trials"].append(row)
            if first:
                write_json(path, record)
        finite = [row for row in record["trials"] if row["train_bound"] is not None]
        if not finite:
            raise UserError(
                f"selection.stepsizes={self.stepsizes}: every trial diverged within {self.samples:,} samples; "
                "try: smaller ones"
            )
        selected = float(max(finite, key=lambda row: row["train_bound"])["stepsize"])
        if first:
            write_json(path, record | {"selected": selected})
        return selected

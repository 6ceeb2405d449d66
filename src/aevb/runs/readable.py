"""Finished runs that a figure can be drawn from, and why the others cannot be read."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aevb.console.forks import map_forked
from aevb.errors import UserError
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.evaluation_record import checked_evaluation, evaluation_record
from aevb.runs.run import Run

if TYPE_CHECKING:
    import numpy as np

__all__ = ["KeptRun", "problem", "readable"]

SETTINGS = ("latent_dim", "choices.data", "choices.objective", "model.decoder._target_")
DONE = ("shape", "fingerprint", "training_seconds")
METRICS = ("samples_seen", "train_bound", "test_bound")


class KeptRun(Run):
    """A finished run whose tables and evaluations are read once, for a command that reads them several times."""

    @cached_property
    def _metrics(self) -> "dict[str, np.ndarray]":
        return super().metrics()

    @cached_property
    def _evaluations(self) -> dict[str, dict[str, Any]]:
        return {path.name: checked_evaluation(path) for path in layout.evaluation_files(self.directory)}

    def metrics(self) -> "dict[str, np.ndarray]":
        """Return metrics.csv by columns, as `Run.metrics`."""
        return dict(self._metrics)

    def evaluations(self) -> list[dict[str, Any]]:
        """Return the files of evaluation/, as `Run.evaluations`."""
        folder = self.directory / layout.EVALUATIONS
        return [evaluation_record(checked, folder / name) for name, checked in self._evaluations.items()]


def readable(runs: Iterable[Run]) -> tuple[list[Run], dict[Path, str]]:
    """Sort out the runs that cannot be read, so that one of them does not take a whole figure with it.

    Args:
        runs: Finished runs.

    Returns:
        Those that can be read, in order, and for every other one why not, in one line that names the file.
    """
    good, bad, all_runs = [], {}, list(runs)
    for run, (why, records) in zip(all_runs, map_forked(_look, all_runs), strict=True):
        vars(run).update(records)
        if why is None:
            good.append(run)
        else:
            bad[run.directory] = why
    return good, bad


def _look(run: Run) -> tuple[str | None, dict[str, Any]]:
    # What is wrong with a run, and its records as far as they were read.
    return problem(run), {name: value for name, value in vars(run).items() if name != "directory"}


def problem(run: Run) -> str | None:
    """Return what is wrong with the records of a finished run; None if nothing is.

    Every file is read through its schema.

    Args:
        run: The run.
    """
    try:
        for key in SETTINGS:
            _require(run, layout.CONFIG, run.settings, key)
        for key in DONE:
            _require(run, layout.DONE, run.done, key)
        metrics = run.metrics()
        for key in METRICS:
            _require(run, layout.METRICS, metrics, key)
        if is_regular(run.directory / layout.TIMING):
            run.timing()
        run.evaluations()
    except (UserError, OSError) as error:
        return " ".join(str(error).split())
    return None


def _require(run: Run, file: str, record: dict[str, Any], key: str) -> None:
    value: Any = record
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        raise UserError(f"{run.directory / file}: damaged ({key} is missing); try: the command that trained the run")

"""Finished runs that a figure can be drawn from, and why the others cannot be read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.run import Run

__all__ = ["problem", "readable"]

SETTINGS = ("latent_dim", "choices.data", "choices.objective", "model.decoder._target_")
DONE = ("fingerprint", "training_seconds")
METRICS = ("samples_seen", "train_bound", "test_bound")


def readable(runs: Iterable[Run]) -> tuple[list[Run], dict[Path, str]]:
    """Sort out the runs that cannot be read, so that one of them does not take a whole figure with it.

    Args:
        runs: Finished runs.

    Returns:
        Those that can be read, in order, and for every other one why not, in one line that names the file.
    """
    good, bad = [], {}
    for run in runs:
        why = problem(run)
        if why is None:
            good.append(run)
        else:
            bad[run.directory] = why
    return good, bad


def problem(run: Run) -> str | None:
    """Return what is wrong with the records of a finished run; None if nothing is.

    Every file is read through its schema.

    Args:
        run: The run.
    """
    try:
        for key in SETTINGS:
            _require(run.directory / layout.CONFIG, run.settings, key)
        for key in DONE:
            _require(run.directory / layout.DONE, run.done, key)
        metrics = run.metrics()
        for key in METRICS:
            _require(run.directory / layout.METRICS, metrics, key)
        if is_regular(run.directory / layout.TIMING):
            run.timing()
        run.evaluations()
    except (UserError, OSError) as error:
        return " ".join(str(error).split())
    return None


def _require(path: Path, record: dict[str, Any], key: str) -> None:
    value: Any = record
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        raise UserError(f"{path}: damaged ({key} is missing); try: the command that trained the run")

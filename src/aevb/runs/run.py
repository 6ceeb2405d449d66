"""Run directories, the unit of work, as they are read: without torch, each record when it is first asked for."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aevb.config import fingerprint_of_numbers, numbers_of
from aevb.errors import UserError
from aevb.runs import layout
from aevb.runs.csv_table import columns
from aevb.runs.evaluation_record import read_evaluation
from aevb.runs.records import read_done, sha256_of_file
from aevb.runs.settings import read_settings
from aevb.runs.walk import run_directories

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Run",
    "State",
    "finished",
    "sha256_of_model",
    "state",
]

State = Literal["missing", "partial", "done", "failed"]


def state(directory: Path) -> State:
    """Return how far a run has come, according to the files in its directory.

    Args:
        directory: The run directory.
    """
    # Text: with thousands of runs, joining paths takes longer than asking the disk.
    if not os.path.lexists(f"{directory}/{layout.CONFIG}"):
        return "missing"
    if os.path.lexists(f"{directory}/{layout.DONE}"):
        return "done"
    return "failed" if os.path.lexists(f"{directory}/{layout.FAILED}") else "partial"


def sha256_of_model(directory: Path, name: str = layout.MODEL) -> str:
    """Return the sha256 of the bytes of model.pt, or of best.pt, in hexadecimal.

    Args:
        directory: The run directory.
        name: The file.
    """
    return sha256_of_file(directory / name)


@dataclass(frozen=True)
class Run:
    """A run directory, each record of which is read when it is first asked for.

    Everything raises UserError where the record is missing or damaged.

    Attributes:
        directory: The run directory.
    """

    directory: Path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.directory.name

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The config."""
        return read_settings(self.directory, self._record)

    @cached_property
    def _record(self) -> dict[str, Any]:
        # DONE, read once for the config (a copy of which it holds) and for `done`; empty if it cannot be read.
        try:
            return read_done(self.directory)
        except (UserError, OSError):
            return {}

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the config."""
        return fingerprint_of_numbers(self.numbers)

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """What the numbers of training depend on in the config, by dotted key."""
        return numbers_of(self.settings)

    @cached_property
    def done(self) -> dict[str, Any]:
        """What DONE says; refused if it is DONE of another run."""
        try:
            done = dict(self._record or read_done(self.directory))
            done.pop("config", None)
        except FileNotFoundError as error:
            raise UserError(
                f"{self.directory / layout.DONE}: missing; try: the command that trained the run"
            ) from error
        if done.get("fingerprint", self.fingerprint) != self.fingerprint:
            raise UserError(
                f"{self.directory / layout.DONE}: of another run (its fingerprint is not that of {layout.CONFIG}); "
                "try: restore the file, or remove it, then the command that trained the run"
            )
        self.__dict__.pop("_record", None)  # it holds the config once more; with thousands of runs that is much
        return done

    def metrics(self) -> "dict[str, np.ndarray]":
        """Read metrics.csv by columns.

        Returns:
            samples_seen as integers, the others in nats per datapoint; nan where nothing was
            computed.
        """
        return self._columns(layout.METRICS)

    def timing(self) -> "dict[str, np.ndarray]":
        """Read timing.csv by columns, in seconds."""
        return self._columns(layout.TIMING)

    def _columns(self, name: str) -> "dict[str, np.ndarray]":
        try:
            return columns(f"{self.directory}/{name}")
        except FileNotFoundError as error:
            raise UserError(f"{self.directory / name}: missing; try: the command that trained the run") from error

    def evaluations(self) -> list[dict[str, Any]]:
        """Read the files of evaluation/, in the order of their names."""
        return [read_evaluation(path) for path in layout.evaluation_files(self.directory)]


def finished(runs: Path) -> list[Run]:
    """Return the runs with DONE at or below a folder, sorted by path.

    Args:
        runs: The folder.
    """
    return [Run(directory) for directory in run_directories(runs) if state(directory) == "done"]

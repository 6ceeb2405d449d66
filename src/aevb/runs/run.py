"""Run directories: the unit of work, made and read without torch.

config.yaml comes first and DONE last; every file is written beside its target and renamed, so a directory never looks like a
whole run when it is not.
"""

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import OmegaConf

from aevb.config import difference, fingerprint, fingerprint_of_numbers, numbers_of, shown
from aevb.errors import UserError
from aevb.files.atomic import PREFIX, write_json, write_text
from aevb.files.regular import open_regular, remove_file
from aevb.runs import layout
from aevb.runs.csv_table import columns
from aevb.runs.lock import lock
from aevb.runs.manifest import commit
from aevb.runs.progress import check_is_not_behind
from aevb.runs.records import read_done, read_evaluation
from aevb.runs.settings import json_copy, read_settings
from aevb.runs.walk import run_directories

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Run",
    "State",
    "check_is_still_there",
    "discard",
    "finished",
    "mark_done",
    "mark_failed",
    "planned_action",
    "prepare",
    "sha256_of_model",
    "state",
]

State = Literal["missing", "partial", "done", "failed"]
PlannedAction = Literal["new", "resume", "extend", "done"]


def state(directory: Path) -> State:
    """Return how far a run has come, according to the files in its directory.

    Args:
        directory: The run directory.
    """
    root = os.fspath(directory)  # text: with thousands of runs, joining Path objects takes longer than asking the disk
    if not os.path.lexists(os.path.join(root, layout.CONFIG)):
        return "missing"
    if os.path.lexists(os.path.join(root, layout.DONE)):
        return "done"
    return "failed" if os.path.lexists(os.path.join(root, layout.FAILED)) else "partial"


def planned_action(directory: Path, settings: dict[str, Any]) -> PlannedAction:
    """Return what training these settings in a directory would do.

    Nothing is written.

    Args:
        directory: The run directory.
        settings: The config of the run.

    Returns:
        The action; "done" if the run has seen max_samples already, or was stopped early.

    Raises:
        UserError: The directory holds another experiment, or an unfinished run that has seen more than max_samples.
    """
    before = state(directory)
    if before == "missing":
        return "new"
    differs = difference(settings, read_settings(directory))
    if os.path.lexists(directory / layout.DATA):
        differs.pop("data.path", None)  # the content of a file identifies it
    if differs:
        # Not model.encoder.hidden_dim beside the hidden_dim that it comes from.
        own = {key: pair for key, pair in differs.items() if "." not in key or differs.get(key.split(".")[-1]) != pair}
        new_values, old_values = (
            ", ".join(f"{key}={shown(pair[side])}" for key, pair in own.items()) for side in (0, 1)
        )
        raise UserError(
            f"{new_values}: {directory} holds a run with {old_values}; "
            "allowed: the same experiment; try: another name=, or remove that folder"
        )
    if before == "done":
        done = Run(directory).done
        if done.get("stopped_early") or done["samples_seen"] >= settings["max_samples"]:
            return "done"
        return "extend"
    check_is_not_behind(directory, settings["max_samples"])
    return "resume"


def prepare(directory: Path, settings: dict[str, Any]) -> None:
    """Make a directory a run of these settings that is to be trained.

    Existing files are kept. DONE of a shorter run stays until training has read its checkpoint.

    Args:
        directory: The run directory.
        settings: The config of the run.
    """
    settings = {**settings, "data": _with_first_path(directory, settings["data"])}
    write_text(directory / layout.CONFIG, OmegaConf.to_yaml(OmegaConf.create(settings)))
    remove_file(directory / layout.FAILED)
    remove_file(directory / layout.PRUNED)


def _with_first_path(directory: Path, data: dict[str, Any]) -> dict[str, Any]:
    # The path is part of the fingerprint, so a run keeps the first one; data.json has where the file is now.
    if "path" not in data or state(directory) == "missing" or not os.path.lexists(directory / layout.DATA):
        return data
    return {**data, "path": read_settings(directory)["data"].get("path")}


def check_is_still_there(directory: Path) -> None:
    """Check that the folder of a run was not renamed and its config.yaml not removed while it trains.

    Args:
        directory: The run directory.

    Raises:
        UserError: It was. The rest of the budget would be spent on a run that nothing can read.
    """
    if not (directory / layout.CONFIG).is_file():
        raise UserError(
            f"{directory / layout.CONFIG}: gone while the run trains (the folder was renamed, or the file removed); allowed: "
            "a run directory that stays where it is; try: move it back, then the same command"
        )


def discard(directory: Path) -> None:
    """Remove a run that has nothing to resume from and that no process trains, and the folders that are then empty.

    A checkpoint, or the record of finished trials of learning rates, is something to resume from. Files that are none of a
    run's stay.

    Args:
        directory: The run directory.
    """
    with suppress(UserError), lock(directory):
        if any((directory / layout.CHECKPOINTS).glob("*.ckpt")) or (directory / layout.LEARNING_RATES).exists():
            return
        for path in directory.iterdir():
            if path.name not in layout.ENTRIES and not path.name.startswith(PREFIX):
                continue  # somebody's own file
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    with suppress(OSError):
        for folder in (directory, directory.parent, directory.parent.parent):
            folder.rmdir()


def mark_done(directory: Path, facts: dict[str, Any]) -> None:
    """Write DONE.

    Args:
        directory: The run directory.
        facts: What the run came to: samples_seen at the least. Added are the fingerprint of the config, the commit of the
            code, the sha256 of model.pt, and a copy of the config that is read faster than YAML.
    """
    settings = read_settings(directory)
    identity: dict[str, Any] = {"fingerprint": fingerprint(settings), "commit": commit()}
    if os.path.lexists(directory / layout.MODEL):
        identity["model_sha256"] = sha256_of_model(directory)
    if settings.get("init_from") is not None:
        identity["init_from"] = {"run": settings["init_from"], "model_sha256": settings["init_sha256"]}
    if (copy := json_copy(directory)) is not None:
        identity["config"] = copy
    remove_file(directory / layout.FAILED)
    write_json(directory / layout.DONE, {**facts, **identity})
    with suppress(OSError):
        (directory / layout.PROGRESS).unlink(missing_ok=True)


def sha256_of_model(directory: Path, name: str = layout.MODEL) -> str:
    """Return the sha256 of the bytes of model.pt, or of best.pt, in hexadecimal.

    Args:
        directory: The run directory.
        name: The file.
    """
    with open_regular(directory / name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def mark_failed(directory: Path, traceback: str) -> None:
    """Write FAILED, if there is a run and a disk to write on.

    Args:
        directory: The run directory.
        traceback: The traceback of the error.
    """
    if (directory / layout.CONFIG).is_file():
        with suppress(UserError):
            write_text(directory / layout.FAILED, traceback)


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

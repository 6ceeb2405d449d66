"""Run directories: the unit of work, made and read without torch.

config.yaml comes first and DONE last; everything is written beside its place and renamed, so a directory is never half a
run that looks whole.
"""

import csv
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import OmegaConf
from yaml import YAMLError

from aevb.config import difference, fingerprint, shown
from aevb.config.migration import upgrade
from aevb.config.yaml_file import load_yaml
from aevb.errors import UserError
from aevb.runs.lock import lock

if TYPE_CHECKING:
    import numpy as np
from aevb.runs.files import read_json, write_json, write_text
from aevb.runs.provenance import commit

__all__ = [
    "Run",
    "discard",
    "finished",
    "mark_done",
    "mark_failed",
    "planned_action",
    "prepare",
    "read_settings",
    "state",
]

State = Literal["missing", "partial", "done", "failed"]
PlannedAction = Literal["new", "resume", "extend", "done"]

PARTS = ("data", "model", "objective", "optimizer", "trainer", "seed", "max_samples")  # without which a config is none


def read_settings(directory: Path) -> dict[str, Any]:
    """The config of a run directory, as plain containers: data, never code."""
    path = directory / "config.yaml"
    if not path.is_file():
        found = "it is empty" if directory.is_dir() else "there is no such folder"
        found = "it has no config.yaml" if directory.is_dir() and any(directory.iterdir()) else found
        raise UserError(
            f"run={directory}: not a run: {found}; allowed: a folder that aevb-train made; "
            f"try: ls {directory.parent if directory.parent.is_dir() else 'outputs/runs'}"
        )
    remedy = "allowed: what aevb-train wrote; try: restore the file, or train again under another name="
    try:
        settings = load_yaml(path)
    except (YAMLError, ValueError, OSError) as error:
        raise UserError(f"{path}: not a config ({' '.join(str(error).split())}); {remedy}") from error
    lost = [key for key in PARTS if not isinstance(settings, dict) or key not in settings]
    if lost or not isinstance(settings, dict):
        raise UserError(f"{path}: not a whole config (no {', '.join(lost)}); {remedy}")
    return upgrade({str(key): value for key, value in settings.items()})


def state(directory: Path) -> State:
    """How far the run in `directory` has come."""
    if not (directory / "config.yaml").is_file():
        return "missing"
    if (directory / "DONE").is_file():
        return "done"
    return "failed" if (directory / "FAILED").is_file() else "partial"


def planned_action(directory: Path, settings: dict[str, Any]) -> PlannedAction:
    """What training `settings` in `directory` would be; touches nothing.

    done: it has seen max_samples already. Raises UserError if the directory holds another experiment.
    """
    before = state(directory)
    if before == "missing":
        return "new"
    if differs := difference(settings, read_settings(directory)):
        # Not model.encoder.hidden_dim beside the hidden_dim that it comes from.
        own = {key: pair for key, pair in differs.items() if "." not in key or differs.get(key.split(".")[-1]) != pair}
        mine, theirs = (", ".join(f"{key}={shown(pair[side])}" for key, pair in own.items()) for side in (0, 1))
        raise UserError(
            f"{mine}: {directory} holds a run with {theirs}; "
            "allowed: the same experiment; try: another name=, or remove that folder"
        )
    if before == "done" and Run(directory).done["samples_seen"] >= settings["max_samples"]:
        return "done"
    return "extend" if before == "done" else "resume"


def prepare(directory: Path, settings: dict[str, Any]) -> None:
    """Makes `directory` a run of `settings` that is not done; what it holds already is kept."""
    write_text(directory / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(settings)))
    for mark in ("DONE", "FAILED"):
        (directory / mark).unlink(missing_ok=True)


def discard(directory: Path) -> None:
    """Removes a run that never came to a checkpoint and that nobody is at, and the folders that are empty without it."""
    with suppress(UserError), lock(directory):
        if any((directory / "checkpoints").glob("*.ckpt")):
            return
        shutil.rmtree(directory)
    with suppress(OSError):
        for folder in (directory.parent, directory.parent.parent):
            folder.rmdir()


def mark_done(directory: Path, facts: dict[str, Any]) -> None:
    """Writes DONE: `facts` (samples_seen at the least), the fingerprint of the config and the commit of the code."""
    identity = {"fingerprint": fingerprint(read_settings(directory)), "commit": commit()}
    (directory / "FAILED").unlink(missing_ok=True)
    write_json(directory / "DONE", {**facts, **identity})


def mark_failed(directory: Path, traceback: str) -> None:
    """Writes FAILED, where there is a run to mark and a disk to write on."""
    if (directory / "config.yaml").is_file():
        with suppress(UserError):
            write_text(directory / "FAILED", traceback)


@dataclass(frozen=True)
class Run:
    """A run directory, read when asked."""

    directory: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.directory.name

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Its config."""
        return read_settings(self.directory)

    @cached_property
    def fingerprint(self) -> str:
        """Of its config."""
        return fingerprint(self.settings)

    @cached_property
    def done(self) -> dict[str, Any]:
        """What DONE says."""
        return read_json(self.directory / "DONE")

    def metrics(self) -> "dict[str, np.ndarray]":
        """Columns of metrics.csv: samples_seen as integers, the others in nats per datapoint; nan where nothing was computed."""
        return _columns(self.directory / "metrics.csv")

    def timing(self) -> "dict[str, np.ndarray]":
        """Columns of timing.csv."""
        return _columns(self.directory / "timing.csv")

    def evaluations(self) -> list[dict[str, Any]]:
        """What the files of evaluation/ say, by file name."""
        return [read_json(path) for path in sorted(self.directory.glob("evaluation/*.json"))]


def _columns(path: Path) -> "dict[str, np.ndarray]":
    import numpy as np  # here, so that a command line that only asks for help does not wait for it

    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        names = list(reader.fieldnames or [])
    return {
        name: np.array([int(row[name]) for row in rows], dtype=np.int64)
        if name == "samples_seen"
        else np.array([float(row[name] or "nan") for row in rows], dtype=np.float64)
        for name in names
    }


def finished(runs: Path) -> list[Run]:
    """The runs with DONE at or below `runs`, by path."""
    return [Run(path.parent) for path in sorted(runs.rglob("DONE")) if state(path.parent) == "done"]

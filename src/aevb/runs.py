"""Run directories: the unit of work, made and read without torch.

config.yaml comes first and DONE last; everything is written beside its place and renamed, so a directory is never half a
run that looks whole.
"""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from aevb.config import difference, fingerprint, shown
from aevb.errors import UserError
from aevb.lock import lock

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Run",
    "commit",
    "discard",
    "finished",
    "mark_done",
    "mark_failed",
    "outlook",
    "prepare",
    "read_json",
    "read_settings",
    "save",
    "state",
    "write_json",
    "write_text",
]

State = Literal["missing", "partial", "done", "failed"]
Outlook = Literal["new", "resume", "extend", "done"]

PARTS = ("data", "model", "objective", "optimizer", "trainer", "seed", "max_samples")  # without which a config is none


def save(path: Path, write: Callable[[IO[bytes]], Any], previous: Path | None = None) -> None:
    """Writes a file whole or not at all: `write` fills a temporary one beside it, which is synced and renamed.

    previous: where what was there is kept. Raises UserError where nothing can be written; what was there is then as it was.
    """
    staged = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.unlink(missing_ok=True)
        with staged.open("xb") as file:  # never through a link that someone left there
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(staged, path)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:
        refused = error if isinstance(error, OSError) else error.__context__  # torch.save covers it up with another
        if not isinstance(refused, OSError):
            raise
        raise UserError(
            f"{path}: cannot be written ({refused.strerror}); what was there is kept; allowed: a folder of yours on a disk "
            "with space; try: make room there, then the same command"
        ) from error
    finally:
        with suppress(OSError):
            staged.unlink()


def _sync(folder: Path) -> None:
    # The names in a folder are on disk only when the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """`save` for text."""
    save(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """`save` for what JSON can hold."""
    write_text(path, json.dumps(value, indent=2) + "\n")


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
        settings = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OmegaConfBaseException, YAMLError, ValueError, OSError) as error:
        raise UserError(f"{path}: not a config ({' '.join(str(error).split())}); {remedy}") from error
    lost = [key for key in PARTS if not isinstance(settings, dict) or key not in settings]
    if lost or not isinstance(settings, dict):
        raise UserError(f"{path}: not a whole config (no {', '.join(lost)}); {remedy}")
    return {str(key): value for key, value in settings.items()}


def state(directory: Path) -> State:
    """How far the run in `directory` has come."""
    if not (directory / "config.yaml").is_file():
        return "missing"
    if (directory / "DONE").is_file():
        return "done"
    return "failed" if (directory / "FAILED").is_file() else "partial"


def outlook(directory: Path, settings: dict[str, Any]) -> Outlook:
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


def commit() -> str | None:
    """The commit of the code that runs, with "-dirty" after it if files were changed; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() or None


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


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote; raises UserError if it is damaged."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise UserError(
            f"{path}: damaged ({error}); try: remove it, then the command that trained the run, which makes what is missing"
        ) from error


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

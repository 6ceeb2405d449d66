"""What is done to a run directory: it is planned, prepared, and marked as done or failed; or discarded.

config.yaml comes first and DONE last; every file is written beside its target and renamed, so a directory never looks like a
whole run when it is not.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf

from aevb.config import difference, fingerprint, shown
from aevb.errors import UserError
from aevb.files.atomic import PREFIX, write_json, write_text
from aevb.files.regular import remove_file
from aevb.runs import layout
from aevb.runs.lock import lock
from aevb.runs.manifest import commit
from aevb.runs.progress import check_is_not_behind
from aevb.runs.run import Run, sha256_of_model, state
from aevb.runs.settings import json_copy, read_settings

__all__ = ["PlannedAction", "check_is_still_there", "discard", "mark_done", "mark_failed", "planned_action", "prepare"]

PlannedAction = Literal["new", "resume", "extend", "done"]
"""What training a config in a directory does; done: nothing is left to do."""


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


def mark_failed(directory: Path, traceback: str) -> None:
    """Write FAILED, if there is a run and a disk to write on.

    Args:
        directory: The run directory.
        traceback: The traceback of the error.
    """
    if (directory / layout.CONFIG).is_file():
        with suppress(UserError):
            write_text(directory / layout.FAILED, traceback)

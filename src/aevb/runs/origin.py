"""The run that another one starts from (init_from), read without torch.

The identity of the new run has the sha256 of the weights, not the path: `init_sha256` is written into its config.
"""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from aevb.errors import UserError
from aevb.files.regular import is_regular
from aevb.runs import layout
from aevb.runs.run import Run, sha256_of_model, state
from aevb.runs.run_reference import split_reference
from aevb.runs.settings import read_settings
from aevb.runs.walk import run_directories

__all__ = ["check_origin", "recorded_origins", "with_origin"]


def with_origin(settings: dict[str, Any]) -> dict[str, Any]:
    """Add the sha256 of the weights that a run starts from to its settings.

    Args:
        settings: A valid config with an `init_from`.

    Returns:
        The settings, with `init_sha256`.

    Raises:
        UserError: If `init_from` is no finished run, its weights are not those of a given `init_sha256`, or its
            optimizer is another one while `init_optimizer` is set.
    """
    path = settings["init_from"]
    directory = Path(path)
    archive, name = split_reference(path)
    if name is not None:
        words = ["aevb-weights", "unpack", str(archive), *([name] if name else [])]
        raise UserError(f"init_from={path}: in an archive; allowed: a run directory; try: {shlex.join(words)}")
    if state(directory) != "done":
        raise UserError(
            f"init_from={path}: not a finished run ({state(directory)}); allowed: a run directory with DONE; "
            "try: ls outputs/runs, or the command that trained it"
        )
    origin = Run(directory)
    digest = origin.done.get("model_sha256")
    if digest is None:
        raise UserError(
            f"init_from={path}: its DONE names no weights; try: the command that trained it, with more samples"
        )
    if settings.get("init_sha256") not in (None, digest):
        raise UserError(
            f"init_sha256={settings['init_sha256']}: {path} has other weights; allowed: {digest}; try: no init_sha256="
        )
    if settings.get("init_optimizer"):
        own, other = settings["optimizer"]["_target_"], origin.settings["optimizer"]["_target_"]
        if own != other:
            raise UserError(
                f"init_optimizer=true: {path} was trained with {other.rpartition('.')[2]}, this run has "
                f"{own.rpartition('.')[2]}; allowed: the same optimizer; try: init_optimizer=false"
            )
    return {**settings, "init_sha256": digest}


def recorded_origins(runs: Path, path: str) -> list[str]:
    """Return the sha256 of the weights with which runs started from a path, where another run was then.

    Args:
        runs: A folder of runs.
        path: The `init_from` of these runs.
    """
    digests: dict[str, None] = {}
    for directory in run_directories(runs):
        with suppress(UserError, OSError):
            settings = read_settings(directory)
            if settings.get("init_from") == path and isinstance(digest := settings.get("init_sha256"), str):
                digests[digest] = None
    return list(digests)


def check_origin(settings: dict[str, Any]) -> None:
    """Refuse weights that are not those with which a run was prepared: the other run may have been moved or extended since.

    Args:
        settings: The config of the run; one without `init_from` passes.

    Raises:
        UserError: If the file is not there, or has another sha256 than `init_sha256`.
    """
    path = settings.get("init_from")
    if path is None:
        return
    if not is_regular(Path(path) / layout.MODEL):
        raise UserError(
            f"init_from={path}: no {layout.MODEL} there, with which this run begins; allowed: the weights of init_sha256; "
            "try: move or link the run that has them to that path, or aevb-weights pack with --train, which trains it again"
        )
    if sha256_of_model(Path(path)) != settings["init_sha256"]:
        raise UserError(
            f"init_from={path}: its {layout.MODEL} is not the one that this run was prepared with; "
            "allowed: the weights of init_sha256; try: restore the file (has that run been extended?), or begin a new run"
        )

"""Whose checkpoint it is: every checkpoint carries the fingerprint and the name of its run, and is refused in another one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from aevb.config import fingerprint
from aevb.errors import UserError

__all__ = ["KEY", "RunIdentity", "check_checkpoint", "identity"]

KEY = "run"
PARTS = ("state_dict", "optimizer_states", "callbacks", "training")
RunIdentity = dict[str, str]


def identity(directory: Path, settings: dict[str, Any]) -> RunIdentity:
    """Return what a checkpoint of the run in `directory` carries under the key `run`.

    Args:
        directory: The run directory.
        settings: Its config, as config.yaml says it.
    """
    return {"fingerprint": fingerprint(settings), "name": directory.name}


def check_checkpoint(path: Path, checkpoint: Any, own: RunIdentity, tensors: Mapping[str, Tensor]) -> None:
    """Refuse a checkpoint that is not one of this run.

    Args:
        path: The file, for the message.
        checkpoint: What it holds. One of an older version, which does not say whose it is, is judged by its shapes alone.
        own: The identity of this run.
        tensors: The state_dict of the module that it is for.

    Raises:
        UserError: In one line.
    """
    remedy = "try: restore this run's own checkpoint, or remove the folder and start this run from the beginning"
    if not isinstance(checkpoint, dict) or not all(key in checkpoint for key in PARTS):
        raise UserError(f"{path}: not a checkpoint of aevb-train; allowed: what it saved for this run; {remedy}")
    saved = checkpoint.get(KEY)
    if isinstance(saved, dict) and saved.get("fingerprint") != own["fingerprint"]:
        raise UserError(
            f"{path}: a checkpoint of another run, {saved.get('name')}; allowed: one of {own['name']}; {remedy}"
        )
    state, training = checkpoint["state_dict"], checkpoint["training"]
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    if (
        not isinstance(state, dict)
        or {name: tuple(getattr(value, "shape", ())) for name, value in state.items()} != shapes
    ):
        raise UserError(f"{path}: a checkpoint of another model; allowed: one of {own['name']}; {remedy}")
    if not isinstance(training, dict) or type(training.get("samples_seen")) is not int:
        raise UserError(f"{path}: damaged (no samples_seen); allowed: what aevb-train saved; {remedy}")

"""Checkpoints that a kill cannot tear: written beside the target, synced, renamed; the previous one is kept, and used.

Lightning's own "atomic" save stages in the temporary folder, which may be another file system, and hides a refused write
(lightning issues 19970, 21800). Its AsyncCheckpointIO tells of a refused write at the next save only, and keeps as many copies
of the state as a slow disk lets wait.
"""

import copy
import os
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from torch import Tensor

from aevb.errors import UserError
from aevb.runs.checkpoints import newest_checkpoint
from aevb.runs.files import write_atomically
from aevb.training.checkpoints.background_writer import BackgroundWriter

__all__ = ["DurableCheckpointIO", "QueuedCheckpointIO", "copied", "load", "previous", "to_resume"]

PLAIN = (bool, int, float, str, type(None))


def previous(path: Path) -> Path:
    """Where the checkpoint before this one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def load(path: Path, device: Any = "cpu") -> dict[str, Any]:
    """Plain containers and tensors, never code. Raises UserError for a file that asks for more."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (UnpicklingError, RuntimeError) as error:
        raise UserError(
            f"{path}: refused, it holds more than tensors and plain containers; allowed: what aevb-train saved; "
            "try: remove it, if you do not know who made it"
        ) from error


def to_resume(directory: Path) -> Path | None:
    """The checkpoint that the run in `directory` goes on from; a damaged last one is told and set aside.

    Were it left, the next save would put it in the place of the one that is whole.
    """
    path = newest_checkpoint(directory)
    last = directory / "checkpoints" / "last.ckpt"
    if path is not None and path != last and last.is_file():
        print(f"{last}: damaged; going on from {path}, the one before it", file=sys.stderr, flush=True)
        os.replace(last, last.with_name("damaged.ckpt"))
    return path


class DurableCheckpointIO(TorchCheckpointIO):
    """torch.save and torch.load with weights_only=True, durable."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Writes `path` whole or not at all; what was there becomes `previous(path)`. Raises UserError."""
        target = Path(path)
        write_atomically(target, lambda file: torch.save(checkpoint, file), previous(target))

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """As `load`."""
        return load(Path(path), map_location)


class QueuedCheckpointIO(DurableCheckpointIO):
    """The same, written by `writer`. Training waits for a copy of its state, and for the checkpoint before if that is not on disk
    yet: there is never more than one copy."""

    def __init__(self, writer: BackgroundWriter) -> None:
        super().__init__()
        self.writer = writer
        self._before: Future[None] | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """As it is now; raises what was refused before."""
        if self._before is not None:
            self._before.result()
        self.writer.check()
        self._before = self.writer(partial(super().save_checkpoint, copied(checkpoint), path))


def copied(value: Any) -> Any:
    """`value` in containers and tensors of its own, these on the host: nothing that happens to the original changes it."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        own = copy.copy(value)  # a state_dict has attributes
        own.update((key, copied(item)) for key, item in value.items() if type(item) not in PLAIN)
        return own
    if isinstance(value, list | tuple):
        return type(value)(item if type(item) in PLAIN else copied(item) for item in value)
    return copy.deepcopy(value)

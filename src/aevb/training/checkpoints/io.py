"""How a checkpoint is written and read.

A file is written beside the target, synced and renamed, so a kill cannot damage it; the previous
checkpoint is kept, and used if the last one is damaged. Files hold tensors and plain containers only
and are loaded with weights_only=True.

Lightning's own atomic save stages the file in the temporary folder, which may be on another file
system, and hides a failed write (lightning issues 19970, 21800). Its AsyncCheckpointIO reports a
failed write only at the next save, and keeps as many copies of the state as a slow disk lets wait.
"""

import copy
import os
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from torch import Tensor

from aevb.errors import UserError
from aevb.files.atomic import write_atomically
from aevb.files.regular import open_regular
from aevb.runs import layout
from aevb.runs.layout import newest_checkpoint
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.checkpoints.migration import upgrade_checkpoint

__all__ = [
    "DurableCheckpointIO",
    "QueuedCheckpointIO",
    "SavedCheckpoint",
    "checkpoint_to_resume",
    "copied",
    "load",
    "previous_path",
]

PLAIN = (bool, int, float, str, type(None))


class SavedCheckpoint(NamedTuple):
    """A checkpoint on disk.

    Attributes:
        path: The file.
        samples_seen: Training samples of the run when it was saved.
    """

    path: Path
    samples_seen: int


def previous_path(path: Path) -> Path:
    """Return where the previous checkpoint is kept when `path` is written again.

    Args:
        path: The path of the checkpoint.
    """
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def load(path: Path, device: Any = "cpu") -> dict[str, Any]:
    """Load a checkpoint of this or an older version.

    Args:
        path: The file.
        device: Where the tensors are put.

    Returns:
        Plain containers and tensors, in the present form.

    Raises:
        UserError: The file holds more than tensors and plain containers, which could execute code.
    """
    try:
        with open_regular(path) as file:
            checkpoint = torch.load(file, map_location=device, weights_only=True)
    except (UnpicklingError, RuntimeError) as error:
        raise UserError(
            f"{path}: refused, it holds more than tensors and plain containers; allowed: what aevb-train saved; "
            "try: remove it, if you do not know who made it"
        ) from error
    try:
        return upgrade_checkpoint(checkpoint)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a checkpoint; allowed: what aevb-train saved; try: remove it") from error


def checkpoint_to_resume(directory: Path) -> Path | None:
    """Return the checkpoint from which a run is resumed, and move a damaged last one away.

    If the damaged file stayed, the next save would keep it as the previous checkpoint, in the place of
    the intact one.

    Args:
        directory: The run directory.

    Returns:
        The newest intact checkpoint, or None if there is none yet.

    Raises:
        UserError: Every checkpoint is damaged.
    """
    path = newest_checkpoint(directory)
    last = directory / layout.LAST_CHECKPOINT
    if path is not None and path != last and last.is_file():
        print(f"{last}: damaged; the run is resumed from the previous checkpoint, {path}", file=sys.stderr, flush=True)
        os.replace(last, directory / layout.DAMAGED_CHECKPOINT)
    return path


class DurableCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint files, written atomically and loaded without executing code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint atomically and keep the file that was there as `previous_path(path)`.

        Args:
            checkpoint: The checkpoint.
            path: The path of the file.
            storage_options: Unused.

        Raises:
            UserError: The file cannot be written.
        """
        target = Path(path)
        write_atomically(target, lambda file: torch.save(checkpoint, file), previous_path(target))

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """Load a checkpoint; see `load`.

        Args:
            path: The path of the file.
            map_location: The device of the tensors.
            weights_only: Unused.

        Returns:
            The checkpoint.
        """
        return load(Path(path), map_location)


class QueuedCheckpointIO(DurableCheckpointIO):
    """The same, written in the background.

    Training waits while its state is copied, and until the checkpoint before is on disk: there is
    never more than one copy.

    Args:
        writer: The thread that writes.
    """

    def __init__(self, writer: BackgroundWriter) -> None:
        super().__init__()
        self.writer = writer
        self._before: Future[None] | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Queue a copy of the current state; raise the error of an earlier write.

        Args:
            checkpoint: The checkpoint.
            path: The path of the file.
            storage_options: Unused.
        """
        if self._before is not None:
            self._before.result()
        self.writer.check()
        self._before = self.writer(partial(super().save_checkpoint, copied(checkpoint), path))


def copied(value: Any) -> Any:
    """Return a deep copy whose tensors are on the host: later changes of the original do not reach it.

    Args:
        value: Containers, tensors and plain values.

    Returns:
        The copy. A tensor gets a storage of its own size; a state_dict keeps its attributes.
    """
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        own = copy.copy(value)  # a state_dict has attributes
        own.update((key, copied(item)) for key, item in value.items() if type(item) not in PLAIN)
        return own
    if isinstance(value, list | tuple):
        return type(value)(item if type(item) in PLAIN else copied(item) for item in value)
    return copy.deepcopy(value)

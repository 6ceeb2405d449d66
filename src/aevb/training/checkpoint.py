"""Checkpoints that a kill cannot tear: written beside the target, synced, renamed; the previous one is kept.

Lightning's own "atomic" save stages in the temporary folder, which may be another file system, and hides a refused write
(lightning issues 19970, 21800).
"""

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

__all__ = ["DurableCheckpointIO", "previous"]


def previous(path: Path) -> Path:
    """Where the checkpoint before this one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


class DurableCheckpointIO(TorchCheckpointIO):
    """torch.save and torch.load with weights_only=True, durable."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Writes `path` whole or not at all; what was there becomes `previous(path)`."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = target.with_name(f".{target.name}-{os.getpid()}")
        with staged.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.replace(target, previous(target))
        os.replace(staged, target)
        directory = os.open(target.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """Reads plain containers and tensors, never code."""
        return torch.load(path, map_location=map_location, weights_only=True)

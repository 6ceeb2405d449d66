"""Partial results of an evaluation on disk.

A process that is killed loses seconds of work, and the resumed evaluation gives the same values. The
blocks are independent and have their own noise, so the values of the finished blocks are sufficient.
The file contains a digest of the inputs, so that a different evaluation does not resume from it.
"""

import time
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from aevb.files.archive import is_stored
from aevb.files.atomic import write_atomically
from aevb.files.regular import open_regular, remove_file

__all__ = ["Partial", "read_values", "write_values"]


class Partial:
    """The file with the partial results of one evaluation.

    Args:
        path: The file.
        identity: A digest of everything that the values depend on.
        every: Smallest interval between two writes, seconds.
    """

    def __init__(self, path: Path, identity: str, every: float = 2.0) -> None:
        self.path, self.identity, self.every = path, identity, every
        self._start = np.array(_clocks())
        self._written = time.perf_counter()

    @property
    def seconds(self) -> tuple[float, float]:
        """The wall-clock time and the CPU time, including earlier processes, in seconds."""
        wall, cpu = (np.array(_clocks()) - self._start).tolist()
        return wall, cpu

    def load(self, num_images: int) -> tuple[dict[str, Tensor], int]:
        """Read the partial results.

        Args:
            num_images: Number of images, n.

        Returns:
            The values by name, each (n,), and the number of finished images; ({}, 0) if the file is missing
            or damaged, or belongs to another evaluation.
        """
        saved = read_values(self.path)
        if saved is None or str(saved.pop("identity", "")) != self.identity:
            return {}, 0
        done = int(saved.pop("done"))
        self._start -= saved.pop("seconds")
        values = {name: torch.zeros(num_images, dtype=torch.float64) for name in saved}
        for name, value in values.items():
            value[:done] = torch.from_numpy(saved[name])
        return values, done

    def save(self, values: dict[str, Tensor], done: int) -> None:
        """Write the values of the finished images, unless the last write was less than `every` seconds ago.

        Args:
            values: The values by name, each (n,).
            done: Number of finished images.
        """
        if time.perf_counter() - self._written < self.every:
            return
        facts = {"identity": np.array(self.identity), "done": np.array(done), "seconds": np.array(self.seconds)}
        write_values(self.path, {name: value[:done] for name, value in values.items()}, **facts)
        self._written = time.perf_counter()

    def discard(self) -> None:
        """Delete the file, after the complete evaluation has been recorded."""
        remove_file(self.path)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def write_values(path: Path, values: dict[str, Tensor], **more: np.ndarray) -> None:
    """Write values to an .npz file, completely or not at all.

    The same values always give the same bytes.

    Args:
        path: The file.
        values: The values by name, float64.
        **more: Further arrays by name.
    """
    arrays = {**{name: value.numpy() for name, value in values.items()}, **more}
    write_atomically(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def read_values(path: Path) -> dict[str, np.ndarray] | None:
    """Read a file that `write_values` wrote.

    Args:
        path: The file.

    Returns:
        The arrays by name; None if the file is missing or damaged.
    """
    try:
        with open_regular(path) as file:  # numpy does not close what it cannot read
            return dict(np.load(file, allow_pickle=False)) if is_stored(file) else None
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, KeyError):
        return None

"""An evaluation that is under way, on disk: a process that is killed loses seconds, not hours, and not a digit.

Blocks are independent and carry their own noise, so the values of those that are done are all that there is to keep. The file
names what they were computed from; another evaluation does not go on from it.
"""

import time
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from aevb.files.archive import is_stored
from aevb.files.atomic import write_atomically
from aevb.files.regular import open_regular

__all__ = ["Partial", "read_values", "write_values"]


class Partial:
    """path: of the file. identity: what the values depend on, as a digest. every: seconds between two writes."""

    def __init__(self, path: Path, identity: str, every: float = 2.0) -> None:
        self.path, self.identity, self.every = path, identity, every
        self._start = np.array(_clocks())
        self._written = time.perf_counter()

    @property
    def seconds(self) -> tuple[float, float]:
        """Of work, by the clock and by the processor: this process's and that of those before it."""
        wall, cpu = (np.array(_clocks()) - self._start).tolist()
        return wall, cpu

    def load(self, rows: int) -> tuple[dict[str, Tensor], int]:
        """Values (rows,) by name, and how many are done; none if the file is damaged or another evaluation's."""
        found = read_values(self.path)
        if found is None or str(found.pop("identity", "")) != self.identity:
            return {}, 0
        done = int(found.pop("done"))
        self._start -= found.pop("seconds")
        values = {name: torch.zeros(rows, dtype=torch.float64) for name in found}
        for name, value in values.items():
            value[:done] = torch.from_numpy(found[name])
        return values, done

    def save(self, values: dict[str, Tensor], done: int) -> None:
        """Keeps the first `done` of values, if the last write is long enough ago."""
        if time.perf_counter() - self._written < self.every:
            return
        facts = {"identity": np.array(self.identity), "done": np.array(done), "seconds": np.array(self.seconds)}
        write_values(self.path, {name: value[:done] for name, value in values.items()}, **facts)
        self._written = time.perf_counter()

    def discard(self) -> None:
        """The evaluation is written down; this is no longer needed."""
        self.path.unlink(missing_ok=True)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def write_values(path: Path, values: dict[str, Tensor], **more: np.ndarray) -> None:
    """Writes an .npz, whole or not at all: float64 values by name, the same bytes for the same values."""
    arrays = {**{name: value.numpy() for name, value in values.items()}, **more}
    write_atomically(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def read_values(path: Path) -> dict[str, np.ndarray] | None:
    """What `write_values` wrote; None if there is no such file or it is damaged."""
    try:
        with open_regular(path) as file:  # numpy does not close what it cannot read
            return dict(np.load(file, allow_pickle=False)) if is_stored(file) else None
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, KeyError):
        return None

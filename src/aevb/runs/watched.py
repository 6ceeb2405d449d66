"""The rows of runs that are looked at again and again: a run is read anew only where its files have changed.

A finished run costs one lstat, one that is missing costs one, any other costs six and, while its lock is held, a test of the
lock. So thousands of runs can be looked at every few seconds.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from aevb.runs import layout
from aevb.runs.status import Row, row, with_bound
from aevb.runs.walk import run_directories

__all__ = ["WatchedFolders", "WatchedRows"]

FILES = (layout.CONFIG, layout.DONE, layout.FAILED, layout.METRICS, layout.PROGRESS, layout.LOCK)
SHARE = 0.1
"""Of the time that may be spent on looking for new run directories."""

Stamp = tuple[int, int, int] | None


class WatchedRows:
    """Rows of runs, each kept until a file of its run changes."""

    def __init__(self) -> None:
        self._rows: dict[Path, tuple[tuple[Stamp, ...], Row]] = {}

    def row(self, directory: Path, max_samples: int | None = None, point: str = "") -> Row:
        """Return `row` of the same arguments (see `aevb.runs.status`) with its bound, read again only if the run has changed.

        Args:
            directory: The run directory.
            max_samples: The budget that is wanted, if it is not that of the run's own config.
            point: The overrides of the sweep that it belongs to.
        """
        before = self._rows.get(directory)
        if before is not None and before[1].state != "running" and before[0] == _stamps(directory, before[1]):
            return before[1]
        stamps = {name: _stamp(directory / name) for name in FILES}  # first, so that a later change is seen next time
        new = with_bound(row(directory, max_samples, point))
        self._rows[directory] = (tuple(stamps[name] for name in _files(new)), new)
        return new


def _files(item: Row) -> tuple[str, ...]:
    # Those that alone can change the row. (Of a run that is running not even these: the lock of a process that dies is freed.)
    return {"done": (layout.DONE,), "missing": (layout.CONFIG,)}.get(item.state, FILES)


def _stamps(directory: Path, item: Row) -> tuple[Stamp, ...]:
    return tuple(_stamp(directory / name) for name in _files(item))


def _stamp(path: Path) -> Stamp:
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino


class WatchedFolders:
    """The rows of all runs in some folders, also of runs that are added later.

    Args:
        folders: The folders.
        clock: Seconds, for tests.
    """

    def __init__(self, folders: list[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self.folders, self.clock = folders, clock
        self._rows, self._next_walk = WatchedRows(), float("-inf")
        self._directories: list[Path] = []

    def __call__(self) -> list[Row]:
        """Return the rows, by path; new folders are looked for as often as that takes a tenth of the time."""
        start = self.clock()
        if start >= self._next_walk:
            self._directories = [*dict.fromkeys(path for folder in self.folders for path in run_directories(folder))]
            end = self.clock()
            self._next_walk = end + (end - start) / SHARE
        rows = [self._rows.row(directory) for directory in self._directories]
        return [item for item in rows if item.state != "missing"]  # a run that was removed

"""The runs of a sweep that are prepared and wait to be trained: as many at once as there are cores, or similar ones together."""

import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aevb import runs
from aevb.execution import pool
from aevb.execution.ensemble_groups import compatibility_key
from aevb.execution.worker_command import WorkerCommand

__all__ = ["QueuedRun", "available_cores", "blocks_at_once", "train_in_ensembles", "train_in_parallel"]


class QueuedRun(NamedTuple):
    """A prepared run directory.

    Attributes:
        directory: The run directory.
        settings: What its config says.
        trusted: Users' modules that its config may name.
    """

    directory: Path
    settings: dict[str, Any]
    trusted: tuple[str, ...]

    @property
    def command(self) -> WorkerCommand:
        """What a child process does to train it."""
        return WorkerCommand.of(self.directory, self.settings, self.trusted)


def train_in_parallel(
    queue: Sequence[QueuedRun], cores: int | None = None, prepare: Callable[[int], bool] = lambda index: True
) -> Generator[tuple[int, int], None, None]:
    """Train every run in a process of its own.

    Args:
        queue: The runs.
        cores: How many cores to keep busy; None: all that this process may use.
        prepare: Makes the run directory with an index in the queue; False: it is not trained. The first runs are trained
            while the others are prepared.

    Yields:
        Index in the queue and exit code of the process, as each ends; the code is negative if a signal ended it.
    """
    from aevb.console.progress import show_child_bars  # here, so that rich is loaded only when training

    with show_child_bars():
        yield from pool.run_workers([run.command for run in queue], cores or available_cores(), prepare)


def train_in_ensembles(queue: Sequence[QueuedRun], members: int) -> Generator[tuple[int, int], None, None]:
    """Train runs whose layers have one shape together in a process, and the others alone, one process after another.

    Which can be trained together is decided from their configs alone (aevb.execution.ensemble_groups).

    Args:
        queue: The runs.
        members: How many runs a process has at most.

    Yields:
        Index in the queue and exit code of the process that trained it; 0 for a run that is done.
    """
    groups: dict[str, list[int]] = {}
    for index, run in enumerate(queue):
        groups.setdefault(compatibility_key(run.settings) or str(run.directory), []).append(index)
    for group in groups.values():
        for start in range(0, len(group), members):
            some = group[start : start + members]
            names = ", ".join(queue[index].directory.name for index in some)
            print(f"in one process: {names}" if len(some) > 1 else f"alone: {names}", flush=True)
            code = pool.run_worker(WorkerCommand.together([queue[index].command for index in some]))
            for index in some:
                yield index, 0 if runs.state(queue[index].directory) == "done" else code


def blocks_at_once(cores: int | None, threads: int) -> int:
    """How many blocks of images one process evaluates at the same time.

    Args:
        cores: The number of cores to keep busy; None: all that this process may use.
        threads: Threads of linear algebra of each block.
    """
    return max(1, (cores or available_cores()) // threads)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

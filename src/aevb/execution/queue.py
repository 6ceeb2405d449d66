"""Jobs of a sweep that are kept back until the last is prepared, and then trained: as many at once as there are cores, or
those of one shape together in one process.

Which can be together is told from their configs alone: the paper's model and SGVB, equal in all that shapes a matrix product.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aevb import runs
from aevb.execution import pool
from aevb.execution.ensemble_groups import compatibility_key

__all__ = ["QueuedRun", "current_queue", "queue_runs", "train_at_once", "train_together"]


_jobs: list["QueuedRun"] | None = None


class QueuedRun(NamedTuple):
    """A run directory that waits to be trained.

    trusted: users' modules that its config may name. answer: is to be given the exit code of the process that trained it.
    """

    directory: Path
    settings: dict[str, Any]
    trusted: tuple[str, ...]
    answer: Callable[[int], None]

    @property
    def work(self) -> pool.WorkerCommand:
        """What a child process has to do."""
        return pool.WorkerCommand.of(self.directory, self.settings, self.trusted)


@contextmanager
def queue_runs() -> Iterator[list[QueuedRun]]:
    """While this holds, jobs are prepared and kept back in the list it gives."""
    global _jobs
    _jobs = []
    try:
        yield _jobs
    finally:
        _jobs = None


def current_queue() -> list[QueuedRun] | None:
    """Where a job goes that is to be kept back; None if it is to be trained at once."""
    return _jobs


def train_at_once(jobs: list[QueuedRun], cores: int | None) -> None:
    """Trains every job in a process of its own, as many at a time as fit on `cores`, by default all of this machine."""
    cores = cores or cores_here()
    from aevb.console.progress import show_child_bars  # here: nobody waits for rich who has nothing to watch

    with show_child_bars():
        for place, code in pool.run_workers([job.work for job in jobs], cores):
            jobs[place].answer(code)


def train_together(jobs: list[QueuedRun], members: int) -> None:
    """Trains every job, those of one shape together, at most `members` in a process; says which are alone."""
    groups: dict[str, list[QueuedRun]] = {}
    for job in jobs:
        groups.setdefault(compatibility_key(job.settings) or str(job.directory), []).append(job)
    for group in groups.values():
        for start in range(0, len(group), members):
            some = group[start : start + members]
            names = ", ".join(job.directory.name for job in some)
            print(f"in one process: {names}" if len(some) > 1 else f"alone: {names}", flush=True)
            code = pool.run_worker(pool.WorkerCommand.together([job.work for job in some]))
            for job in some:
                job.answer(0 if runs.state(job.directory) == "done" else code)


def cores_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

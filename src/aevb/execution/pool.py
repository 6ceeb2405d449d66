"""Runs as child processes, as many at a time as there are cores."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence

from aevb.execution.child_process import WorkerCommand
from aevb.execution.live_pool import live_pool

__all__ = ["run_worker", "run_workers"]


def run_worker(command: WorkerCommand) -> int:
    """Run one child process.

    Args:
        command: The command.

    Returns:
        Its exit code, negative if a signal ended it.

    Raises:
        SystemExit: As `run_workers`.
    """
    ((_, code),) = run_workers([command], 1)
    return code


def run_workers(commands: Sequence[WorkerCommand], cores: int) -> Iterator[tuple[int, int]]:
    """Run child processes, as many at a time as fit on `cores`, and at least one.

    Args:
        commands: The commands.
        cores: The number of cores.

    Yields:
        Index and exit code of each as it ends; the code is negative if a signal ended it.

    Raises:
        SystemExit: 128 + number, after a stop signal to this process was passed on to all children and they have saved and
            gone; also when a child has been stopped by a signal of its own, for nobody wants the rest of a sweep after it.
    """
    waiting = deque(enumerate(commands))
    shared = {threads for threads, count in Counter(c.threads for c in commands if c.forkable).items() if count > 1}
    with live_pool() as pool:
        while waiting or pool:
            while waiting and (not pool or sum(commands[index].cores for index in pool) + waiting[0][1].cores <= cores):
                index, command = waiting.popleft()
                pool.start(index, command, command.threads in shared)
            yield from pool.wait()

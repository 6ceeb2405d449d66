"""Runs as child processes, as many at a time as there are cores."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence

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


def run_workers(
    commands: Sequence[WorkerCommand], cores: int, prepare: Callable[[int], bool] = lambda index: True
) -> Iterator[tuple[int, int]]:
    """Run child processes, as many at a time as fit on `cores`, and at least one.

    Args:
        commands: The commands.
        cores: The number of cores.
        prepare: Called with the index of each command, in order and before any of its process; False: it is left out. The
            first processes start before the last ones are prepared.

    Yields:
        Index and exit code of each as it ends; the code is negative if a signal ended it.

    Raises:
        SystemExit: 128 + number, after a stop signal to this process was passed on to all children and they have saved and
            gone; also when a child has been stopped by a signal of its own, for nobody wants the rest of a sweep after it.
    """
    unprepared, waiting = deque(range(len(commands))), deque[int]()
    shared = {threads for threads, count in Counter(c.threads for c in commands if c.forkable).items() if count > 1}
    with live_pool() as pool:
        while unprepared or waiting or pool:
            while waiting and (not pool or sum(commands[i].cores for i in (*pool, waiting[0])) <= cores):
                index = waiting.popleft()
                pool.start(index, commands[index], commands[index].threads in shared)
            if unprepared:
                index = unprepared.popleft()
                if prepare(index):
                    waiting.append(index)
                yield from pool.wait(0)
            else:
                yield from pool.wait()

"""Runs as child processes, as many at a time as there are cores.

`run_workers` knows all commands beforehand. A search does not: its next run depends on the results of those before, so it
starts and stops the processes of a `LivePool` one by one. Either way stop signals are passed on and no child is left behind.
"""

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from aevb.console.signals import STOP_SIGNALS, Stopped
from aevb.execution.child_process import (
    SignalReceived,
    exit_code,
    signals_blocked,
    signals_raised,
    start_child,
    stop_children,
)
from aevb.execution.worker_command import WorkerCommand

__all__ = ["LivePool", "live_pool", "run_worker", "run_workers"]


class LivePool:
    """Running child processes, each with a number."""

    def __init__(self) -> None:
        self._running: dict[int, BaseProcess] = {}
        self._stopped: set[int] = set()

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[int]:
        return iter(self._running)

    def start(self, key: int, command: WorkerCommand, shared: bool = True) -> None:
        """Start a process.

        Args:
            key: A number that no running process has.
            command: What it does.
            shared: Whether others of its number of threads are started too, so that one that has loaded torch pays.
        """
        with signals_blocked():  # until the child is known here, or a signal would not reach it
            self._running[key] = start_child(command, command.forkable and shared)

    def stop(self, key: int) -> None:
        """Ask a process to save and end; `wait` returns it once it has.

        Args:
            key: Its number; nothing happens if it has ended.
        """
        process = self._running.get(key)
        if process is not None and process.exitcode is None and process.pid is not None and key not in self._stopped:
            self._stopped.add(key)
            os.kill(process.pid, signal.SIGTERM)

    def wait(self, seconds: float | None = None) -> Iterator[tuple[int, int]]:
        """Wait until a process ends.

        Args:
            seconds: The longest time to wait; None: until one ends.

        Yields:
            Number and exit code of each process that has ended; the code is negative if a signal ended it.

        Raises:
            SignalReceived: A process was stopped by a signal that `stop` has not sent, for nobody wants the others after it.
        """
        wait([process.sentinel for process in self._running.values()], seconds)
        for key, process in list(self._running.items()):
            if (code := exit_code(process)) is None:
                continue
            del self._running[key]
            if key not in self._stopped:
                for number in STOP_SIGNALS:
                    if code in (-number, 128 + number):
                        raise SignalReceived(number)
            self._stopped.discard(key)
            yield key, code

    def stop_all(self, number: int) -> None:
        """Ask all processes to save and end, and wait for them.

        Args:
            number: The signal that they receive.
        """
        stop_children(list(self._running.values()), number)


@contextmanager
def live_pool() -> Iterator[LivePool]:
    """Open a pool whose processes end with the `with` block.

    Yields:
        The pool, without processes.

    Raises:
        SystemExit: 128 + number, after a stop signal to this process was passed on to all children and they have saved.
    """
    pool = LivePool()
    with signals_raised():
        try:
            yield pool
        except SignalReceived as received:
            pool.stop_all(received.number)
            raise Stopped(received.number, "") from None
        except BaseException:
            pool.stop_all(signal.SIGTERM)
            raise


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

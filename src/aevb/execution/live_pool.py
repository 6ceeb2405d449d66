"""Child processes that are started one by one while others run, and that can be asked to stop one by one.

`aevb.execution.pool.run_workers` knows all commands beforehand. A search does not: its next run depends on the results of
those before. Both use this pool, which passes stop signals on and leaves no child behind.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from aevb.console.signals import STOP_SIGNALS
from aevb.execution.child_process import (
    SignalReceived,
    WorkerCommand,
    exit_code,
    signals_blocked,
    signals_raised,
    start_child,
    stop_children,
)

__all__ = ["LivePool", "live_pool"]


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
    """A pool whose processes end with the `with` block.

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
            raise SystemExit(128 + received.number) from None
        except BaseException:
            pool.stop_all(signal.SIGTERM)
            raise

"""Child processes that are started one by one while others run, and that can be asked to stop one by one.

`aevb.execution.pool.run_workers` knows all commands beforehand. A search does not: its next run depends on the results of
those before. Signals and the death of the command are handled in the same way.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from aevb.console.signals import STOP_SIGNALS
from aevb.execution.pool import (
    WorkerCommand,
    _exit_code,
    _SignalReceived,
    _signals_blocked,
    _signals_raise,
    _start,
    _stop,
)

__all__ = ["LivePool", "live_pool"]


class LivePool:
    """The child processes of a search."""

    def __init__(self) -> None:
        self._running: dict[int, BaseProcess] = {}
        self._stopped: set[int] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, key: int, command: WorkerCommand) -> None:
        """Start a process.

        Args:
            key: A number that no running process has.
            command: What it does.
        """
        with _signals_blocked():  # until the child is known here, or a signal would not reach it
            self._running[key] = _start(command, command.forkable)

    def stop(self, key: int) -> None:
        """Ask a process to save and end; `wait` returns it once it has.

        Args:
            key: Its number; nothing happens if it has ended.
        """
        process = self._running.get(key)
        if process is not None and process.exitcode is None and process.pid is not None and key not in self._stopped:
            self._stopped.add(key)
            os.kill(process.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> list[tuple[int, int]]:
        """Wait until a process ends.

        Args:
            seconds: The longest time to wait.

        Returns:
            Number and exit code of each process that has ended; the code is negative if a signal ended it.
        """
        wait([process.sentinel for process in self._running.values()], seconds)
        ended = []
        for key, process in list(self._running.items()):
            if (code := _exit_code(process)) is None:
                continue
            del self._running[key]
            if key not in self._stopped:
                for number in STOP_SIGNALS:
                    if code in (-number, 128 + number):  # the user stopped this one: nobody wants the others
                        raise _SignalReceived(number)
            self._stopped.discard(key)
            ended.append((key, code))
        return ended

    def stop_all(self, number: int) -> None:
        """Ask all processes to save and end, and wait for them.

        Args:
            number: The signal that they receive.
        """
        _stop(list(self._running.values()), number)


@contextmanager
def live_pool() -> Iterator[LivePool]:
    """A pool whose processes end with the `with` block.

    Yields:
        The pool, without processes.

    Raises:
        SystemExit: 128 + number, after a stop signal to this process was passed on to all children and they have saved.
    """
    pool = LivePool()
    with _signals_raise():
        try:
            yield pool
        except _SignalReceived as received:
            pool.stop_all(received.number)
            raise SystemExit(128 + received.number) from None
        except BaseException:
            pool.stop_all(signal.SIGTERM)
            raise

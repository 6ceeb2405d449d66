"""The signals that ask a process to save and end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["STOP_SIGNALS", "Stopped", "end_by_signal", "ends_by_signal", "handle_stop_signals", "stop_signals"]

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""SIGHUP comes when a terminal is closed; SIGUSR1 and SIGUSR2 are what schedulers send before the end of a time limit."""

_received: list[int] = []


class Stopped(SystemExit):
    """A stop signal ends this process where it has nothing to save; whoever prints why sets `is_said`.

    Args:
        number: The signal.
        when: When it came, in words: "before training began"; None where that is not known.

    Attributes:
        number: The signal.
        is_said: Whether a line says so.
    """

    def __init__(self, number: int, when: str | None = None) -> None:
        super().__init__(128 + number)
        self.number, self.when, self.is_said = number, when, False

    def __reduce__(self) -> tuple[Any, ...]:  # a job of joblib's hands it over to another process
        return Stopped, (self.number, self.when), {"is_said": self.is_said}

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        return f"stopped by {name}{f' {self.when}' if self.when else ''}"


def stop_signals() -> tuple[signal.Signals, ...]:
    """Those of STOP_SIGNALS that this process may handle: `nohup` has SIGHUP ignored, and that is to stay so."""
    return tuple(
        number
        for number in STOP_SIGNALS
        if not (number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN)
    )


def handle_stop_signals() -> None:
    """Let stop signals raise an exception in this process, from now on: KeyboardInterrupt for SIGINT, else Stopped.

    The signal is also noted, because a library may catch what is raised within it: see `end_by_signal`.
    """
    _received.clear()
    for number in stop_signals():
        signal.signal(number, _receive)


def end_by_signal() -> None:
    """Raise once more what a stop signal has raised, if there was one.

    Raises:
        KeyboardInterrupt: After SIGINT.
        Stopped: After any other, with 128 + its number.
    """
    if _received:
        _raise(_received[0])


@contextmanager
def ends_by_signal() -> Iterator[None]:
    """Raise at the end, in the place of any exception that a library made of it, what a stop signal has raised."""
    try:
        yield
    except Exception:
        end_by_signal()
        raise
    end_by_signal()


def _receive(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped(number)

"""The signals that ask a process to save and end."""

import signal

__all__ = ["STOP_SIGNALS", "stop_signals"]

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""SIGHUP comes when a terminal is closed; SIGUSR1 and SIGUSR2 are what schedulers send before the end of a time limit."""


def stop_signals() -> tuple[signal.Signals, ...]:
    """Those of STOP_SIGNALS that this process may handle: `nohup` has SIGHUP ignored, and that is to stay so."""
    return tuple(
        number
        for number in STOP_SIGNALS
        if not (number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN)
    )

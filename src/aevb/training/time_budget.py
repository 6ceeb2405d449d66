"""The time budget of a run, max_time: when it is used up, training stops as after a stop signal.

The run saves at the end of its round and exits with the code of SIGTERM; the same command continues it, with a
new budget. The time starts when the process begins with the run and includes evaluations.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aevb.config.duration import seconds_of
from aevb.training.callbacks.preemption import Signals

__all__ = ["time_budget"]


@contextmanager
def time_budget(max_time: str | float | None, signals: Signals) -> Iterator[None]:
    """Ask a run to stop if the `with` block takes longer than a time budget.

    Args:
        max_time: Seconds or [DD:]HH:MM:SS; None: any time.
        signals: The signals of the run.
    """
    seconds = None if max_time is None else seconds_of(max_time)
    if seconds is None:  # no time: aevb-train has checked max_time, but a config.yaml from elsewhere may say anything
        yield
        return

    def expire() -> None:
        signals.reason = f"max_time={max_time}"
        signals.request_stop(signal.SIGTERM)

    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

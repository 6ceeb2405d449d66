"""Stops the jobs of a sweep that a launcher of Hydra's (joblib, submitit on this machine) has started in processes of its own.

joblib kills its processes with SIGKILL, and submitit leaves its local ones alone: so the command itself asks the processes
that train to save, which it knows by the locks of their run directories. Those that another command has started go on.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from aevb.cli.job import Failures
from aevb.console.environment import LAUNCHER
from aevb.console.signals import stop_signals
from aevb.execution.child_process import GRACE
from aevb.runs.lock import is_locked, signal_owned

__all__ = ["prepare_parallel_launcher"]


def prepare_parallel_launcher(directories: list[Path], failures: Failures) -> None:
    """From now on a stop signal to this process is passed on to the runs in `directories`, and no further job begins.

    Args:
        directories: Run directories of the sweep.
        failures: Where it is noted that the command was stopped.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for again in stop_signals():
            signal.signal(again, signal.SIG_IGN)
        failures.stop()
        running = [directory for directory in directories if signal_owned(directory, number)]
        deadline = time.monotonic() + GRACE
        while any(map(is_locked, running)) and time.monotonic() < deadline:
            time.sleep(0.05)
        sys.exit(128 + number)

    os.environ[LAUNCHER] = str(os.getpid())
    for number in stop_signals():
        signal.signal(number, stop)

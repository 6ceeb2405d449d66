"""Requeues a SLURM job of submitit's that is about to meet its time limit, once its run has saved.

SLURM sends the signal `hydra.launcher.signal_delay_s` seconds before the limit. submitit would requeue the job at once, in its
own handler, while the run still trains. Here the run receives the signal first, as any stop signal: it saves and ends. Then
submitit's handler is called, which notes what is to be repeated and has SLURM requeue the job.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from aevb.console.signals import STOP_SIGNALS

__all__ = ["requeue_on_time_limit"]

HANDLER = "checkpoint_and_try_requeue"
"""The name of submitit's handler; its number of the signal is SIGUSR2, unless an environment variable says otherwise."""


@contextmanager
def requeue_on_time_limit() -> Iterator[None]:
    """In a job of submitit's, requeue it when its work was ended by the signal before the time limit; else do nothing.

    Raises:
        SystemExit: As before; with the exit code of submitit's handler if the job was requeued.
        subprocess.CalledProcessError: If SLURM refuses to requeue the job.
    """
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    own = {number: handler for number, handler in handlers.items() if getattr(handler, "__name__", "") == HANDLER}
    try:
        yield
    except SystemExit as end:
        for number, handler in own.items():
            if end.code == 128 + number and callable(handler):
                with _killed_by_the_requeue():
                    handler(number, None)
        raise


@contextmanager
def _killed_by_the_requeue() -> Iterator[None]:
    # SLURM ends every process of a job that it requeues, `scontrol requeue` among them. When that one dies before it has
    # its answer, submitit would record the job as failed, although SLURM starts it again.
    try:
        yield
    except subprocess.CalledProcessError as error:
        if error.returncode != -signal.SIGTERM:
            raise

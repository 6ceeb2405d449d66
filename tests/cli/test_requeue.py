"""What is left of a job of submitit's when SLURM ends it while it still asks to be requeued."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from aevb.cli.requeue import requeue_on_time_limit

ENDED_BY_SIGUSR2 = 128 + signal.SIGUSR2
Install = Callable[[str], None]


@pytest.fixture
def install() -> Iterator[Install]:
    """Install a handler of submitit's name that asks for a requeue with a program of Python's."""
    before = signal.getsignal(signal.SIGUSR2)

    def install_(program: str) -> None:
        def checkpoint_and_try_requeue(number: int, frame: object) -> None:
            subprocess.check_call([sys.executable, "-c", f"import os, signal, sys; {program}"])
            sys.exit(-1)

        signal.signal(signal.SIGUSR2, checkpoint_and_try_requeue)

    yield install_
    signal.signal(signal.SIGUSR2, before)


def _end(code: int) -> int | str | None:
    with pytest.raises(SystemExit) as end, requeue_on_time_limit():
        sys.exit(code)
    return end.value.code


def test_the_exit_code_is_the_handlers_after_a_requeue(install: Install) -> None:
    install("sys.exit(0)")
    assert _end(ENDED_BY_SIGUSR2) == -1


def test_a_requeue_that_slurm_ends_with_the_job_counts(install: Install) -> None:
    install("os.kill(os.getpid(), signal.SIGTERM)")
    assert _end(ENDED_BY_SIGUSR2) == ENDED_BY_SIGUSR2  # no CalledProcessError, which submitit would call a failed job


def test_a_refused_requeue_is_an_error(install: Install) -> None:
    install("sys.exit(1)")
    with pytest.raises(subprocess.CalledProcessError), requeue_on_time_limit():
        sys.exit(ENDED_BY_SIGUSR2)


def test_another_end_does_not_requeue(install: Install) -> None:
    install("sys.exit(1)")
    assert _end(0) == 0

"""Stop signals that arrive before a run trains: the process ends by them, whatever code they interrupt."""

import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from aevb.console import signals
from aevb.console.signals import Stopped, end_by_signal, ends_by_signal, handle_stop_signals, stop_signals


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in stop_signals()}
    handle_stop_signals()
    yield
    signals._received.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.fault(
    "a stop signal in code of a library that catches what the signal raises", "the command ends, 128 + the number"
)
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_a_signal_that_a_library_catches_ends_the_command(number: str) -> None:
    one = getattr(signal, number)
    with pytest.raises(SystemExit) as end, ends_by_signal(), suppress(BaseException):
        os.kill(os.getpid(), one)
    assert end.value.code == 128 + one
    with pytest.raises(SystemExit):
        end_by_signal()


def test_a_stop_says_which_signal_it_was_in_every_process() -> None:
    stopped = pickle.loads(pickle.dumps(Stopped(signal.SIGTERM, "before training began")))
    assert (stopped.code, stopped.is_said) == (143, False)
    assert str(stopped) == "stopped by SIGTERM before training began"


def test_an_error_that_a_library_makes_of_a_signal_is_not_reported() -> None:
    def library() -> None:
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
        finally:
            raise ValueError("a state that the signal left half changed")

    with pytest.raises(SystemExit) as end, ends_by_signal():
        library()
    assert end.value.code == 128 + signal.SIGUSR1


def test_ctrl_c_is_an_interruption() -> None:
    with pytest.raises(KeyboardInterrupt), ends_by_signal(), suppress(BaseException):
        os.kill(os.getpid(), signal.SIGINT)


def test_without_a_signal_nothing_is_raised() -> None:
    with ends_by_signal():
        end_by_signal()
    with pytest.raises(ValueError, match="other"), ends_by_signal():
        raise ValueError("other")

"""How a console command begins and ends, whatever command it is."""

import os
import signal
from collections.abc import Iterator

import pytest

from aevb.cli import entry
from aevb.console import signals
from aevb.console.signals import Stopped, stop_signals


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in stop_signals()}
    yield
    signals._received.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


def run(monkeypatch: pytest.MonkeyPatch, printed: bool = False, caught: bool = False) -> int:
    """Start a command that receives SIGTERM while it is imported; the exit code."""

    def receive(command: str) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Stopped as stopped:
            stopped.is_said = printed
            if not caught:
                raise

    monkeypatch.setattr(entry, "_import_and_run", receive)
    monkeypatch.setattr("sys.argv", ["aevb-verify", "outputs/runs/run"])
    with pytest.raises(Stopped) as end:
        entry._run_to_exit("verify")
    return int(str(end.value.code))


@pytest.mark.fault("SIGTERM to a command that does not train, or while any command loads", "one line, exit code 143")
@pytest.mark.parametrize("caught", [False, True], ids=["raised", "caught by a library"])
def test_a_stopped_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caught: bool
) -> None:
    assert run(monkeypatch, caught=caught) == 143
    assert capsys.readouterr().err == "aevb-verify: stopped by SIGTERM; try: the same command\n"


def test_a_command_that_has_printed_why_prints_nothing_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, printed=True) == 143
    assert capsys.readouterr().err == ""

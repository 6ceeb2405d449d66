"""What a limit of the system on memory or processes is called."""

import errno
import signal
from pathlib import Path

import pytest

from aevb.cli import train
from aevb.console.signals import Stopped
from aevb.errors import resource_error
from aevb.training import train_run
from aevb.training.callbacks.preemption import Signals
from helpers.in_process import run


def no_more(*arguments: object) -> None:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def test_only_what_names_no_file_is_a_limit_of_processes() -> None:
    with pytest.raises(BlockingIOError) as raised:
        no_more()
    assert str(resource_error(raised.value)).startswith("processes: no more may start (Resource temporarily")
    assert resource_error(BlockingIOError(errno.EAGAIN, "locked", "a file")) is None
    assert str(resource_error(MemoryError())).startswith("memory: too little (MemoryError)")


@pytest.mark.fault(
    "no more processes may start (`ulimit -u`), for one run and in a sweep",
    "one line, exit code 2, no untrained run directory remains",
)
def test_a_sweep_without_processes_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "train_in_parallel", no_more)
    words = ["-m", "seed=0,1", "data=digits", "max_samples=30000", "logger=none", "evaluator=bound"]
    assert run(words, monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("aevb-train: processes: no more may start (")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.fault(
    "SIGTERM, SIGINT or SIGHUP before the first checkpoint of a new run",
    "one line, exit code 128 + the number of the signal; no untrained run directory remains",
)
@pytest.mark.parametrize("end", [Stopped(15), KeyboardInterrupt()], ids=["SIGTERM", "SIGINT"])
def test_a_run_stopped_before_its_first_checkpoint_is_removed(
    end: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*arguments: object) -> None:
        raise end

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "train_here", stop)
    words = ["name=run", "data=digits", "max_samples=30000", "logger=none", "evaluator=bound"]
    assert run(words, monkeypatch) == (130 if isinstance(end, KeyboardInterrupt) else 143)
    lines = capsys.readouterr().err.splitlines()
    assert "aevb-train: outputs/runs/run: stopped before its first checkpoint, and removed" in lines
    assert len([line for line in lines if "stopped" in line]) == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.fault("SIGTERM while aevb-train loads, before there is a run directory", "one line, exit code 143")
def test_a_command_stopped_before_training_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*arguments: object) -> None:
        raise Stopped(signal.SIGTERM)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "plan_run", stop)
    assert run(["name=run", "data=digits", "max_samples=30000"], monkeypatch) == 143
    assert capsys.readouterr().err == "aevb-train: stopped by SIGTERM before training began; try: the same command\n"


@pytest.mark.fault("SIGTERM while a run that is extended loads its data", "one line, exit code 143; the run stays")
def test_a_run_stopped_before_it_continues_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def receive(directory: Path) -> None:
        signals._handle(signal.SIGTERM, None)

    (tmp_path / "DONE").touch()
    signals = Signals()
    monkeypatch.setattr("aevb.training.train_run.runs.read_settings", receive)
    with pytest.raises(Stopped):
        train_run.run(tmp_path, signals=signals)
    line = f"{tmp_path}: stopped by SIGTERM before training began; the same command continues it\n"
    assert capsys.readouterr().err == line

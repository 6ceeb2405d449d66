"""max_time: a run that saves and ends when its time is used up, and is continued to the same bits."""

import signal
from pathlib import Path

import pytest

from aevb import runs
from aevb.config import ConfigError, fingerprint, validate
from aevb.config.duration import seconds_of
from aevb.training import train_run
from aevb.training.callbacks.preemption import Signals, time_budget
from helpers.commands import settings
from helpers.short_runs import DIGITS, outcome, train


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("00:10:00", 600), ("10:00:00", 36_000), ("01:12:00:00", 129_600), ("00:00:05", 5), (90, 90), (0.5, 0.5),
        ("600", None), ("10:00", None), ("00:61:00", None), ("00:00:00", None), ("4x", None), (-1, None),
    ],
)  # fmt: skip
def test_times_are_read(value, seconds):
    assert seconds_of(value) == seconds


@pytest.mark.parametrize("value", ["00:10:00", "10:00:00", 600])
def test_a_time_survives_the_config_file(value, tmp_path):
    config = settings(*DIGITS, f"max_time={value}")
    runs.prepare(tmp_path / "run", config)
    written = runs.read_settings(tmp_path / "run")["max_time"]
    assert seconds_of(written) == seconds_of(config["max_time"]) == seconds_of(value)
    assert fingerprint(config) == fingerprint(settings(*DIGITS))


def test_what_is_no_time_is_refused_in_one_line():
    with pytest.raises(ConfigError) as error:
        validate({**settings(*DIGITS), "max_time": "4x"})
    assert error.value.faults == ["max_time=4x: no time; allowed: seconds, or [DD:]HH:MM:SS; try: max_time=00:10:00"]


def ended(run: Path) -> int:
    """The exit code of the process that would train `run`."""
    try:
        train_run.run(run)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.slow
def test_a_run_ends_with_its_time_and_is_continued(tmp_path: Path, capsys):
    whole = outcome(train(tmp_path / "whole", 30_000))
    part = tmp_path / "part"
    starts = 0
    # The budget is doubled until the run is done: on a slow machine the first ones may not reach a first round.
    while not (part / "DONE").exists():
        runs.prepare(part, settings(*DIGITS, "max_samples=30000", f"max_time={0.2 * 2**starts}"))
        code, message = ended(part), capsys.readouterr().err
        if code:
            assert code == 128 + signal.SIGTERM
            assert "stopped by max_time=" in message
            assert "the same command continues from there" in message
            assert not (part / "FAILED").exists()
        starts += 1
        assert starts < 12
    assert starts > 1
    assert outcome(part) == whole


def test_a_timer_that_is_not_used_up_does_nothing():
    signals = Signals()
    with time_budget(1000.0, signals):
        pass
    assert signals.number == 0

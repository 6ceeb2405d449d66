"""Signals and kills: a run saves, exits with the code of the signal, leaves no process, and is resumed bit for bit."""

import signal
import sys
from pathlib import Path

import pytest

from aevb.runs.status import row
from helpers.commands import aevb
from helpers.running import (
    DIGITS,
    begin,
    checkpoint,
    gone_within,
    kill_all_in,
    last_row,
    processes_in,
    reach,
    weights,
)

RUN = (*DIGITS, "max_samples=1e5", "trainer.precision=64", "name=run")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")


def finish(folder: Path, *arguments: str) -> Path:
    result = aevb("train", *RUN, *arguments, folder=folder)
    assert result.returncode == 0, result.stderr
    return folder / "outputs" / "runs" / "run"


def stop(folder: Path, number: int, samples: int, *arguments: str) -> Path:
    """Starts or resumes a run, signals the command beyond `samples`, and checks its exit code and files."""
    run, named = folder / "outputs" / "runs" / "run", any(text.startswith("name=") for text in arguments)
    process = begin(folder, *(text for text in RUN if not (named and text.startswith("name="))), *arguments)
    reach(process, run, samples)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    line, *others = [line for line in errors.splitlines() if "stopped before its first checkpoint" not in line]
    assert others == []
    assert (
        f"stopped by {signal.Signals(number).name} at {checkpoint(run):,} samples; the same command continues" in line
    )
    assert samples <= last_row(run) <= checkpoint(run) < 100_000
    shown = row(run)
    assert (shown.state, shown.samples_seen) == ("partial", checkpoint(run))  # also between two evaluation points
    assert not (run / "DONE").exists()
    assert not (run / "FAILED").exists()
    assert gone_within(folder, 10), processes_in(folder)
    return run


def same(run: Path, whole: Path) -> bool:
    return weights(run) == weights(whole) and (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()


@pytest.mark.fault(
    "SIGTERM, then SIGINT, to a run of one process",
    "saves, exits with 143 and 130; the resumed run has the same bits",
)
def test_a_run_stopped_twice_has_the_same_bits(whole, tmp_path):
    stop(tmp_path, signal.SIGTERM, 5_000)
    stop(tmp_path, signal.SIGINT, 30_000)
    assert same(finish(tmp_path), whole[0].directory)


@pytest.mark.fault(
    "two ranks: all processes are killed, the command is stopped, or only the command is killed",
    "no process remains after seconds; the resumed run has the same bits",
)
@linux
def test_two_ranks_killed_and_stopped_have_the_same_bits(whole, tmp_path):
    run = tmp_path / "outputs" / "runs" / "run"

    process = begin(tmp_path, *RUN, "trainer=ddp")
    reach(process, run, 2_000)
    assert len(processes_in(tmp_path)) >= 4  # the command, the parent of the ranks, two ranks
    kill_all_in(tmp_path)
    process.communicate(timeout=30)
    assert gone_within(tmp_path, 10)

    stop(tmp_path, signal.SIGTERM, 10_000, "-m", "trainer=ddp", "name=run,next")
    assert not (run.with_name("next") / "checkpoints").exists()  # a sweep stops, it does not go to its next job

    process = begin(tmp_path, *RUN, "trainer=ddp")
    reach(process, run, 30_000)
    process.kill()  # the command alone: its ranks are orphans
    process.communicate(timeout=30)
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert not (run / "DONE").exists()  # they did not just finish

    assert same(finish(tmp_path, "trainer=ddp"), whole[1].directory)


@pytest.mark.fault(
    "a joblib sweep with runs on one and two devices: SIGTERM to the command, then `kill -9`",
    "saves, exits with 143, starts no other job; no process remains, not even an idle process of joblib; the resumed runs have the same bits",
)
@pytest.mark.long
@linux
def test_a_parallel_sweep_killed_has_the_same_bits(whole, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    sweep = ("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "trainer=ddp,default", *DIGITS)
    sweep += ("trainer.precision=64", "max_samples=1e5")
    one, two = (tmp_path / "outputs" / "runs" / run.name for run in whole)

    process = begin(tmp_path, *sweep, "seed=0,1")
    reach(process, two, 2_000)
    process.send_signal(signal.SIGTERM)  # to the command alone, as a scheduler does
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 143, errors
    assert "stopped by SIGTERM at " in errors
    assert 2_000 <= last_row(two) <= checkpoint(two) < 100_000
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert not one.exists()  # no job has begun after it

    process = begin(tmp_path, *sweep)
    reach(process, two, 30_000)
    process.kill()  # joblib's processes are orphans, and the ranks are theirs
    process.communicate(timeout=30)
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    assert not (two / "DONE").exists()

    result = aevb("train", *sweep, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2] == "2 done"  # the last is the path of the report
    assert same(one, whole[0].directory)
    assert same(two, whole[1].directory)
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]

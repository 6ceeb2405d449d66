"""Runs of a sweep in one process, through the real command: each is the run it would have been alone."""

import signal

import numpy as np
import pytest

from aevb.runs.run import finished
from helpers.commands import aevb
from helpers.running import DIGITS, begin, checkpoint, gone_within, kill_all_in, processes_in, reach

SWEEP = (
    "-m",
    *(item for item in DIGITS if not item.startswith("latent_dim")),
    "trainer.precision=64",
    "max_samples=1e5",
)
BOTH = (*SWEEP, "latent_dim=2,5")
TOGETHER = (*BOTH, "hydra/launcher=ensemble")


def rows(folder):
    """metrics.csv of every finished run, by engine and latent size."""
    runs = finished(folder)
    return {(run.settings["trainer"]["engine"], run.settings["latent_dim"]): run.metrics() for run in runs}


def largest_difference(one, other):
    columns = [name for name in one if name != "test_log_px"]
    return max(float(np.abs(one[name] - other[name]).max()) for name in columns)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two runs that fit together and two that do not."""
    folder = tmp_path_factory.mktemp("mixed")
    return aevb("train", *TOGETHER, "trainer.engine=auto,autograd", folder=folder), folder


def test_members_equal_runs_alone(mixed):
    result, folder = mixed
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("in one process: ") == 1
    assert result.stdout.count("alone: ") == 2
    results = rows(folder)
    assert len(results) == 4
    for latent_dim in (2, 5):
        difference = largest_difference(results["auto", latent_dim], results["autograd", latent_dim])
        print(f"latent_dim={latent_dim}: largest difference {difference:.1e} nats")
        assert difference < 1e-8
    assert np.abs(results["auto", 2]["test_bound"] - results["auto", 5]["test_bound"]).max() > 1e-3


def test_a_member_leaves_what_a_run_leaves(mixed):
    _, folder = mixed
    member, alone = (
        next(run.directory for run in finished(folder) if run.settings["trainer"]["engine"] == engine)
        for engine in ("auto", "autograd")
    )
    assert {path.relative_to(member) for path in member.rglob("*")} == {
        path.relative_to(alone) for path in alone.rglob("*")
    }
    sizes = [(run / "checkpoints" / "last.ckpt").stat().st_size for run in (member, alone)]
    assert sizes[0] < 1.1 * sizes[1]  # no member carries the others' parameters along


@pytest.mark.fault(
    "a sweep with one process per core (the default) is asked to stop, then killed",
    "every run saves, no process remains; the same command resumes and comes to the same numbers",
    case="cores",
)
@pytest.mark.fault(
    "a sweep in one process (`hydra/launcher=ensemble`) is asked to stop, then killed",
    "every run saves, no process remains; the same command resumes and comes to the same numbers",
    case="ensemble",
)
@pytest.mark.parametrize("launcher", ["ensemble", "cores"])
def test_runs_that_were_stopped_and_killed_go_on(launcher, mixed, tmp_path):
    sweep = (*BOTH, f"hydra/launcher={launcher}", *(("hydra.launcher.cores=2",) if launcher == "cores" else ()))
    runs = tmp_path / "outputs" / "runs"
    process = begin(tmp_path, *sweep)
    for member in (both := [runs / f"digits-sgvb_b-adagrad-z{j}-s0-683851" for j in (2, 5)]):
        reach(process, member, 5_000)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert gone_within(tmp_path, 10), processes_in(tmp_path)
    cut = [
        5_000 <= checkpoint(run) < 100_000 for run in both
    ]  # on a busy machine one of two processes may be at its end
    assert any(cut)
    assert errors.count("stopped by SIGTERM at ") == sum(cut)

    process = begin(tmp_path, *sweep)
    reach(process, both[0], 20_000)
    kill_all_in(tmp_path)
    process.communicate()
    result = aevb("train", *sweep, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    results, whole = rows(tmp_path), rows(mixed[1])
    assert all(largest_difference(results["auto", j], whole["auto", j]) < 1e-10 for j in (2, 5))


@pytest.mark.fault(
    "one run of an ensemble cannot write",
    "this run ends, the others continue",
)
def test_one_that_is_refused_takes_no_other_along(tmp_path):
    (tmp_path / "outputs" / "runs" / "digits-sgvb_b-adagrad-z5-s0").mkdir(parents=True)
    sweep = ("-m", "hydra/launcher=ensemble", "data=digits", "latent_dim=2,5,3", "max_samples=300", "evaluator=bound")
    bad = tmp_path / "outputs" / "runs" / "digits-sgvb_b-adagrad-z5-s0" / "checkpoints"
    bad.write_text("a file where the checkpoints should go")
    result = aevb("train", *sweep, "logger=none", folder=tmp_path)
    assert result.returncode == 1, result.stderr
    assert "z5-s0/checkpoints" in result.stderr
    assert sorted(run.settings["latent_dim"] for run in finished(tmp_path)) == [2, 3]

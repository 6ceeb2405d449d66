"""`hydra/launcher=slurm` on a real SLURM: a time limit, the requeue, the finished run; an array; two ranks."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aevb.runs.run import state
from helpers.commands import TINY, aevb, process
from helpers.slurm import MISSING, cluster, slurm

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
LAUNCHER = ("-m", "hydra/launcher=slurm", "hydra.launcher.partition=main", "hydra.launcher.mem_gb=1")
LONG = ("data=digits", "hidden_dim=100", "latent_dim=2", "logger=none", "evaluator=bound", "report=false")
# SLURM looks at time limits every half minute, so the signal comes 75 to 105 seconds after the start of a job.
LIMIT = ("hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=15")
TRAIN = str(Path(sys.executable).with_name("aevb-train"))


@pytest.fixture(scope="module")
def slurm_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with cluster(tmp_path_factory.mktemp("slurm")) as env:
        yield env


@pytest.fixture(autouse=True)
def no_jobs_left(slurm_env: dict[str, str]) -> Iterator[None]:
    """Cancel what a test has left in the queue, so that the next one finds it empty."""
    yield
    slurm("scancel", "--user", str(os.getuid()), env=slurm_env)
    assert _appears(lambda: not _tasks(slurm_env), 60)


def test_a_job_that_meets_its_time_limit_is_requeued(slurm_env: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    words = [*LAUNCHER, *LIMIT, *LONG, "max_samples=100000000", "seed=0"]
    command = _begun(words, tmp_path, slurm_env)
    run = tmp_path / "outputs" / "runs" / "digits-sgvb_b-adagrad-z2-s0"
    try:
        # The budget is larger than any machine trains in the time.
        assert _appears(lambda: _requeued(tmp_path) >= 1, 250)
        assert _appears(lambda: (run / "checkpoints" / "last.ckpt").exists(), 5)
        assert _appears(lambda: len(_starts(run)) >= 2, 200)
        assert state(run) == "partial"
        seen = json.loads((run / "progress.json").read_text())["saved_samples"]
        assert seen > 0
        assert command.poll() is None  # the command still waits for its job
    finally:
        command.kill()
        command.wait()


def test_a_requeued_run_ends_as_an_uninterrupted_one(slurm_env: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    budget = f"max_samples={_samples_in(110, tmp_path)}"
    words = [TRAIN, *LAUNCHER, *LIMIT, *LONG, budget, "seed=0"]
    result = process(words, tmp_path, slurm_env, 900)
    assert result.returncode == 0, result.stdout + result.stderr
    run = tmp_path / "outputs" / "runs" / "digits-sgvb_b-adagrad-z2-s0"
    assert state(run) == "done"
    assert _requeued(tmp_path) >= 1
    assert len(_starts(run)) == _requeued(tmp_path) + 1
    (tmp_path / "plain").mkdir()
    assert aevb("train", *LONG, budget, "seed=0", folder=tmp_path / "plain").returncode == 0
    plain = tmp_path / "plain" / "outputs" / "runs" / run.name
    assert (run / "metrics.csv").read_bytes() == (plain / "metrics.csv").read_bytes()


def test_a_thousand_points_are_one_array(slurm_env: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    words = [*LAUNCHER, *TINY, "report=false", "seed=range(1000)", "hydra.launcher.array_parallelism=1"]
    slurm("scontrol", "update", "partitionname=main", "state=down", env=slurm_env)  # nothing starts
    command = _begun(words, tmp_path, slurm_env)
    try:
        assert _appears(lambda: len(_tasks(slurm_env)) == 1000, 400)
        assert len({task.partition("_")[0] for task in _tasks(slurm_env)}) == 1
        slurm("scontrol", "update", "partitionname=main", "state=up", env=slurm_env)
        assert _appears(lambda: len(_done(tmp_path)) >= 3, 200)  # the first of them
    finally:
        slurm("scontrol", "update", "partitionname=main", "state=up", env=slurm_env)
        command.kill()
        command.wait()


def test_two_ranks_of_srun_train_one_run(slurm_env: dict[str, str], tmp_path: Path) -> None:
    settings = (*TINY, "trainer=ddp", "trainer.devices=2", "name=two")
    prepared = aevb("train", "--prepare", *settings, folder=tmp_path)
    assert prepared.returncode == 0, prepared.stderr
    torchrun = shlex.quote(str(Path(sys.executable).with_name("torchrun")))
    ranks = (
        f"exec {torchrun} --nnodes $SLURM_NTASKS --nproc-per-node 1 --node-rank $SLURM_PROCID "
        "--master-addr 127.0.0.1 --master-port 29713 -m aevb.execution.worker outputs/runs/two"
    )
    result = process(["srun", "--ntasks=2", "bash", "-c", ranks], tmp_path, {**slurm_env, "OMP_NUM_THREADS": "1"})
    assert result.returncode == 0, result.stderr
    assert state(tmp_path / "outputs" / "runs" / "two") == "done"


def _begun(words: list[str], folder: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    # Into a file: 1,000 jobs print more than a pipe holds that nobody reads.
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen([TRAIN, *words], cwd=folder, env={**os.environ, **env}, stdout=output, stderr=output)


def _appears(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def _requeued(folder: Path) -> int:
    # By SLURM's own words: submitit's are missing where SLURM ended the job before it had its answer.
    logs = (folder / "outputs" / "slurm").glob("*/*_log.err")
    return sum(len(re.findall(r"\* JOB \d+ .* DUE TO JOB REQUEUE", log.read_text())) for log in logs)


def _starts(run: Path) -> list[dict[str, str]]:
    try:
        return json.loads((run / "manifest.json").read_text())["starts"]
    except FileNotFoundError:
        return []


def _done(folder: Path) -> list[Path]:
    return list((folder / "outputs" / "runs").glob("*/DONE"))


def _tasks(env: dict[str, str]) -> list[str]:
    return slurm("squeue", "--array", "--noheader", "--format=%i", env=env).split()


def _samples_in(seconds: float, folder: Path) -> int:
    """Training samples that this machine takes about so long for, by a short run of the same kind."""
    (folder / "rate").mkdir()
    assert aevb("train", *LONG, "max_samples=100000", folder=folder / "rate").returncode == 0
    (timing,) = folder.glob("rate/outputs/runs/*/timing.csv")
    last = timing.read_text().splitlines()[-1].split(",")
    return int(100_000 / float(last[1]) * seconds / 100) * 100

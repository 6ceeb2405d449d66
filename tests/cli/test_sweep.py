"""Sweeps through the real command: one failure takes nothing along, the account is right, the same command mends it."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from aevb.cli import hydra_app
from aevb.cli.flags import Flags
from aevb.cli.job import Failures
from aevb.cli.sweep import PlannedRun, SweepPoint
from aevb.runs.lifecycle import mark_done, prepare
from aevb.runs.run import finished, state
from helpers.commands import TINY, aevb, settings
from helpers.in_process import run

DEADLY = """
import os
import traceback
from pathlib import Path

from aevb.data.digits import Digits
from aevb.errors import UserError

class Deadly(Digits):
    def __init__(self, mode: str = "live") -> None:
        super().__init__()
        self.mode = mode
    def load(self):
        if self.mode == "x":
            raise KeyError("broken from the beginning")
        # In the job, and not in the command that looks at the data first.
        if any("training" in frame.filename for frame in traceback.extract_stack()):
            with open("trained", "a") as file:
                file.write(self.mode)
            if self.mode == "d" and not Path("mended").exists():
                raise UserError("data: gone since the sweep began")
            if self.mode == "r" and not Path("mended").exists():
                raise RuntimeError("planted")
            if self.mode == "k" and not Path("mended").exists():
                os._exit(9)
        return super().load()
"""
TRUST = ("--trust", "deadly", "++data._target_=deadly.Deadly", "~data.targets", "~data.n_train")


@pytest.mark.fault(
    "a job of a sweep dies or fails",
    "the other jobs continue; a table of all jobs, exit code 1; the same command trains the missing ones",
)
@pytest.mark.parametrize("launcher", ["basic", "cores", pytest.param("joblib", marks=pytest.mark.long)])
def test_a_failing_job_takes_no_other_along(launcher: str, tmp_path: Path) -> None:
    # A job raises (joblib) or dies by its own hand (the others).
    if launcher == "joblib":
        pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (tmp_path / "deadly.py").write_text(DEADLY)
    modes, bad, end = ("arcb", "r", "failed") if launcher == "joblib" else ("akc", "k", "partial")
    sweep = ("-m", f"hydra/launcher={launcher}", *TINY, f"+data.mode={','.join(modes)}", *TRUST)
    result = aevb("train", *sweep, folder=tmp_path)
    assert result.returncode == 1, result.stderr
    count = len(modes)
    lines = [
        line for line in result.stderr.splitlines() if line.startswith("aevb-train: ") and " warning: " not in line
    ]
    assert f"+data.mode={bad} " in lines[0]
    assert "ended with exit code " in lines[0]
    assert lines[1:] == [
        f"aevb-train: 1 of the sweep's {count} jobs failed; the same command runs only what is not done"
    ]
    summary = [line.split() for line in result.stdout.splitlines() if line.startswith("+data.mode=")]
    assert [(line[0][-1], line[2]) for line in summary] == [(mode, end if mode == bad else "done") for mode in modes]
    why = "RuntimeError: planted" if end == "failed" else "exit code 9"
    assert [why in line for line in result.stdout.splitlines() if f"mode={bad} " in line][-1:] == [True]
    *printed, report = result.stdout.splitlines()
    assert printed[-1] == f"{count - 1} done, 1 {end}"
    assert report.endswith(".html")
    runs = tmp_path / "outputs" / "runs"
    assert sorted(state(path) for path in runs.iterdir()) == ["done"] * (count - 1) + [end]

    (tmp_path / "mended").touch()
    (tmp_path / "trained").unlink()
    result = aevb("train", *sweep, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "trained").read_text() == bad
    assert len(finished(runs)) == count
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "deadly.py", "mended", "outputs", "trained",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "outputs").iterdir()) == ["reports", "runs"]
    assert not [*tmp_path.rglob(".hydra"), *tmp_path.rglob("multirun.yaml")]


@pytest.mark.fault(
    "the data of a job are lost or damaged while the sweep runs",
    "the other jobs continue; the final table says what was lost",
)
@pytest.mark.parametrize("launcher", ["basic", pytest.param("joblib", marks=pytest.mark.long)])
def test_data_that_are_lost_while_a_sweep_runs_stop_their_own_job(launcher: str, tmp_path: Path) -> None:
    if launcher == "joblib":
        pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (tmp_path / "deadly.py").write_text(DEADLY)
    result = aevb("train", "-m", f"hydra/launcher={launcher}", *TINY, "+data.mode=d,x,a", *TRUST, folder=tmp_path)
    assert result.returncode == 1, result.stderr
    assert result.stderr.count("data: gone since the sweep began\n") == 1
    summary = [line.split(maxsplit=6) for line in result.stdout.splitlines() if line.startswith("+data.mode=")]
    assert [(line[0][-1], line[2]) for line in summary] == [("d", "missing"), ("x", "missing"), ("a", "done")]
    assert summary[0][6] == "data: gone since the sweep began"
    assert summary[1][6].startswith("KeyError: ")
    assert len(list((tmp_path / "outputs" / "runs").iterdir())) == 1  # it never came to anything


def test_a_job_of_another_machine_that_left_no_note_is_counted(tmp_path: Path, capsys) -> None:
    planned = settings("data=digits", "max_samples=100")
    directories = [tmp_path / "done", tmp_path / "partial"]
    points = [SweepPoint(path.name, path.name, PlannedRun(path, planned, "new", lambda: None)) for path in directories]
    for directory in directories:
        prepare(directory, planned)
    mark_done(directories[0], {"samples_seen": 100})
    flags = Flags(False, False, False, True, False, True, None, None, [])
    with pytest.raises(SystemExit) as end:
        hydra_app._end_sweep("aevb-train", points, Failures(tmp_path / "failures"), flags)
    assert end.value.code == 1
    assert "1 of the sweep's 2 jobs failed" in capsys.readouterr().err
    prepare_only = dataclasses.replace(flags, prepare=True)
    hydra_app._end_sweep("aevb-train", points, Failures(tmp_path / "failures"), prepare_only)  # none was to be trained


def test_check_names_every_run_and_makes_none(empty: Path, monkeypatch, capsys) -> None:
    assert run(["--check", "-m", "latent_dim=2,5", "objective=sgvb_a,sgvb_b", "data=digits"], monkeypatch) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"latent_dim={j} objective=sgvb_{o}: outputs/runs/digits-sgvb_{o}-adagrad-z{j}-s0: would train to 1,000,000 samples"
        for j in (2, 5)
        for o in "ab"
    ]
    assert run(["--check", "name=x"], monkeypatch) == 0
    assert capsys.readouterr().out == "outputs/runs/x: would train to 1,000,000 samples\n"
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("interpolated", "names"),
    [
        ("name=of-${seed}", ["of-1", "of-2"]),
        ("name=${hydra:runtime.choices.objective}-${seed}", ["sgvb_b-1", "sgvb_b-2"]),
        ("hidden_dim=${seed}", []),
    ],
)
def test_an_interpolation_is_resolved_in_each_point(
    interpolated: str, names: list[str], empty: Path, monkeypatch, capsys
) -> None:
    # Before, each point had the value that the config of the sweep itself has, here seed=0.
    run(["--check", "-m", "data=digits", "seed=1,2", interpolated], monkeypatch)
    directories = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()]
    alone = []
    for seed in (1, 2):
        run(["--check", "data=digits", f"seed={seed}", interpolated], monkeypatch)
        alone.append(capsys.readouterr().out.split(": ")[0])
    assert directories == alone
    assert [Path(path).name for path in directories] == names or not names


@pytest.mark.fault(
    "one invalid point in a sweep",
    "one line that names the point, exit code 2; nothing is started",
)
def test_bad_points_are_named_before_the_first_starts(empty: Path, monkeypatch, capsys) -> None:
    sweep = ["-m", "latent_dim=2,0", "optimizer.lr=0.1,-1", "hydra.sweeper.max_batch_size=1"]
    assert run(sweep, monkeypatch) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1:3] for line in lines[:2]] == [
        ["latent_dim=2 optimizer.lr=-1", "optimizer.lr=-1"],
        ["latent_dim=0 optimizer.lr=0.1", "latent_dim=0"],
    ]
    assert lines[2:] == ["aevb-train: 3 of the sweep's 4 jobs refused; nothing was started"]
    assert run(["-m", *TINY, "latent_dim=2,5", "name=one"], monkeypatch) == 2
    assert "outputs/runs/one is the run of latent_dim=2 too" in capsys.readouterr().err
    assert list(empty.iterdir()) == []


@pytest.mark.fault(
    "a missing or damaged data file of one point of a sweep",
    "one line that names the point, exit code 2; nothing is started",
)
def test_data_are_looked_at_before_the_first_starts(empty: Path, monkeypatch, capsys) -> None:
    images = np.random.default_rng(0).random((300, 16), dtype=np.float32)
    np.savez(empty / "good.npz", train=images, test=images[:50])
    (empty / "torn.npz").write_bytes((empty / "good.npz").read_bytes()[:500])
    before = sorted(empty.iterdir())
    sweep = ["-m", "data=array", "data.path=good.npz,torn.npz,gone.npz", "latent_dim=2,3"]
    for flags in (["--check"], []):
        assert run([*flags, *sweep], monkeypatch) == 2
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(": ")[1:3] for line in lines[:2]] == [
            [f"data.path={name}.npz latent_dim=2", f"data.path={name}.npz"] for name in ("torn", "gone")
        ]
        assert lines[2:] == ["aevb-train: 4 of the sweep's 6 jobs refused; nothing was started"]
        assert sorted(empty.iterdir()) == before

    # Of what is done, nobody asks for the data.
    gone = ["data=array", "data.path=gone.npz", "max_samples=100"]
    (empty / "gone.npz").write_bytes((empty / "good.npz").read_bytes())
    assert run(["--check", "-m", *gone], monkeypatch) == 0
    (empty / "gone.npz").unlink()
    directory = Path(capsys.readouterr().out.split(": ")[1])
    prepare(directory, settings(*gone))
    mark_done(directory, {"samples_seen": 100})
    assert run(["-m", *gone], monkeypatch) == 0
    assert f"{directory}: finished already" in capsys.readouterr().out


@pytest.mark.fault(
    "a launcher whose package is not installed",
    "one line that names the extra to install, exit code 2, also with `--check`",
)
def test_a_launcher_that_is_not_installed_is_named_as_it_was_typed(empty: Path, monkeypatch, capsys) -> None:
    if importlib.util.find_spec("hydra_plugins.hydra_submitit_launcher"):
        pytest.skip("submitit is installed")
    for mode in (["--check"], ["--check", "-m"], ["-m"]):
        assert run([*mode, "data=digits", "hydra/launcher=slurm", "hydra.launcher.mem_gb=8"], monkeypatch) == 2
        assert capsys.readouterr().err == (
            "aevb-train: hydra/launcher=slurm: not installed; allowed: basic, cores, ensemble; try: pip install 'aevb[cluster]'\n"
        )
    assert list(empty.iterdir()) == []

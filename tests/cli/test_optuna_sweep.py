"""`hydra/sweeper=optuna` through the real command: trials are run directories, a killed search is resumed."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aevb.runs.csv_table import read_rows
from aevb.runs.pruned import pruned_by
from aevb.runs.run import finished, state
from aevb.runs.status import row
from helpers.commands import aevb, started
from helpers.in_process import run

optuna = pytest.importorskip("optuna")

TRAIN = "hydra.sweeper.objective=train_bound"
OPTUNA = ("hydra/sweeper=optuna", "hydra.sweeper.n_jobs=1")
TINY = (
    "data=digits",
    "max_samples=300",
    "hidden_dim=5",
    "logger=none",
    "evaluator=bound",
    "report=false",
    "evaluation.start=1",
)
ON_TRAINING = (*OPTUNA, *TINY, "hydra.sweeper.objective=train_bound")


def study(folder: Path) -> Any:
    storage = f"sqlite:///{folder / 'outputs' / 'optuna.db'}"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def states(folder: Path) -> list[str]:
    return [trial.state.name for trial in study(folder).trials]


@pytest.mark.process
@pytest.mark.slow
def test_objective_is_the_bound_on_the_validation_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    splits = {name: rng.random((n, 16), dtype=np.float32) for name, n in (("train", 200), ("valid", 60), ("test", 50))}
    np.savez(tmp_path / "own.npz", **splits)
    overrides = ("data=array", "data.path=own.npz", "batch_size=50", "latent_dim=2", *TINY[1:])
    result = aevb(
        "train", *OPTUNA, *overrides, "optimizer.lr=choice(0.01,0.1)", "hydra.sweeper.n_trials=3", folder=tmp_path
    )
    assert result.returncode == 0, result.stderr
    trials = study(tmp_path).trials
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    for trial in trials:
        directory = tmp_path / trial.user_attrs["run"]
        assert float(read_rows(directory / "metrics.csv")[-1]["valid_bound"]) == trial.value
    best = study(tmp_path).best_trial
    directory = tmp_path / best.user_attrs["run"]
    # The value is that of aevb-evaluate, which knows nothing of searches, and not that of the test set.
    assert aevb("evaluate", f"run={directory}", "evaluator=bound", "split=valid", folder=tmp_path).returncode == 0
    recorded = json.loads((directory / "evaluation" / "bound-valid.json").read_text())
    assert recorded["values"]["bound"]["mean"] == pytest.approx(best.value, rel=1e-6)
    assert float(read_rows(directory / "metrics.csv")[-1]["test_bound"]) != best.value
    assert f"best: trial {best.number}, valid_bound {best.value:.4f}: " in result.stdout
    # A trial is the run of the plain command.
    plain = aevb("train", "--check", *overrides, *best.user_attrs["overrides"], folder=tmp_path)
    assert f"{best.user_attrs['run']}: is finished" in plain.stdout


@pytest.mark.process
@pytest.mark.long
def test_a_killed_search_resumes_to_the_same_trials(tmp_path: Path) -> None:
    search = (*ON_TRAINING, "latent_dim=2", "optimizer.lr=interval(0.01,0.1)", "hydra.sweeper.n_trials=4")
    search = (*search, "hydra.sweeper.n_startup_trials=2", "hydra.sweeper.pruner=none")
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    command = started("train", *search, folder=killed)
    while command.poll() is None and not list(killed.glob("outputs/runs/*/DONE")):
        time.sleep(0.02)
    command.kill()
    command.communicate()
    before = {path: path.stat().st_mtime_ns for path in killed.glob("outputs/runs/*/DONE")}
    assert 1 <= len(before) < 4
    result = aevb("train", *search, folder=killed)
    assert result.returncode == 0, result.stderr
    assert aevb("train", *search, folder=whole).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before  # not trained again
    assert states(killed) == states(whole) == ["COMPLETE"] * 4
    outcomes = [[(trial.params, trial.value) for trial in study(folder).trials] for folder in (killed, whole)]
    assert outcomes[0] == outcomes[1]
    assert len({trial.params["optimizer.lr"] for trial in study(whole).trials}) == 4
    # All done: nothing is trained; a larger n_trials continues.
    assert "trial 4:" not in aevb("train", *search, folder=killed).stdout
    assert aevb("train", *search, "hydra.sweeper.n_trials=5", folder=killed).returncode == 0
    assert len(finished(killed / "outputs" / "runs")) == 5


@pytest.mark.process
@pytest.mark.long
def test_a_bad_trial_is_pruned_and_can_be_resumed(tmp_path: Path) -> None:
    # Seed 3: the random sampler draws 0.005 first and then 1e-9, which learns nothing.
    long = ("max_samples=300000", "latent_dim=2", "optimizer=adam", "optimizer.lr=choice(0.005,1e-9)")
    pruner = ("hydra.sweeper.pruner_startup_trials=1", "hydra.sweeper.pruner_warmup_samples=3000")
    search = (*ON_TRAINING, *long, *pruner, "hydra.sweeper.sampler=random", "hydra.sweeper.seed=3")
    result = aevb("train", *search, "hydra.sweeper.n_trials=2", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [trial.params["optimizer.lr"] for trial in study(tmp_path).trials] == [0.005, 1e-9]
    assert states(tmp_path) == ["COMPLETE", "PRUNED"]
    pruned = study(tmp_path).trials[1]
    directory = tmp_path / pruned.user_attrs["run"]
    assert state(directory) == "partial"
    assert row(directory).why == pruned_by(directory)
    assert row(directory).why.startswith("pruned at ")
    assert 3000 <= row(directory).samples_seen < 300_000
    assert not (directory / "FAILED").exists()
    assert (directory / "checkpoints" / "last.ckpt").exists()
    # The plain command resumes it, and the mark goes.
    resumed = aevb(
        "train", *TINY, *long[:3], "optimizer.lr=1e-9", f"max_samples={row(directory).samples_seen + 1000}",
        folder=tmp_path,
    )  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    assert state(directory) == "done"
    assert pruned_by(directory) == ""


@pytest.mark.process
def test_points_that_repeat_are_trained_once(tmp_path: Path) -> None:
    result = aevb("train", *ON_TRAINING, "latent_dim=choice(1,2)", "hydra.sweeper.n_trials=6", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(finished(tmp_path / "outputs" / "runs")) == 2
    trials = study(tmp_path).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 6
    assert sum("repeats" in trial.user_attrs for trial in trials) == 4
    assert len({(trial.params["latent_dim"], trial.value) for trial in trials}) == 2


@pytest.mark.process
def test_a_search_whose_trials_all_diverge_has_no_best(tmp_path: Path) -> None:
    diverging = ("optimizer=sgd", "optimizer.lr=choice(1e6,1e7)", "hydra.sweeper.n_trials=2", "hidden_dim=50")
    result = aevb("train", *ON_TRAINING, "max_samples=2000", *diverging, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert states(tmp_path) == ["PRUNED", "PRUNED"]
    assert {trial.user_attrs["ended"] for trial in study(tmp_path).trials} == {"diverged"}
    assert "best: none, for no trial is complete; try: another search space" in result.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["hydra.sweeper.objective=test_bound", "seed=choice(0,1)"], "the test set chooses nothing; allowed: valid_bound"),
        (["hydra.sweeper.sampler=grid", "seed=choice(0,1)"], "hydra.sweeper.sampler=grid: unknown; allowed: tpe, random"),
        (["hydra.sweeper.n_trials=0", "seed=choice(0,1)"], "hydra.sweeper.n_trials=0: no count"),
        (["seed=choice(0,1)"], "aevb-train: hydra.sweeper.objective=valid_bound: data=digits has no validation split; allowed: "),
        ([TRAIN], "nothing to search"),
        ([TRAIN, "latent_dim=choice(2,-1)"], "aevb-train: latent_dim=-1: out of range"),
        ([TRAIN, "latent_dim=interval(2,5)"], "try: 'latent_dim=int(interval(2,5))'"),
        ([TRAIN, "name=same", "seed=choice(0,1)"], "is the run of seed=0 too"),
        ([TRAIN, "max_samples=choice(100,200)"], "is the run of max_samples=100 too"),
        (["hydra/launcher=ensemble", "seed=choice(0,1)"], "its trials are processes on this machine"),
        (["--prepare", "seed=choice(0,1)"], "--prepare: the trials of a search are not known beforehand"),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_leave_nothing(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["hydra/sweeper=optuna", *TINY, *words], monkeypatch) == 2
    error = capsys.readouterr().err
    assert line in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_a_missing_optuna_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    assert run([*ON_TRAINING, "seed=choice(0,1)"], monkeypatch) == 2
    error = capsys.readouterr().err
    assert error.startswith("aevb-train: hydra/sweeper=optuna: ")
    assert error.endswith("try: pip install 'aevb[optuna]'\n")
    assert error.count("\n") == 1


def test_check_shows_the_space_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["optimizer.lr=tag(log,interval(1e-4,1e-1))", "latent_dim=choice(2,5)"]
    assert run(["--check", *ON_TRAINING, *words], monkeypatch) == 0
    out = capsys.readouterr().out
    assert "optimizer.lr: real number from 0.0001 to 0.1, uniform in the logarithm" in out
    assert "latent_dim: one of 2, 5" in out
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_storage_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "optuna.db").write_bytes(b"no database" * 1000)
    assert run([*ON_TRAINING, "seed=choice(0,1)"], monkeypatch) == 2
    error = capsys.readouterr().err
    assert "cannot be used as Optuna's storage (file is not a database)" in error
    assert error.count("\n") == 1


@pytest.mark.process
def test_evaluate_refuses_the_sweeper(tmp_path: Path) -> None:
    result = aevb("evaluate", "hydra/sweeper=optuna", "run=x", "seed=choice(1,2)", folder=tmp_path)
    assert result.returncode == 2
    assert "nothing to train; allowed: with aevb-train" in result.stderr


def test_an_experiment_with_a_grid_is_no_value_of_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its grid would be lost: a trial has one value of each key."""
    monkeypatch.chdir(tmp_path)
    assert run(["--check", *OPTUNA, TRAIN, "experiment=choice(linear_gaussian,figure3)"], monkeypatch) == 2
    assert "experiment=figure3: figure3 is a sweep of its own; allowed: one such experiment" in capsys.readouterr().err

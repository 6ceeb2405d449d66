"""Every file of a run directory damaged in turn: mended from the checkpoint, or refused by its name in one line."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import aevb as package
from aevb import runs
from aevb.errors import UserError
from aevb.training import train_run
from helpers.commands import aevb, errors, settings
from helpers.short_runs import outcome, train


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to 1000 samples."""
    return train(tmp_path_factory.mktemp("trained") / "run", 1000, "logger=tensorboard")


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    return Path(shutil.copytree(finished_run, tmp_path / "outputs" / "runs" / "run"))


def refusal(error: pytest.ExceptionInfo[UserError]) -> str:
    assert "\n" not in str(error.value)
    assert "try: " in str(error.value)
    return str(error.value)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.fault(
    "config.yaml is truncated",
    "refused with one line that names the file and the missing keys",
)
def test_a_truncated_config(run: Path) -> None:
    halve(run / "config.yaml")
    with pytest.raises(UserError) as error:
        train_run.run(run)
    assert refusal(error).startswith(
        (f"{run / 'config.yaml'}: not a whole config (no ", f"{run / 'config.yaml'}: not a config (")
    )


@pytest.mark.fault(
    "config.yaml is empty, a list, plain words, invalid YAML, or not text",
    "refused with one line that names the file",
)
@pytest.mark.parametrize(
    "text", [b"", b"- a\n- b\n", b"just words", b"a: [1", b"\xff\xfe\x00", b"a: !!python/name:os.system"]
)
def test_a_config_that_is_none(text: bytes, run: Path) -> None:
    (run / "config.yaml").write_bytes(text)
    for use in (train_run.run, package.load, lambda run: runs.planned_action(run, settings("data=digits"))):
        with pytest.raises(UserError) as error:
            use(run)
        assert refusal(error).startswith(f"{run / 'config.yaml'}: not a")


@pytest.mark.fault(
    "metrics.csv, timing.csv or an evaluation is damaged",
    "rewritten from the checkpoint",
)
def test_damaged_records_are_written_anew(run: Path, undisturbed: Path) -> None:
    halve(run / "metrics.csv")
    (run / "timing.csv").write_bytes(os.urandom(100))
    (run / "evaluation" / "bound-test.json").write_text("{")
    assert outcome(train(run, 3000, "logger=tensorboard")) == outcome(undisturbed)
    assert runs.Run(run).evaluations()[0]["n"] == 360
    assert runs.Run(run).timing()["samples_seen"].tolist() == [100, 200, 300, 500, 1000, 2000, 3000]


@pytest.mark.fault(
    "DONE is damaged",
    "refused with one line that names the file; when DONE is removed as the line says, the run is completed again and has the same bits",
)
@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_done(text: bytes, run: Path, undisturbed: Path) -> None:
    (run / "DONE").write_bytes(text)
    with pytest.raises(UserError) as error:
        runs.planned_action(
            run, settings("data=digits", "latent_dim=2", "hidden_dim=20", "evaluator=bound", "logger=none")
        )
    assert refusal(error).startswith(f"{run / 'DONE'}: damaged")
    (run / "DONE").unlink()  # what the line says
    assert outcome(train(run, 3000)) == outcome(undisturbed)


@pytest.mark.fault(
    "TensorBoard event files are cut off, overwritten with garbage, or empty",
    "what can be read is kept; the run continues and has the same bits",
)
@pytest.mark.parametrize("damage", ["torn", "garbage", "empty"])
def test_a_damaged_events_file(damage: str, run: Path, undisturbed: Path) -> None:
    for events in (run / "tb").glob("events*"):
        raw = events.read_bytes()
        events.write_bytes({"torn": raw[:-7], "garbage": raw[:200] + os.urandom(300), "empty": b""}[damage])
    assert outcome(train(run, 3000, "logger=tensorboard")) == outcome(undisturbed)


@pytest.mark.fault(
    "model.pt is truncated, has a flipped bit, is empty, missing, or belongs to another model",
    "refused with one line that names the file; after the command in this line it is written again",
)
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "missing", "another"])
def test_damaged_weights(damage: str, run: Path, tmp_path: Path) -> None:
    path = run / "model.pt"
    if damage == "truncated":
        halve(path)
    elif damage == "flipped":
        raw = bytearray(path.read_bytes())
        weight = package.load(run).model.encoder.hidden.weight.detach().numpy().tobytes()
        raw[raw.index(weight) + 50] ^= 1
        path.write_bytes(raw)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes((train(tmp_path / "other", 100, "latent_dim=3") / "model.pt").read_bytes())
    with pytest.raises(UserError) as error:
        package.load(run)
    assert refusal(error).startswith(f"{path}: ")
    if damage != "another":
        (run / "DONE").unlink()  # as the line says
        train(run, 1000)
        assert package.load(run).latent_dim == 2


@pytest.mark.fault(
    "model.pt is damaged, and `aevb-evaluate` reads it",
    "one line, exit code 2",
)
def test_damaged_weights_from_the_command(run: Path, tmp_path: Path) -> None:
    halve(run / "model.pt")
    result = aevb("evaluate", f"run={run}", folder=tmp_path)
    assert result.returncode == 2
    (line,) = errors(result).splitlines()
    assert line.startswith(f"aevb-evaluate: {run / 'model.pt'}: damaged")


@pytest.mark.fault(
    "the data file changes while the run is stopped",
    "refused with one line that names the file, also by the worker, before anything is changed; with the original file the run continues",
)
def test_data_that_changed_while_the_run_was_stopped(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((300, 16), dtype=np.float32)
    path = tmp_path / "mine.npy"
    np.save(path, x)
    own = ("data=array", f"data.path={path}", "name=run", "max_samples=300", "hidden_dim=5", "latent_dim=2")
    own += ("logger=none", "evaluator=bound")
    result = aevb("train", *own, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    run = tmp_path / "outputs" / "runs" / "run"
    assert set(json.loads((run / "data.json").read_text())) == {"train", "valid", "test", "location"}
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}

    other = x.copy()
    other[7, 3] += 1e-3
    np.save(path, other)
    result = aevb("train", *own, "max_samples=500", folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = errors(result).splitlines()
    assert line.startswith(f"aevb-train: data.path={path}: not the data that outputs/runs/run began with (changed: ")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before  # also DONE

    (run / "DONE").unlink()
    with pytest.raises(UserError, match="not the data"):
        train_run.run(run)
    np.save(path, x)
    train_run.run(run)
    assert (run / "DONE").exists()

"""A run directory is never half a run that looks whole, and never two experiments."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aevb import runs
from aevb.config import fingerprint
from aevb.errors import UserError
from aevb.runs.lock import lock
from aevb.runs.progress import Progress, write_progress
from aevb.runs.refused_extension import unextended
from helpers.commands import settings


def made(directory: Path, *overrides: str) -> dict[str, Any]:
    config = settings(*overrides)
    runs.prepare(directory, config)
    return config


def test_settings_come_back_as_they_went(tmp_path: Path) -> None:
    config = made(tmp_path / "run", "optimizer.eps=1e-12", "data.root='odd: \"name\" # é'")
    assert runs.read_settings(tmp_path / "run") == config
    assert fingerprint(runs.read_settings(tmp_path / "run")) == fingerprint(config)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.yaml"]


def test_states_follow_one_another(tmp_path: Path) -> None:
    run = tmp_path / "run"
    short, longer = settings("max_samples=1000"), settings("max_samples=2000")
    assert (runs.state(run), runs.planned_action(run, short), run.exists()) == ("missing", "new", False)
    runs.prepare(run, short)
    assert (runs.state(run), runs.planned_action(run, short)) == ("partial", "resume")
    runs.mark_failed(run, "Traceback")
    assert (runs.state(run), (run / "FAILED").read_text()) == ("failed", "Traceback")
    runs.prepare(run, short)
    assert runs.state(run) == "partial"
    runs.mark_done(run, {"samples_seen": 1000})
    assert (runs.state(run), runs.planned_action(run, short), runs.planned_action(run, longer)) == (
        "done",
        "done",
        "extend",
    )
    runs.prepare(run, longer)  # DONE stays until the checkpoint that the run is extended from has been read
    assert (runs.state(run), runs.planned_action(run, longer)) == ("done", "extend")
    assert runs.read_settings(run)["max_samples"] == 2000


def test_a_run_is_not_made_shorter(tmp_path: Path) -> None:
    run = tmp_path / "run"
    runs.prepare(run, settings("max_samples=5000"))
    write_progress(run, Progress(3_400, 3_300))
    for max_samples in (3_300, 3_400, 5_000):
        assert runs.planned_action(run, settings(f"max_samples={max_samples}")) == "resume"
    with pytest.raises(
        UserError, match=r"^max_samples=3000: .*run has seen 3,300 samples .*; try: max_samples=3300, or"
    ):
        runs.planned_action(run, settings("max_samples=3000"))


def test_a_finished_run_has_its_config_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    runs.prepare(run, settings("max_samples=1000"))
    runs.mark_done(run, {"samples_seen": 1000})
    before = (run / "config.yaml").read_bytes()
    runs.prepare(run, settings("max_samples=2000"))
    assert (run / "config.yaml").read_bytes() != before
    with lock(run):
        unextended(run)  # another process is at work
    assert (run / "config.yaml").read_bytes() != before
    unextended(run)
    assert (run / "config.yaml").read_bytes() == before


def test_done_says_what_was_run(tmp_path: Path) -> None:
    config = made(tmp_path / "run")
    runs.mark_done(tmp_path / "run", {"samples_seen": 100, "test": {"bound": {"mean": -1.5, "standard_error": 0.5}}})
    done = runs.Run(tmp_path / "run").done
    assert (done["samples_seen"], done["test"], done["fingerprint"]) == (
        100,
        {"bound": {"mean": -1.5, "standard_error": 0.5}},
        fingerprint(config),
    )
    root = Path(runs.__file__).parents[3]
    if (root / ".git").exists():
        head = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        assert done["commit"].removesuffix("-dirty") == head.stdout.strip()


@pytest.mark.fault(
    "a different config for the same run directory",
    "refused with the key and both values",
)
def test_another_experiment_is_refused_by_its_key(tmp_path: Path) -> None:
    made(tmp_path / "run", "optimizer.lr=0.02")
    before = (tmp_path / "run" / "config.yaml").read_bytes()
    with pytest.raises(
        UserError, match=r"^optimizer\.lr=0\.1: .*run holds a run with optimizer\.lr=0\.02; .*try: .*name="
    ):
        runs.planned_action(tmp_path / "run", settings("optimizer.lr=0.1"))
    every = (
        r"^seed=3, hidden_dim=7, optimizer\.lr=0\.1: .* holds a run with seed=0, hidden_dim=500, optimizer\.lr=0\.02; "
    )
    with pytest.raises(UserError, match=every):
        runs.planned_action(tmp_path / "run", settings("optimizer.lr=0.1", "hidden_dim=7", "seed=3"))
    assert (tmp_path / "run" / "config.yaml").read_bytes() == before


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "empty").mkdir()
    for name, wrong in (("full", "no config.yaml"), ("empty", "it is empty"), ("none", "no such folder")):
        with pytest.raises(UserError, match=f"^run={tmp_path / name}: not a run: .*{wrong}; allowed: .*; try: ls "):
            runs.read_settings(tmp_path / name)
    made(tmp_path / "runs" / "b")
    with pytest.raises(UserError, match=f"a folder of runs; allowed: one of them; try: run={tmp_path / 'runs' / 'b'}$"):
        runs.read_settings(tmp_path / "runs")
    with pytest.raises(UserError, match=f"not a run: it has no config.yaml; .*; try: ls {tmp_path}$"):
        runs.read_settings(tmp_path)


def test_the_name_of_a_run_alone_is_answered_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(Path("outputs/runs/mine"))
    with pytest.raises(
        UserError, match=r"^run=mine: not a run: there is no such folder; .*; try: run=outputs/runs/mine$"
    ):
        runs.read_settings(Path("mine"))
    with pytest.raises(UserError, match=r"; try: ls \.$"):
        runs.read_settings(Path("other"))


def test_a_suggested_run_is_in_the_quotes_that_its_name_needs(tmp_path: Path) -> None:
    folder = tmp_path / "my runs, old"
    made(folder / "a run")
    with pytest.raises(UserError) as error:
        runs.read_settings(folder)
    assert str(error.value).endswith(f"""; try: 'run="{folder / "a run"}"'""")
    with pytest.raises(UserError) as error:
        runs.read_settings(folder / "none")
    assert str(error.value).endswith(f"; try: ls '{folder}'")


@pytest.mark.fault(
    "an exception in the middle of a write",
    "the old file stays; no temporary file remains",
)
def test_a_write_that_breaks_leaves_what_was_there(tmp_path: Path) -> None:
    runs.write_text(tmp_path / "deep" / "file", "old")

    def breaks(file: Any) -> None:
        file.write(b"ne")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        runs.write_atomically(tmp_path / "deep" / "file", breaks)
    assert {path.name: path.read_text() for path in (tmp_path / "deep").iterdir()} == {"file": "old"}


@pytest.mark.fault(
    "`kill -9` while any other file is written",
    "the file has either its old or its new content, complete",
)
def test_a_kill_never_tears_a_file(tmp_path: Path) -> None:
    # Each file is one letter 10^6 times; a torn one would be short or mixed. 10 kills at spread times; never flaky.
    target = tmp_path / "file"
    loop = "import sys; from pathlib import Path; from aevb.files.atomic import write_text\nwhile True:\n"
    loop += "  for c in 'ab': write_text(Path(sys.argv[1]), c * 1_000_000)\n"
    for attempt in range(10):
        child = subprocess.Popen([sys.executable, "-c", loop, str(target)])
        while not target.exists():
            time.sleep(0.01)
        time.sleep(0.005 * attempt)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        text = target.read_text()
        assert text in ("a" * 1_000_000, "b" * 1_000_000)
        target.unlink()


def test_discard_takes_only_what_never_came_to_a_checkpoint(tmp_path: Path) -> None:
    one, other = tmp_path / "outputs" / "runs" / "one", tmp_path / "outputs" / "runs" / "other"
    made(one)
    made(other)
    (other / "checkpoints").mkdir()
    (other / "checkpoints" / "last.ckpt").touch()
    runs.discard(one)
    runs.discard(other)
    assert [path.name for path in one.parent.iterdir()] == ["other"]
    os.remove(other / "checkpoints" / "last.ckpt")
    runs.discard(other)
    assert list(tmp_path.iterdir()) == []


def test_discard_keeps_trials_of_learning_rates(tmp_path: Path) -> None:
    one = tmp_path / "outputs" / "runs" / "one"
    made(one)
    (one / "learning_rates.json").write_text("{}")
    runs.discard(one)
    assert {path.name for path in one.iterdir()} >= {"config.yaml", "learning_rates.json"}


def test_discard_keeps_a_file_of_somebody(tmp_path: Path) -> None:
    one = tmp_path / "outputs" / "runs" / "one"
    made(one)
    (one / "notes.txt").write_text("mine")
    runs.discard(one)
    assert [path.name for path in one.iterdir()] == ["notes.txt"]


def test_finished_runs_and_their_rows(tmp_path: Path) -> None:
    for name in ("b/deep", "a", "partial"):
        made(tmp_path / name)
    for name in ("b/deep", "a"):
        runs.mark_done(tmp_path / name, {"samples_seen": 20})
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "DONE").write_text("{}")
    (tmp_path / "a" / "metrics.csv").write_text("samples_seen,train_bound,test_log_px\n10,-1.5,\n20,-1.25,-0.125\n")
    record = {"name": "bound", "split": "test", "n": 5, "mean": -1.0, "standard_error": 0.1, "settings": {}}
    runs.write_json(tmp_path / "a" / "evaluation" / "bound-test.json", record)
    finished_runs = runs.finished(tmp_path)
    assert [run.directory for run in finished_runs] == [tmp_path / "a", tmp_path / "b" / "deep"]
    metrics = finished_runs[0].metrics()
    assert (metrics["samples_seen"].dtype, metrics["samples_seen"].tolist()) == (np.int64, [10, 20])
    np.testing.assert_array_equal(metrics["test_log_px"], [np.nan, -0.125])
    assert finished_runs[0].evaluations() == [record]
    assert finished_runs[0].fingerprint == json.loads((tmp_path / "a" / "DONE").read_text())["fingerprint"]

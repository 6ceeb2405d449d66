"""The learning rate chosen as the paper chose it: by the training bound of short trials, which the run records."""

import json
import math
import signal
import time
from contextlib import suppress

import pytest

from aevb.console.environment import BARS
from aevb.errors import UserError
from aevb.runs import layout
from aevb.runs.run import Run
from aevb.training.learning_rate_selection import LearningRateSelection
from helpers.commands import aevb, started
from helpers.running import DIGITS, weights

SAMPLES = 5000
BOUNDS = {0.01: -150.0, 0.02: -140.0, 0.1: math.nan, 0.5: -145.0}


def run(folder, *arguments):
    folder.mkdir()
    result = aevb("train", *DIGITS, *arguments, folder=folder)
    assert result.returncode == 0, result.stderr
    (directory,) = (folder / "outputs" / "runs").iterdir()
    return Run(directory)


def test_the_learning_rate_of_the_highest_bound_is_selected(tmp_path):
    """And a trial's bound is the train_bound that a run of that length with that learning rate writes."""
    chosen = run(
        tmp_path / "selected",
        "max_samples=6000",
        "selection=paper",
        f"selection.samples={SAMPLES}",
        "selection.learning_rates=[0.02,0.3]",
    )
    record = json.loads((chosen.directory / layout.LEARNING_RATES).read_text())
    bounds = {}
    for learning_rate in (0.02, 0.3):
        window = f"evaluation.train_window={SAMPLES // 5}"
        alone = run(tmp_path / f"{learning_rate}", f"optimizer.lr={learning_rate}", f"max_samples={SAMPLES}", window)
        bounds[learning_rate] = alone.metrics()["train_bound"][-1]
    assert {row["learning_rate"]: row["train_bound"] for row in record["trials"]} == bounds
    best = max(bounds, key=bounds.__getitem__)
    assert record["selected"] == chosen.done["learning_rate"] == best
    alone = run(tmp_path / "alone", f"optimizer.lr={best}", "max_samples=6000")
    assert weights(chosen.directory) == weights(alone.directory)
    assert len(json.loads((chosen.directory / "manifest.json").read_text())["starts"]) == 1


def made(tried):
    def trial(learning_rate, samples, window):
        tried.append((learning_rate, samples, window))
        return BOUNDS[learning_rate], samples

    return trial


def test_a_trial_that_diverges_loses(tmp_path):
    tried = []
    assert LearningRateSelection([0.1, 0.01, 0.02], 1000).choose(tmp_path, made(tried)) == 0.02
    assert tried == [(0.1, 1000, 200), (0.01, 1000, 200), (0.02, 1000, 200)]
    with pytest.raises(
        UserError, match=r"selection\.learning_rates=\[0\.1\]: every trial diverged within 1,000 samples; try"
    ):
        LearningRateSelection([0.1], 1000).choose(tmp_path / "other", made([]))


def test_trials_that_were_made_are_not_made_again(tmp_path):
    def cut(learning_rate, samples, window):
        if learning_rate == 0.5:
            raise SystemExit(143)
        return BOUNDS[learning_rate], samples

    selection = LearningRateSelection([0.01, 0.02, 0.5], 1000)
    with pytest.raises(SystemExit):
        selection.choose(tmp_path, cut)
    tried = []
    assert selection.choose(tmp_path, made(tried)) == 0.02
    assert [learning_rate for learning_rate, _, _ in tried] == [0.5]
    assert selection.choose(tmp_path, made(tried)) == 0.02
    assert len(tried) == 1


def test_another_process_of_the_run_does_not_write(tmp_path):
    assert LearningRateSelection([0.01, 0.02], 1000).choose(tmp_path, made([]), first=False) == 0.02
    assert not (tmp_path / layout.LEARNING_RATES).exists()


def shown(bars):
    """What the bars of a command say, as it writes them for the process that draws them."""
    text = ""
    for path in bars.glob("*.json"):
        with suppress(FileNotFoundError):  # closed since it was listed
            text += path.read_text()
    return text


@pytest.mark.fault(
    "SIGTERM during a trial of a learning rate",
    "the finished trials are kept, and the message says that this trial begins again",
)
def test_a_run_stopped_in_a_trial_keeps_the_trials_before_it(tmp_path):
    trials = ("selection=paper", "selection.learning_rates=[0.02,0.01]", "max_samples=1000", "name=run")
    bars = tmp_path / "bars"
    bars.mkdir()
    process = started("train", *DIGITS, *trials, "selection.samples=300000", folder=tmp_path, env={BARS: str(bars)})
    deadline = time.monotonic() + 60
    while "learning rate 0.01" not in shown(bars):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "samples of the trial of learning rate 0.01; the same command begins this trial again\n" in errors
    assert "removed" not in errors
    record = json.loads((tmp_path / "outputs" / "runs" / "run" / layout.LEARNING_RATES).read_text())
    assert [row["learning_rate"] for row in record["trials"]] == [0.02]

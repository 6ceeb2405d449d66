"""A run that is extended from an end before evaluation.start: every record is that of a run that was never interrupted."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aevb import runs
from aevb.loggers.posterior_means import read_posterior_means
from aevb.training import train_run
from helpers.small_run import change, settings_of_a_small_run

pytestmark = pytest.mark.slow

LOGGERS = {
    "_target_": "aevb.loggers.many.Many",
    "loggers": {
        "tensorboard": {"_target_": "aevb.loggers.tensorboard.TensorBoard", "images": 0, "embedding": 0},
        "csv": {"_target_": "aevb.loggers.csv_logger.CSV"},
        "means": {"_target_": "aevb.loggers.posterior_means.PosteriorMeans", "images": 10},
    },
}


def trained(directory: Path, settings: dict[str, Any], start: int, *ends: int) -> Path:
    for end in ends:
        runs.prepare(directory, change(settings, max_samples=end, start=start, logger=LOGGERS))
        train_run.run(directory)
    return directory


def records(run: Path) -> dict[str, Any]:
    """samples_seen of every record."""
    with (run / "csv" / "metrics.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file) if row["test_bound"]]
    events = EventAccumulator(str(run / "tb"), size_guidance={"scalars": 0}).Reload()
    return {
        "metrics": runs.Run(run).metrics()["samples_seen"].tolist(),
        "timing": runs.Run(run).timing()["samples_seen"].astype(int).tolist(),
        "csv": steps,
        "tensorboard": [event.step for event in events.Scalars("bound/test")],
        "means": read_posterior_means(run)[0].tolist(),
    }


@pytest.mark.parametrize("objective", ["sgvb_b", "wake_sleep"])
def test_the_end_of_a_shorter_run_is_in_no_record(objective: str, tmp_path: Path) -> None:
    settings = settings_of_a_small_run(tmp_path, f"objective={objective}")
    run = trained(tmp_path / "run", settings, 1000, 500, 3000)
    points = [1000, 2000, 3000]
    assert records(run) == {
        **dict.fromkeys(("metrics", "timing", "csv", "tensorboard"), points), "means": [0, *points],
    }  # fmt: skip
    whole = trained(tmp_path / "whole", settings, 1000, 3000)
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    np.testing.assert_array_equal(read_posterior_means(run)[1], read_posterior_means(whole)[1])


def test_earlier_points_of_a_run_stay_when_evaluation_begins_later(tmp_path: Path) -> None:
    settings = settings_of_a_small_run(tmp_path)
    trained(tmp_path / "run", settings, 1, 700)
    run = trained(tmp_path / "run", settings, 1000, 2000)
    points = [100, 200, 300, 500, 1000, 2000]
    assert records(run) == {
        **dict.fromkeys(("metrics", "timing", "csv", "tensorboard"), points), "means": [0, *points],
    }  # fmt: skip

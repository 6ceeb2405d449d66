"""Every run of the two comparisons of objectives, for two minibatches of digits."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from aevb.config import CONF
from aevb.runs.lifecycle import prepare
from aevb.runs.run import Run
from aevb.training import train_run
from helpers.commands import settings

SMALL = ("data=digits", "data.targets=threshold", "logger=none", "latent_dim=3", "hidden_dim=5", "max_samples=200")
SMALL += (
    "evaluation.final_images=30",
    "evaluation.num_images=30",
    "evaluation.start=200",
    "evaluator.importance.samples=5",
)


def grid(experiment: str) -> list[str]:
    swept = OmegaConf.load(CONF / "experiment" / f"{experiment}.yaml").hydra.sweeper.params.objective
    return str(swept).split(",")


RUNS = [
    (experiment, objective)
    for experiment in ("compare_objectives", "compare_objectives_binary")
    for objective in grid(experiment)
]


@pytest.mark.parametrize(("experiment", "objective"), RUNS)
def test_it_trains_and_is_evaluated(experiment: str, objective: str, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    config = settings(f"experiment={experiment}", f"objective={objective}", *SMALL)
    prepare(directory, {**config, "choices": {"data": "digits", "objective": objective}})
    train_run.run(directory)
    means = {item["name"]: item["mean"] for item in Run(directory).evaluations()}
    assert Run(directory).done["samples_seen"] == 200
    assert set(means) == {"bound", "importance", "information"}
    assert all(-60 < means[name] < -30 for name in ("bound", "importance"))

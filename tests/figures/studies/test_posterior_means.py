"""figure=posterior_means of a user's own data, whose config says nothing of the number of images."""

from pathlib import Path

import numpy as np

from aevb import runs
from aevb.figures.studies.posterior_means import PosteriorMeans
from aevb.training import train_run
from helpers.commands import settings


def test_own_data_have_titles_without_epochs(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((60, 4))
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(60) % 3)
    config = settings(
        "data=array",
        f"data.path={tmp_path / 'x.npz'}",
        "logger=posterior_means",
        "evaluator=bound",
        "latent_dim=2",
        "hidden_dim=3",
        "batch_size=10",
        "max_samples=100",
    )
    run = tmp_path / "run"
    runs.prepare(run, {**config, "choices": {"data": "array"}})
    train_run.run(run)
    drawing = PosteriorMeans(from_samples=1).compose([runs.Run(run)], ())
    assert "An epoch is" not in drawing.text
    assert drawing.rows

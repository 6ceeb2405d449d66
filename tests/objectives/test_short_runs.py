"""Two minibatches of the experiments with shapes, the autoencoder and the GAN, and their settings."""

from pathlib import Path

import pytest

from aevb.config.instantiate import instantiate
from aevb.runs.lifecycle import prepare
from aevb.runs.run import Run, finished
from aevb.training.train_run import run as work
from helpers.commands import settings

SHORT = (
    "hidden_dim=6",
    "max_samples=40",
    "batch_size=20",
    "logger=none",
    "evaluation.start=1",
    "evaluation.final_images=8",
)
DIGITS = ("data=digits", "data.n_train=40", "latent_dim=2")


@pytest.mark.parametrize(
    ("overrides", "quantities"),
    [
        (("experiment=shapes", "data.n_train=40", "data.side=8"), {"squared_error", "recognisable_reconstruction"}),
        (
            ("experiment=shapes", "objective=mmd", "data.n_train=40", "data.side=8", "model.encoder.variance=0"),
            {"squared_error", "recognisable_reconstruction"},
        ),
        (("experiment=autoencoder_mixture", "objective=autoencoder", *DIGITS), {"squared_error"}),
        (("experiment=gan", *DIGITS), set()),
        (("objective=mmd", *DIGITS), {"bound", "log_px"}),
    ],
    ids=["shapes", "shapes-point", "autoencoder_mixture", "gan", "mmd"],
)
def test_two_minibatches(overrides, quantities, tmp_path: Path):
    config = {**settings(*overrides, *SHORT), "name": "short", "choices": {"data": "x", "objective": "y"}}
    prepare(tmp_path / "short", config)
    work(tmp_path / "short")
    (run,) = finished(tmp_path)
    assert run.done["samples_seen"] == 40
    assert {item["quantity"] for item in run.evaluations()} == quantities
    assert isinstance(run, Run)


def test_what_the_experiments_say_they_are():
    shapes, mixture, gan = (
        settings(f"experiment={name}", f"objective={objective}")
        for name, objective in (("shapes", "mmd"), ("autoencoder_mixture", "autoencoder"), ("gan", "gan"))
    )
    assert shapes["max_samples"] == 20 * instantiate(shapes["data"]).n_train
    assert (mixture["latent_dim"], mixture["hidden_dim"]) == (2, 400)
    assert mixture["model"]["encoder"]["variance"] == 0
    assert settings("experiment=autoencoder_mixture", "objective=sgvb_b")["model"]["encoder"].get("variance") is None
    assert gan["model"]["encoder"] is None
    assert gan["objective"]["hidden_dim"] == gan["model"]["decoder"]["hidden_dim"] == 500
    assert gan["evaluator"] == {}

"""The experiments of recipes, course pictures, clipping study and Keras set-up train; what they record is whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aevb import runs
from aevb.evaluation.loading import load_run
from aevb.models.gaussian import FixedVarianceDecoder
from aevb.training.train_run import run
from helpers.commands import settings

SMALL = (
    "data=digits",
    "hidden_dim=5",
    "batch_size=50",
    "trainer.block=1",
    "evaluation.num_images=10",
    "evaluation.final_images=10",
)
CASES: dict[str, tuple[str, ...]] = {
    "posterior_families": ("model/encoder=f", "evaluator.importance.samples=5"),
    "beta": ("objective.beta=4",),
    "posterior_means": (),
    "unit_gaussian": ("model=unit_gaussian",),
    "clipping": ("optimizer=sgd", "clip_norm=1", "data.n_train=200"),
    "keras_reproduction": (),
    "keras_likelihood": ("data.n_train=200", "evaluator.importance.samples=5", "evaluation.start=1"),
}


def train_small(directory: Path, *overrides: str, max_samples: int = 100) -> dict[str, Any]:
    """Trains in this process what the overrides say."""
    config = settings(*overrides, f"max_samples={max_samples}", "name=x")
    config["choices"] = {}
    runs.prepare(directory, config)
    run(directory)
    return config


@pytest.mark.parametrize("experiment", CASES)
def test_two_minibatches_of_every_experiment(experiment: str, tmp_path: Path) -> None:
    logger = () if experiment == "posterior_means" else ("logger=none",)
    train_small(tmp_path, f"experiment={experiment}", *SMALL, *logger, *CASES[experiment])
    run = runs.Run(tmp_path)
    assert run.done["samples_seen"] == 100
    assert all(np.isfinite(value["mean"]) for value in run.done["test"].values())
    if experiment == "keras_likelihood":
        claim, kl = (run.metrics()[f"train_{name}"] for name in (CLAIM, "parts_kl"))
        assert np.isfinite([claim, kl]).all()


CLAIM = "pitfall_bce_as_marginal_likelihood_claimed_log_px"


@pytest.mark.slow
def test_posterior_means_are_recorded_and_survive_a_resume(
    tmp_path: Path,
) -> None:
    """The same file as that of the run that was not cut; the end of the shorter run, which is no mark, is gone from it."""
    overrides = ("experiment=posterior_means", *SMALL, "logger.images=7", "evaluator=bound")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_small(whole, *overrides, max_samples=300)
    train_small(parts, *overrides, max_samples=150)
    train_small(parts, *overrides, max_samples=300)
    with np.load(whole / "posterior_means.npz") as one, np.load(parts / "posterior_means.npz") as other:
        assert one["samples_seen"].tolist() == [0, 50, 100, 200, 300]
        for name in ("samples_seen", "mean", "label"):
            np.testing.assert_array_equal(one[name], other[name])
        loaded = load_run(whole)
        x = torch.from_numpy(loaded.dataset.load().test.x[:7])
        with torch.no_grad():
            np.testing.assert_allclose(one["mean"][-1], loaded.model.encoder(x).mean, atol=1e-6)


@pytest.mark.parametrize("variance", [0.1, 1.0, 5.0])
def test_a_fixed_variance_gives_the_squared_error(variance: float) -> None:
    decoder = FixedVarianceDecoder(6, 2, 4, variance=variance)
    z, x = torch.randn(3, 2), torch.randn(3, 6)
    mean = decoder.mean(torch.tanh(decoder.hidden(z)))
    log_px = decoder(z).log_prob(x)
    constant = 3 * np.log(2 * np.pi * variance)
    torch.testing.assert_close(log_px, -((x - mean) ** 2).sum(1) / (2 * variance) - constant)
    torch.testing.assert_close(log_px, torch.distributions.Normal(mean, variance**0.5).log_prob(x).sum(1))
    assert set(decoder.state_dict()) == {"hidden.weight", "hidden.bias", "mean.weight", "mean.bias"}

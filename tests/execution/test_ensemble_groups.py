"""Runs that an ensemble would refuse are trained alone."""

import pytest

from aevb.config.instantiate import build
from aevb.execution.ensemble_groups import compatibility_key
from aevb.models.closed_form_gradients import has_closed_form
from aevb.models.vae import VAE
from helpers.commands import settings


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=bernoulli",),
        ("model=gaussian",),
        ("model=gaussian", "+model.decoder.mean=linear"),
        ("model=gaussian", "+model.decoder.min_std=0.01"),
        ("model=gaussian_linear",),
        ("model=gaussian_linear", "model.decoder.min_std=0"),
        ("model=unit_gaussian",),
        ("model=bernoulli", "+model.encoder.variance=1"),
        ("model=bernoulli", "model.encoder.activation=relu"),
        ("model=bernoulli", "hidden_dim=[5,5]"),
    ],
    ids=" ".join,
)
def test_a_run_has_a_group_exactly_if_its_model_has_a_closed_form(overrides: tuple[str, ...]) -> None:
    made = settings("data=digits", "latent_dim=2", *overrides)
    model = build(made["model"], VAE, "model", data_dim=64, data_shape=(8, 8))
    assert (compatibility_key(made) is not None) == has_closed_form(model)


def test_images_of_another_size_are_another_group() -> None:
    keys = [compatibility_key(settings("data=shapes", f"data.side={side}")) for side in (14, 28, 28)]
    assert keys[0] != keys[1] == keys[2] is not None

"""The contract of every model that a config can name: what evaluations, figures and samples rely on."""

import pytest
import torch

from aevb.config import options
from aevb.config.instantiate import instantiate
from aevb.models.vae import VAE
from aevb.noise import Noise
from helpers.commands import settings
from helpers.statistics import assert_mean

COMPANIONS = {
    "autoregressive": ("data.targets=dynamic",),
    "binary": ("objective=arm",),
    "binary_linear": ("objective=arm",),
    "semi_supervised": ("objective=semi_supervised",),
    "two_layer": ("objective=iwae",),
}
"""Overrides for options that the defaults do not suit."""

N, D, CLASSES = 3, 64, 10


@pytest.fixture(params=options("model"))
def model(request: pytest.FixtureRequest) -> VAE:
    """A small model of 8 x 8 images."""
    small = ("data=digits", "latent_dim=3", "hidden_dim=5", "model.initialization=glorot")
    config = settings(f"model={request.param}", *small, *COMPANIONS.get(request.param, ()))
    built: VAE = instantiate(config["model"], data_dim=D, data_shape=(8, 8), num_classes=CLASSES)
    return built.double()


def rows(model: VAE) -> torch.Tensor:
    """Binary images, of a conditional model with their labels, (N, D) or (N, D + C)."""
    x = torch.rand((N, D), generator=torch.Generator().manual_seed(0)).round().double()
    return torch.cat([x, torch.eye(CLASSES).double()[:N]], -1) if model.conditional else x


def test_draws_of_p_of_x_given_z_have_its_mean(model: VAE) -> None:
    """2,000 draws for 3 images; failure rate 1e-6 for each option."""
    x = rows(model)
    px_z = model.decode(model.code(x), x)
    draws = px_z.sample(Noise(0, "test", 0), 2_000)
    assert draws.shape == (2_000, N, D)
    assert not draws.requires_grad
    assert_mean(draws, px_z.mean.detach())


def test_log_p_of_x_given_z_has_a_gradient_in_every_parameter_of_the_decoder(model: VAE) -> None:
    x = rows(model)
    z = model.code(x).detach()
    log_px_z = model.decode(z, x).log_prob(model.split(x)[0])
    assert log_px_z.shape == (N,)
    gradients = torch.autograd.grad(log_px_z.sum(), list(model.decoder.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)

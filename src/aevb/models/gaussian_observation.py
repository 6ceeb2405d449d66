r"""A likelihood for a generator that has none: p(x|z) = N(G(z), sigma^2 I), G(z) the mean of its decoder (Wu et al. 2017)."""

import math

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.models.vae import VAE

__all__ = ["GaussianObservation", "observed"]


class GaussianObservation(nn.Module):
    """z -> N(mean of `decoder` at z, sigma^2 I)."""

    def __init__(self, decoder: nn.Module, sigma: float) -> None:
        super().__init__()
        self.decoder, self.sigma = decoder, sigma

    def forward(self, z: Tensor) -> DiagonalNormal:
        """z (..., J) -> p(x|z) over (..., D)."""
        mean = self.decoder(z).mean
        return DiagonalNormal(mean, torch.full_like(mean, 2 * math.log(self.sigma)))


def observed(model: VAE, sigma: float) -> VAE:
    """`model` with that likelihood; encoder and prior are its own."""
    return VAE(model.encoder, GaussianObservation(model.decoder, sigma), model.prior)

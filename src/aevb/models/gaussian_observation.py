r"""A Gaussian likelihood for a generator that has none: p(x|z) = N(G(z), sigma^2 I) (Wu et al. 2017)."""

import math

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.models.base import Decoder
from aevb.models.vae import VAE

__all__ = ["GaussianObservation", "with_gaussian_observation"]


class GaussianObservation(Decoder):
    """p(x|z) = N(G(z), sigma^2 I), where G(z) is the mean of another decoder.

    Args:
        decoder: The decoder whose mean is G(z).
        sigma: Standard deviation of the noise.
    """

    likelihood = "gaussian"

    def __init__(self, decoder: nn.Module, sigma: float) -> None:
        super().__init__()
        self.decoder, self.sigma = decoder, sigma

    def forward(self, z: Tensor) -> DiagonalNormal:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        mean = self.decoder(z).mean
        return DiagonalNormal(mean, torch.full_like(mean, 2 * math.log(self.sigma)))


def with_gaussian_observation(model: VAE, sigma: float) -> VAE:
    """Return the model with the decoder replaced by `GaussianObservation`.

    Args:
        model: The model; its encoder and prior are kept.
        sigma: Standard deviation of the noise.

    Returns:
        A new VAE that shares its parameters with `model`.
    """
    return VAE(model.encoder, GaussianObservation(model.decoder, sigma), model.prior)

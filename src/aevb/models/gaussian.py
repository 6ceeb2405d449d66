r"""Multilayer perceptrons with Gaussian output (appendix C.2, eq. 12).

    h = tanh(W3 v + b3),   mu = W4 h + b4,   log sigma^2 = W5 h + b5

For an encoder v = x and the result is q(z|x). For a decoder v = z and the result is p(x|z); in the
paper's Frey Face experiment "the means were constrained to the interval (0, 1) using a sigmoidal
activation function".
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.models.base import Decoder, Encoder
from aevb.models.fixed_variance import Point, fixed_variance_posterior
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function, hidden_layers, hidden_units
from aevb.types import HiddenDim, NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["FixedVarianceDecoder", "GaussianDecoder", "GaussianEncoder", "has_unbounded_density"]


class GaussianEncoder(Encoder):
    """q(z|x) = N(mu(x), diag sigma^2(x)) with one hidden layer.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers; tanh in the paper.
        variance: A fixed variance instead of sigma^2(x); 0: q(z|x) is a point
            (aevb.models.fixed_variance).
    """

    capturable = True

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        activation: Activation = "tanh",
        variance: NonNegativeFloat | None = None,
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(data_dim, hidden_dim)
        self.mean = Linear(width, latent_dim)
        self.variance = variance
        if variance is None:
            self.log_var = Linear(width, latent_dim)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> DiagonalNormal | Point:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        h = hidden_units(self.hidden, self.deeper, self.activation, x)
        mean = self.mean(h)
        if self.variance is None:
            return DiagonalNormal(mean, self.log_var(h))
        return fixed_variance_posterior(mean, self.variance)


def has_unbounded_density(decoder: object) -> bool:
    """Return whether the density of a constant pixel has no bound: its variance is learned and has no floor.

    Args:
        decoder: The decoder of a model, or a network that it wraps.
    """
    return bool(getattr(decoder, "learned_variance", False)) and not getattr(decoder, "min_std", 0)


class GaussianDecoder(Decoder):
    """p(x|z) = N(mu(z), diag sigma^2(z)) with a separate variance for every pixel and one hidden layer.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers; tanh in the paper.
        mean: Output function of the mean: "sigmoid" (the paper's, for data in (0, 1)) or "linear".
        min_std: Floor of the standard deviation: the variance is min_std^2 + sigma^2(z). Without one the density of
            data with a constant pixel has no upper bound.
    """

    capturable = True
    likelihood = "gaussian"
    learned_variance = True

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        activation: Activation = "tanh",
        mean: Literal["sigmoid", "linear"] = "sigmoid",
        min_std: NonNegativeFloat = 0.0,
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(latent_dim, hidden_dim)
        self.mean = Linear(width, data_dim)
        self.log_var = Linear(width, data_dim)
        self.activation = activation_function(activation)
        self.squash = torch.sigmoid if mean == "sigmoid" else nn.Identity()
        self.min_std = min_std

    def forward(self, z: Tensor) -> DiagonalNormal:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        h = hidden_units(self.hidden, self.deeper, self.activation, z)
        log_var = self.log_var(h)
        if self.min_std > 0:
            log_var = torch.logaddexp(log_var, torch.full_like(log_var, 2 * math.log(self.min_std)))
        return DiagonalNormal(self.squash(self.mean(h)), log_var)


class FixedVarianceDecoder(Decoder):
    r"""p(x|z) = N(mu(z), c I) with a fixed variance c, the same for every pixel, and one hidden layer.

    -log p(x|z) = ||x - mu(z)||^2 / 2c + D/2 log 2 pi c is the squared error. c times the bound is
    -||x - mu||^2 / 2 - c KL up to a constant, so a larger c increases the weight of the KL
    divergence, as beta = c does.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units, or of those of each hidden layer.
        activation: Activation function of the hidden layers; tanh in the paper.
        mean: Output function of the mean: "sigmoid" or "linear".
        variance: c.
    """

    capturable = True
    likelihood = "gaussian"

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: HiddenDim,
        activation: Activation = "tanh",
        mean: Literal["sigmoid", "linear"] = "linear",
        variance: PositiveFloat = 1.0,
    ) -> None:
        super().__init__()
        self.hidden, self.deeper, width = hidden_layers(latent_dim, hidden_dim)
        self.mean = Linear(width, data_dim)
        self.activation = activation_function(activation)
        self.squash = torch.sigmoid if mean == "sigmoid" else nn.Identity()
        self.log_var = math.log(variance)

    def forward(self, z: Tensor) -> DiagonalNormal:
        """Return p(x|z).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z) over (..., D).
        """
        mean = self.squash(self.mean(hidden_units(self.hidden, self.deeper, self.activation, z)))
        return DiagonalNormal(mean, torch.full_like(mean, self.log_var))

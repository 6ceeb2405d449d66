r"""Multilayer perceptrons with Gaussian output (appendix C.2, eq. 12).

    h = tanh(W3 v + b3),   mu = W4 h + b4,   log sigma^2 = W5 h + b5

As encoder v = x and the result is q(z|x). As decoder v = z, the result is p(x|z) and, in the paper's Frey Face
experiment, "the means were constrained to the interval (0, 1) using a sigmoidal activation function".
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.models.fixed_variance import Point, around
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function
from aevb.types import NonNegativeFloat, PositiveFloat, PositiveInt

__all__ = ["FixedVarianceDecoder", "GaussianDecoder", "GaussianEncoder"]


class GaussianEncoder(nn.Module):
    """q(z|x) = N(mu(x), diag sigma^2(x)), one hidden layer.

    data_dim: D. latent_dim: J. hidden_dim: units. variance: one that is given instead of sigma^2(x), 0 for a point
    (aevb.models.fixed_variance). Parameters: hidden.*, mean.*, and log_var.* where no variance is given.
    """

    capturable = True

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: PositiveInt,
        activation: Activation = "tanh",
        variance: NonNegativeFloat | None = None,
    ) -> None:
        super().__init__()
        self.hidden = Linear(data_dim, hidden_dim)
        self.mean = Linear(hidden_dim, latent_dim)
        self.variance = variance
        if variance is None:
            self.log_var = Linear(hidden_dim, latent_dim)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> DiagonalNormal | Point:
        """x (..., D) -> q(z|x) over (..., J)."""
        h = self.activation(self.hidden(x))
        mean = self.mean(h)
        return DiagonalNormal(mean, self.log_var(h)) if self.variance is None else around(mean, self.variance)


class GaussianDecoder(nn.Module):
    """p(x|z) = N(mu(z), diag sigma^2(z)) with a log-variance of its own for every pixel, one hidden layer.

    mean: "sigmoid" (the paper's, for data in (0, 1)) or "linear". Parameters: hidden.*, mean.*, log_var.*
    """

    capturable = True

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: PositiveInt,
        activation: Activation = "tanh",
        mean: Literal["sigmoid", "linear"] = "sigmoid",
    ) -> None:
        super().__init__()
        self.hidden = Linear(latent_dim, hidden_dim)
        self.mean = Linear(hidden_dim, data_dim)
        self.log_var = Linear(hidden_dim, data_dim)
        self.activation = activation_function(activation)
        self.squash = torch.sigmoid if mean == "sigmoid" else nn.Identity()

    def forward(self, z: Tensor) -> DiagonalNormal:
        """z (..., J) -> p(x|z) over (..., D)."""
        h = self.activation(self.hidden(z))
        return DiagonalNormal(self.squash(self.mean(h)), self.log_var(h))


class FixedVarianceDecoder(nn.Module):
    r"""p(x|z) = N(mu(z), c I) with the same variance c for every pixel, which is not learnt; one hidden layer.

    -log p(x|z) = ||x - mu(z)||^2 / 2c + D/2 log 2 pi c: the squared error. c times the bound is -||x - mu||^2 / 2 - c KL
    up to a constant, so a larger c weights the KL divergence more, as beta = c does.

    variance: c. mean: "sigmoid" or "linear". Parameters: hidden.*, mean.*
    """

    capturable = True

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: PositiveInt,
        activation: Activation = "tanh",
        mean: Literal["sigmoid", "linear"] = "linear",
        variance: PositiveFloat = 1.0,
    ) -> None:
        super().__init__()
        self.hidden = Linear(latent_dim, hidden_dim)
        self.mean = Linear(hidden_dim, data_dim)
        self.activation = activation_function(activation)
        self.squash = torch.sigmoid if mean == "sigmoid" else nn.Identity()
        self.log_var = math.log(variance)

    def forward(self, z: Tensor) -> DiagonalNormal:
        """z (..., J) -> p(x|z) over (..., D)."""
        mean = self.squash(self.mean(self.activation(self.hidden(z))))
        return DiagonalNormal(mean, torch.full_like(mean, self.log_var))

"""q(z|x) with a fixed variance v: N(mu(x), v I), or the point mu(x) for v = 0.

If v > 0 and the aggregate posterior is close to the prior, the information of z about x is limited
(Braithwaite & Kleijn 2018, "bounded information rate"). A point is the code of a plain autoencoder:
it has no density log q(z|x), so there are no bound, no KL divergence and no importance weights.
"""

import math

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Point", "fixed_variance_posterior", "no_density"]


class Point:
    """The distribution whose whole mass is at one point.

    Args:
        mean: The point, (..., J).
    """

    def __init__(self, mean: Tensor) -> None:
        self.mean = mean

    @property
    def log_var(self) -> Tensor:
        """The logarithm of the variance, minus infinity, (..., J)."""
        return torch.full_like(self.mean, -math.inf)

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Return the mean itself, with its gradient.

        Args:
            noise: Not used.
            samples: Number of copies; None: no leading axis.

        Returns:
            The mean, (..., J) or (samples, ..., J).
        """
        return self.mean if samples is None else self.mean.expand(samples, *self.mean.shape)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Return the result of `rsample` without a gradient.

        Args:
            noise: Unused.
            samples: The number of samples; None for one without a leading axis.
        """
        return self.rsample(noise, samples).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """Refuse: a point has no density.

        Args:
            value: Unused.

        Raises:
            UserError: Always.
        """
        raise no_density()

    def kl(self, other: DiagonalNormal) -> Tensor:
        """Refuse: a point has no density.

        Args:
            other: Unused.

        Raises:
            UserError: Always.
        """
        raise no_density()


def no_density() -> UserError:
    """Return the error of a formula that needs the density of a point."""
    return UserError(
        "model.encoder.variance=0: the code is a point, which has no density log q(z|x); "
        "allowed: objectives and evaluators that need only the code; "
        "try: objective=autoencoder with evaluator=reconstruction, or model.encoder.variance=0.1"
    )


def fixed_variance_posterior(mean: Tensor, variance: float) -> DiagonalNormal | Point:
    """Return q(z|x) with a given mean and a fixed variance.

    Args:
        mean: mu(x), (..., J).
        variance: v >= 0, the same in all dimensions.

    Returns:
        N(mean, variance I), or a point for the variance 0.
    """
    return Point(mean) if variance == 0 else DiagonalNormal(mean, torch.full_like(mean, math.log(variance)))

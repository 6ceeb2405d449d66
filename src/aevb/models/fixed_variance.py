"""q(z|x) of a variance that nothing trains: N(mu(x), v I), and the point mu(x) for v = 0.

v > 0 with an aggregate posterior held to the prior limits what z can say of x (Braithwaite & Kleijn 2018, "bounded
information rate"). A point is the code of a plain autoencoder: there is no density log q(z|x), hence no bound, no KL
divergence, no importance weights.
"""

import math

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Point", "around"]


class Point:
    """All mass at `mean` (..., J)."""

    def __init__(self, mean: Tensor) -> None:
        self.mean = mean

    @property
    def log_var(self) -> Tensor:
        """Minus infinity, (..., J)."""
        return torch.full_like(self.mean, -math.inf)

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """The mean itself, with its gradient: (..., J), or (samples, ..., J)."""
        return self.mean if samples is None else self.mean.expand(samples, *self.mean.shape)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """As `rsample`, without gradient."""
        return self.rsample(noise, samples).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """Raises UserError."""
        raise _no_density()

    def kl(self, other: DiagonalNormal) -> Tensor:
        """Raises UserError."""
        raise _no_density()


def _no_density() -> UserError:
    return UserError(
        "model.encoder.variance=0: the code is a point, and a point has no density log q(z|x); allowed: what needs the code "
        "alone; try: objective=autoencoder with evaluator=reconstruction, or model.encoder.variance=0.1"
    )


def around(mean: Tensor, variance: float) -> DiagonalNormal | Point:
    """q(z|x) of mean (..., J) and one variance."""
    return Point(mean) if variance == 0 else DiagonalNormal(mean, torch.full_like(mean, math.log(variance)))

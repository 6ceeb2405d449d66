"""A model of which one parameter is trained: that costs next to nothing, so what a step takes is the framework's.

A user's own module, as aevb-train takes it: named by the YAML files in conf/, allowed by `--trust benchmarks`.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update

__all__ = ["Constant", "Level", "Posterior", "distance"]


def distance(level: Tensor, x: Tensor) -> Tensor:
    """The loss: squared distance of the one number from the first pixel of the minibatch."""
    return ((level - x[:, 0]) ** 2).mean()


class Posterior(nn.Module):
    """q(z|x) = N(mean, 1), one latent dimension. Parameters: mean, which nothing moves: a VAE has recognition parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> DiagonalNormal:
        mean = self.mean.expand(*x.shape[:-1], 1)
        return DiagonalNormal(mean, torch.zeros_like(mean))


class Constant(nn.Module):
    """p(x|z) has the same logit everywhere. data_dim: D. Parameters: level."""

    likelihood = "bernoulli"

    def __init__(self, data_dim: int) -> None:
        super().__init__()
        self.data_dim = data_dim
        self.level = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor) -> Bernoulli:
        return Bernoulli(self.level.expand(*z.shape[:-1], self.data_dim))


class Level(Objective):
    """Moves the one parameter, once a minibatch."""

    def __init__(self) -> None:
        super().__init__(weight_prior=0.0)

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        x, _, _ = next(stream)
        level = model.decoder.get_parameter("level")
        loss = distance(level, x)
        yield Update(loss, ("theta",), len(x), {"bound": -loss.detach()})

r"""Priors over the latent variables.

    standard normal   p(z) = N(0, I)
    Bernoulli         p(z; a) = prod_i exp(z_i a_i) / (1 + exp a_i),   z in {0, 1}^J;   uniform for a = 0

With learnt biases a and a linear Bernoulli decoder the second is the sigmoid belief network (Neal
1992).
"""

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.models.base import Prior
from aevb.types import PositiveInt

__all__ = ["BernoulliPrior", "StandardNormal"]


class StandardNormal(Prior):
    """p(z) = N(0, I), without parameters.

    Args:
        latent_dim: Number of latent dimensions, J.
    """

    capturable = True
    zero: Tensor

    def __init__(self, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(latent_dim), persistent=False)

    def forward(self) -> DiagonalNormal:
        """Return p(z) over (J,)."""
        return DiagonalNormal(self.zero, self.zero)


class BernoulliPrior(Prior):
    """p(z) over {0, 1}^J.

    Args:
        latent_dim: Number of latent dimensions, J.
        learnt: Whether the biases a are trained as a part of theta; if not, they stay at their
            initial value 0.

    Attributes:
        logits: a, (J,): a parameter if learnt, otherwise a buffer that is not saved.
    """

    capturable = True
    accepts = ("binary",)
    logits: Tensor

    def __init__(self, latent_dim: PositiveInt, learnt: bool = False) -> None:
        super().__init__()
        if learnt:
            self.logits = nn.Parameter(torch.zeros(latent_dim))
        else:
            self.register_buffer("logits", torch.zeros(latent_dim), persistent=False)

    def forward(self) -> Bernoulli:
        """Return p(z) over (J,)."""
        return Bernoulli(self.logits)

r"""Priors over the latent variables.

    standard normal   p(z) = N(0, I)
    Bernoulli         p(z; a) = prod_i exp(z_i a_i) / (1 + exp a_i),   z in {0, 1}^J;   a = 0: every code alike

With learnt biases a and one layer of units above z the second is the sigmoid belief network (Neal 1992).
"""

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.types import PositiveInt

__all__ = ["BernoulliPrior", "StandardNormal"]


class StandardNormal(nn.Module):
    """p(z) = N(0, I) over J dimensions; no parameters."""

    capturable = True
    zero: Tensor

    def __init__(self, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(latent_dim), persistent=False)

    def forward(self) -> DiagonalNormal:
        """p(z) over (J,)."""
        return DiagonalNormal(self.zero, self.zero)


class BernoulliPrior(nn.Module):
    """p(z) over {0, 1}^J. learnt: whether the biases a are parameters of theta, which begin at 0, or stay there.

    Parameter, or buffer that is not stored: logits, a.
    """

    capturable = True
    logits: Tensor

    def __init__(self, latent_dim: PositiveInt, learnt: bool = False) -> None:
        super().__init__()
        if learnt:
            self.logits = nn.Parameter(torch.zeros(latent_dim))
        else:
            self.register_buffer("logits", torch.zeros(latent_dim), persistent=False)

    def forward(self) -> Bernoulli:
        """p(z) over (J,)."""
        return Bernoulli(self.logits)

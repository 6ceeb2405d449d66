"""Priors over the latent variables."""

import torch
from torch import Tensor, nn

from aevb.distributions import DiagonalNormal
from aevb.ranges import PositiveInt

__all__ = ["StandardNormal"]


class StandardNormal(nn.Module):
    """p(z) = N(0, I) over J dimensions; no parameters."""

    zero: Tensor

    def __init__(self, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(latent_dim), persistent=False)

    def forward(self) -> DiagonalNormal:
        """p(z) over (J,)."""
        return DiagonalNormal(self.zero, self.zero)

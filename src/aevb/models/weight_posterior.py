r"""A Gaussian over the decoder's parameters (appendix F): theta is a random variable, not a point.

    q(theta) = N(mu, diag sigma^2),   theta = mu + sigma * zeta,   zeta ~ N(0, I)

mu are the decoder's own parameters, so whatever asks the model for p(x|z) gets the network of the posterior mean; log sigma^2
are parameters of a second set with the same names. All of theta, biases too, has the prior p(theta) = N(0, I).
"""

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from aevb.distributions import DiagonalNormal
from aevb.distributions.base import Distribution

__all__ = ["Drawn", "ThetaPosterior"]


class ThetaPosterior(nn.Module):
    """q(theta) over the P parameters of a decoder, in the order of their names there. Parameters: log_var.<name>.

    decoder: whose shapes they have; it stays the owner of the means. log_var: where log sigma^2 begins.
    """

    def __init__(self, decoder: nn.Module, log_var: float) -> None:
        super().__init__()
        self.log_var = copy.deepcopy(decoder)
        for parameter in self.log_var.parameters():
            nn.init.constant_(parameter, log_var)

    def forward(self, decoder: nn.Module) -> DiagonalNormal:
        """q(theta) over (P,)."""
        return DiagonalNormal(_flat(decoder), _flat(self.log_var))

    def prior(self) -> DiagonalNormal:
        """p(theta) = N(0, I) over (P,)."""
        zero = torch.zeros_like(_flat(self.log_var))
        return DiagonalNormal(zero, zero)


class Drawn(nn.Module):
    """z -> p(x|z, theta): `decoder` with theta (P,) in place of its parameters, differentiable in both."""

    def __init__(self, decoder: nn.Module, theta: Tensor) -> None:
        super().__init__()
        self.decoder = decoder
        names, parameters = zip(*decoder.named_parameters(), strict=True)
        parts = theta.split([parameter.numel() for parameter in parameters])
        self.values = {n: part.view_as(p) for n, part, p in zip(names, parts, parameters, strict=True)}

    def forward(self, z: Tensor) -> Distribution:
        """z (..., J) -> p(x|z, theta) over (..., D)."""
        return functional_call(self.decoder, self.values, (z,))


def _flat(network: nn.Module) -> Tensor:
    return torch.cat([parameter.flatten() for parameter in network.parameters()])

r"""A Gaussian posterior over the decoder's parameters (appendix F): theta is a random variable, not a point estimate.

    q(theta) = N(mu, diag sigma^2),   theta = mu + sigma * zeta,   zeta ~ N(0, I)

mu is stored in the decoder's own parameters, so that p(x|z) of the model is the network at the
posterior mean. log sigma^2 is a second set of parameters with the same names. All of theta,
including the biases, has the prior p(theta) = N(0, I).
"""

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from aevb.distributions import DiagonalNormal
from aevb.distributions.base import Distribution

__all__ = ["SampledDecoder", "ThetaPosterior"]


class ThetaPosterior(nn.Module):
    """q(theta) over the P parameters of a decoder, in the order of the decoder's parameters.

    Args:
        decoder: The decoder; it keeps the means.
        log_var: Initial value of log sigma^2.

    Attributes:
        log_var: A copy of the decoder whose parameters are log sigma^2.
    """

    def __init__(self, decoder: nn.Module, log_var: float) -> None:
        super().__init__()
        self.log_var = copy.deepcopy(decoder)
        for parameter in self.log_var.parameters():
            nn.init.constant_(parameter, log_var)

    def forward(self, decoder: nn.Module) -> DiagonalNormal:
        """Return q(theta) over (P,).

        Args:
            decoder: The decoder whose parameters are the means.

        Returns:
            A diagonal normal distribution.
        """
        return DiagonalNormal(_flat(decoder), _flat(self.log_var))

    def prior(self) -> DiagonalNormal:
        """Return p(theta) = N(0, I) over (P,)."""
        zero = torch.zeros_like(_flat(self.log_var))
        return DiagonalNormal(zero, zero)


class SampledDecoder(nn.Module):
    """p(x|z, theta): a decoder with a sample of theta instead of its own parameters, differentiable in z and theta.

    Args:
        decoder: The decoder.
        theta: Parameters, (P,), in the order of the decoder's parameters.
    """

    def __init__(self, decoder: nn.Module, theta: Tensor) -> None:
        super().__init__()
        self.decoder = decoder
        names, parameters = zip(*decoder.named_parameters(), strict=True)
        parts = theta.split([parameter.numel() for parameter in parameters])
        self.values = {n: part.view_as(p) for n, part, p in zip(names, parts, parameters, strict=True)}

    def forward(self, z: Tensor) -> Distribution:
        """Return p(x|z, theta).

        Args:
            z: Latent variables, (..., J).

        Returns:
            p(x|z, theta) over (..., D).
        """
        return functional_call(self.decoder, self.values, (z,))


def _flat(network: nn.Module) -> Tensor:
    return torch.cat([parameter.flatten() for parameter in network.parameters()])

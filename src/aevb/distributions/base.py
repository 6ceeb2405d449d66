"""The protocol of all distributions, and the error for a KL divergence that has no closed form.

The distributions of the paper, over vectors: log-densities are summed over the last axis.
torch.distributions has them too, and the tests compare the two. These are parameterised by what the
networks return (log-variance, logits), take their random numbers as an argument, and cost a few
operations each.

Shapes: parameters are (..., D) with leading axes that broadcast, e.g. (M, D) or (L, M, D); log_prob
returns (...).
"""

import math
from typing import Protocol

from torch import Tensor

from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Distribution", "NoClosedForm"]

LOG_2PI = math.log(2 * math.pi)


class NoClosedForm(UserError):
    """KL(q || p) has no closed form for this pair of families.

    Args:
        q: Name of the family of q(z|x).
        p: Name of the family of p(z).
    """

    def __init__(self, q: str, p: str) -> None:
        super().__init__(
            f"KL({q} || {p}): no closed form for this model/encoder= and model/prior=; allowed: an objective that samples it; "
            "try: objective=sgvb_a"
        )


class Distribution(Protocol):
    """What encoders, decoders and priors return. Distributions over z also have `log_var`, `rows` and `kl`."""

    @property
    def mean(self) -> Tensor:
        """The expectation, (..., D)."""

    @property
    def mode(self) -> Tensor:
        """The most likely value, (..., D)."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(value), summed over the last axis.

        Args:
            value: Points, (..., D).

        Returns:
            Log-probabilities or log-densities in nats, (...).
        """

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw samples; no gradient passes through them.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., D) or (samples, ..., D).
        """

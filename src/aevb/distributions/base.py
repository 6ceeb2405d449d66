r"""The three distributions of the paper, over vectors: log-densities are summed over the last axis.

torch.distributions has them too (the tests hold one against the other); these are parametrised as the networks
give them (log-variance, logits), take their noise from outside, and cost a few operations each.

Shapes: parameters (..., D) with leading axes that broadcast, e.g. (M, D) or (L, M, D); log_prob gives (...).
"""

import math
from typing import Protocol

from torch import Tensor

from aevb.errors import UserError
from aevb.noise import Noise

__all__ = ["Distribution", "NoClosedForm"]

LOG_2PI = math.log(2 * math.pi)
"""Rows of 784 numbers whose intermediate results stay in a processor's cache: half the time of 1000."""


class NoClosedForm(UserError):
    """KL(q || p) has none for this pair of families."""

    def __init__(self, q: str, p: str) -> None:
        super().__init__(
            f"KL({q} || {p}): no closed form; allowed: an objective that samples it; try: objective=sgvb_a"
        )


class Distribution(Protocol):
    """What encoders, decoders and priors return. Those over z also have `log_var`, `rows` and `kl`."""

    @property
    def mean(self) -> Tensor:
        """Expectation, shape (..., D)."""

    @property
    def mode(self) -> Tensor:
        """The likeliest value, shape (..., D)."""

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, summed over the last axis."""

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """One draw per row, or (samples, ..., D) of them; no gradient passes."""

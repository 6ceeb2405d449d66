"""The diagonal normal distribution."""

import torch
from torch import Tensor

from aevb.distributions.base import LOG_2PI, NoClosedForm
from aevb.noise import Noise

__all__ = ["DiagonalNormal"]


class DiagonalNormal:
    r"""N(mean, diag exp(log_var)): log p(x) = -1/2 sum_d [log 2 pi + log s_d^2 + (x_d - mu_d)^2 / s_d^2].

    mean, log_var: (..., D); log_var is log sigma^2, the output of eq. 12's network.
    """

    def __init__(self, mean: Tensor, log_var: Tensor) -> None:
        self.mean, self.log_var = mean, log_var

    @property
    def mode(self) -> Tensor:
        """The likeliest value, (..., D)."""
        return self.mean

    def rows(self, count: int) -> "DiagonalNormal":
        """The same for each of `count` rows, (count, D), of parameters (D,) or (count, D)."""
        return DiagonalNormal(self.mean.expand(count, -1), self.log_var.expand(count, -1))

    @property
    def scale(self) -> Tensor:
        """Standard deviation sigma = exp(log_var / 2), (..., D)."""
        return torch.exp(0.5 * self.log_var)

    def log_prob(self, value: Tensor) -> Tensor:
        """log N(value; mean, diag exp(log_var)), (...)."""
        return -0.5 * (LOG_2PI + self.log_var + (value - self.mean) ** 2 * torch.exp(-self.log_var)).sum(-1)

    def log_prob_of_all(self, value: Tensor) -> Tensor:
        """log p(value_m) under each of G distributions, (G, M): mean (G, D), value (M, D).

        The square is multiplied out, into matrix products; in float64, because its terms cancel.
        """
        x, mean, precision = value.double(), self.mean.double(), torch.exp(-self.log_var.double())
        square = precision @ (x**2).T - 2 * (mean * precision) @ x.T + (mean**2 * precision).sum(-1, keepdim=True)
        return -0.5 * (square + (LOG_2PI + self.log_var.double()).sum(-1, keepdim=True))

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Reparameterised draws z = mu + sigma * eps with eps ~ N(0, I): (..., D), or (samples, ..., D)."""
        lead = () if samples is None else (samples,)
        eps = noise.normal((*lead, *self.mean.shape), self.mean.dtype)
        return self.mean + self.scale * eps

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """As `rsample`, without gradient."""
        with torch.no_grad():
            return self.rsample(noise, samples)

    def kl(self, other: "DiagonalNormal") -> Tensor:
        """KL(self || other) in nats, (...): appendix B, for a diagonal normal `other`; else raises NoClosedForm."""
        if not isinstance(other, DiagonalNormal):
            raise NoClosedForm("normal", getattr(other, "family", type(other).__name__))
        variance_ratio = torch.exp(self.log_var - other.log_var)
        shift = (self.mean - other.mean) ** 2 * torch.exp(-other.log_var)
        return 0.5 * (variance_ratio + shift - 1 - self.log_var + other.log_var).sum(-1)

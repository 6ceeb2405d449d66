"""The normal distribution with a diagonal covariance matrix (appendices B and C.2)."""

import torch
from torch import Tensor

from aevb.distributions.base import LOG_2PI, NoClosedForm
from aevb.noise import Noise

__all__ = ["DiagonalNormal"]

LARGEST_TERM = 1e10
"""Of an expanded square, whose rounding error is then 1e-6 nats at most."""


class DiagonalNormal:
    r"""N(mean, diag exp(log_var)): log p(x) = -1/2 sum_d [log 2 pi + log s_d^2 + (x_d - mu_d)^2 / s_d^2].

    Args:
        mean: mu, (..., D).
        log_var: log sigma^2, (..., D); an output of the network of eq. 12.
    """

    def __init__(self, mean: Tensor, log_var: Tensor) -> None:
        self.mean, self.log_var = mean, log_var

    @property
    def mode(self) -> Tensor:
        """The most likely value, which is the mean, (..., D)."""
        return self.mean

    def rows(self, count: int) -> "DiagonalNormal":
        """Expand the distribution to `count` rows.

        Args:
            count: Number of rows.

        Returns:
            The distribution with parameters (count, D); the present ones are (D,) or (count, D).
        """
        return DiagonalNormal(self.mean.expand(count, -1), self.log_var.expand(count, -1))

    @property
    def scale(self) -> Tensor:
        """The standard deviation sigma = exp(log_var / 2), (..., D)."""
        return torch.exp(0.5 * self.log_var)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log N(value; mean, diag exp(log_var)).

        In float32, exp(-log_var) is infinite for a log-variance below -88, and the result is then nan or -inf.

        Args:
            value: Points, (..., D).

        Returns:
            Log-densities in nats, (...).
        """
        return -0.5 * (LOG_2PI + self.log_var + (value - self.mean) ** 2 * torch.exp(-self.log_var)).sum(-1)

    def slope(self, value: Tensor) -> Tensor:
        """Return the gradient of log N at points, (mu - x) / sigma^2.

        Args:
            value: Points, (..., D).

        Returns:
            The gradients, (..., D).
        """
        return (self.mean - value) * torch.exp(-self.log_var)

    def log_prob_of_all(self, value: Tensor) -> Tensor:
        """Return the log-density of every row of `value` under every one of the G distributions.

        The square is expanded into matrix products, and computed in float64 because its terms
        cancel. Where the variances are so small that this would not suffice, it is not expanded.

        Args:
            value: Points, (M, D). The mean and the log-variance are (G, D).

        Returns:
            log p_g(value_m) in nats, float64, (G, M).
        """
        x, mean, precision = value.double(), self.mean.double(), torch.exp(-self.log_var.double())
        of_x, of_mean = precision @ (x**2).T, (mean**2 * precision).sum(-1, keepdim=True)
        square = of_x - 2 * (mean * precision) @ x.T + of_mean
        if not (of_x + of_mean).amax() < LARGEST_TERM:
            square = torch.stack([((x - mu) ** 2 * p).sum(-1) for mu, p in zip(mean, precision, strict=True)])
        return -0.5 * (square + (LOG_2PI + self.log_var.double()).sum(-1, keepdim=True))

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw reparameterised samples z = mu + sigma * eps with eps ~ N(0, I) (section 2.4).

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., D) or (samples, ..., D), differentiable with respect to the mean and the
            log-variance.
        """
        lead = () if samples is None else (samples,)
        eps = noise.normal((*lead, *self.mean.shape), self.mean.dtype)
        return self.mean + self.scale * eps

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw the samples of `rsample` without a gradient.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., D) or (samples, ..., D).
        """
        with torch.no_grad():
            return self.rsample(noise, samples)

    def kl(self, other: "DiagonalNormal") -> Tensor:
        """Return KL(self || other) in closed form (appendix B).

        Args:
            other: A diagonal normal distribution whose parameters broadcast with these.

        Returns:
            The KL divergence in nats, (...).

        Raises:
            NoClosedForm: `other` is not a diagonal normal distribution.
        """
        if not isinstance(other, DiagonalNormal):
            raise NoClosedForm("normal", getattr(other, "family", type(other).__name__))
        variance_ratio = torch.exp(self.log_var - other.log_var)
        shift = (self.mean - other.mean) ** 2 * torch.exp(-other.log_var)
        return 0.5 * (variance_ratio + shift - 1 - self.log_var + other.log_var).sum(-1)

r"""The normal distribution with a full covariance matrix (Kingma & Welling 2019, section 2.5.1).

    z = mu + L eps,   eps ~ N(0, I),   L lower triangular with the diagonal exp(log_var / 2)
    log N(z; mu, L L') = -1/2 (|eps|^2 + J log 2 pi + sum_j log_var_j),   eps = L^-1 (z - mu) by a triangular solve

    KL(N(mu, L L') || N(m, diag s^2)) = 1/2 sum_j [(sum_k L_jk^2 + (mu_j - m_j)^2) / s_j^2 - 1 - log_var_j + log s_j^2]

With zeros below the diagonal all of this is `DiagonalNormal`.
"""

import torch
from torch import Tensor

from aevb.distributions.base import LOG_2PI, Distribution, NoClosedForm
from aevb.distributions.normal import DiagonalNormal
from aevb.noise import Noise

__all__ = ["TriangularNormal"]


class TriangularNormal:
    """N(mean, L L') with L = strictly lower triangle of `lower` + diag exp(diagonal / 2).

    Args:
        mean: mu, (..., J).
        diagonal: log L_jj^2, (..., J).
        lower: L below its diagonal, (..., J, J); other entries must be 0.
    """

    family = "full_covariance"
    one_array = True
    """A draw takes one array of normal numbers (aevb.estimators.importance)."""

    def __init__(self, mean: Tensor, diagonal: Tensor, lower: Tensor) -> None:
        self.mean, self.diagonal, self.lower = mean, diagonal, lower

    @property
    def factor(self) -> Tensor:
        """L, (..., J, J)."""
        return self.lower + torch.diag_embed(torch.exp(0.5 * self.diagonal))

    @property
    def mode(self) -> Tensor:
        """The most likely value, which is the mean, (..., J)."""
        return self.mean

    @property
    def log_var(self) -> Tensor:
        """The logarithm of the variance of each z_j, log sum_k L_jk^2, (..., J)."""
        return torch.log(self._variance)

    @property
    def _variance(self) -> Tensor:
        return (self.lower**2).sum(-1) + torch.exp(self.diagonal)

    def rows(self, count: int) -> "TriangularNormal":
        """Expand the distribution to `count` rows.

        Args:
            count: Number of rows.

        Returns:
            The distribution with parameters (count, J); the present ones are (J,) or (count, J).
        """
        return TriangularNormal(
            self.mean.expand(count, -1), self.diagonal.expand(count, -1), self.lower.expand(count, -1, -1)
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log N(value; mean, L L').

        Args:
            value: Points, (..., J).

        Returns:
            Log-densities in nats, (...).
        """
        shift = value - self.mean  # (..., *batch, J): the axes before those of L become columns of one solve
        batch = shift.shape[shift.dim() - self.mean.dim() : -1]
        columns = shift.reshape(-1, *batch, shift.shape[-1]).movedim(0, -1)
        eps = torch.linalg.solve_triangular(self.factor, columns, upper=False)
        square = (eps**2).sum(-2).movedim(-1, 0).reshape(shift.shape[:-1])
        return -0.5 * (square + (LOG_2PI + self.diagonal).sum(-1))

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw reparameterised samples z = mu + L eps.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., J) or (samples, ..., J), differentiable with respect to the parameters.
        """
        lead = () if samples is None else (samples,)
        eps = noise.normal((*lead, *self.mean.shape), self.mean.dtype)
        return self.mean + (self.factor @ eps.unsqueeze(-1)).squeeze(-1)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw the samples of `rsample` without a gradient.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., J) or (samples, ..., J).
        """
        with torch.no_grad():
            return self.rsample(noise, samples)

    def kl(self, other: Distribution) -> Tensor:
        """Return KL(self || other) in closed form.

        Args:
            other: A diagonal normal distribution whose parameters broadcast with these.

        Returns:
            The KL divergence in nats, (...).

        Raises:
            NoClosedForm: `other` is not a diagonal normal distribution.
        """
        if not isinstance(other, DiagonalNormal):
            raise NoClosedForm(self.family, getattr(other, "family", type(other).__name__))
        square = (self._variance + (self.mean - other.mean) ** 2) * torch.exp(-other.log_var)
        return 0.5 * (square - 1 - self.diagonal + other.log_var).sum(-1)

r"""A mixture of normal distributions with diagonal covariance matrices, as a prior p(z).

    log p(z) = log sum_k pi_k N(z; mu_k, diag s_k^2)                          by logsumexp
    E z      = sum_k pi_k mu_k,   Var z_j = sum_k pi_k (s_kj^2 + mu_kj^2) - (E z_j)^2
    grad log p(z) = sum_k r_k(z) (mu_k - z) / s_k^2,   r_k(z) = pi_k N_k(z) / sum_i pi_i N_i(z)

The density of all components at all points is a matrix product (`DiagonalNormal.log_prob_of_all`), in
float64. A draw chooses a component by a uniform number, which has no derivative: objectives may
differentiate log p(z), and not a draw. KL(q || p) has no closed form.
"""

from typing import NoReturn

import torch
from torch import Tensor

from aevb.distributions.base import Distribution, NoClosedForm
from aevb.distributions.normal import DiagonalNormal
from aevb.noise import Noise

__all__ = ["NormalMixture"]

PAIRS = 2_000_000  # (component, point) pairs whose densities are computed at once: 16 MB


class NormalMixture:
    """sum_k pi_k N(mu_k, diag s_k^2) with pi = softmax(logits).

    Args:
        logits: Unnormalised log-weights, (K,).
        components: The K normal distributions, over (K, J).
        count: Number of rows that have this distribution; None: one, without an axis of rows.
    """

    family = "mixture"

    def __init__(self, logits: Tensor, components: DiagonalNormal, count: int | None = None) -> None:
        self.logits, self.count = logits, count
        self.components = DiagonalNormal(components.mean, components.log_var.expand_as(components.mean))

    @property
    def weights(self) -> Tensor:
        """pi, (K,)."""
        return torch.softmax(self.logits, 0)

    @property
    def mean(self) -> Tensor:
        """The expectation, (J,) or (count, J)."""
        return self._expanded(self.weights @ self.components.mean)

    @property
    def mode(self) -> Tensor:
        """The mean of the component at whose mean the density is highest, (J,) or (count, J)."""
        return self._expanded(self.components.mean[self.log_prob(self.components.mean).argmax()])

    @property
    def log_var(self) -> Tensor:
        """The logarithm of the variance of each dimension, (J,) or (count, J)."""
        means, pi = self.components.mean, self.weights
        variance = pi @ (self.components.log_var.exp() + (means - pi @ means) ** 2)
        return self._expanded(variance.log())

    @property
    def reach(self) -> float:
        """The largest |mu_kj| + 8 s_kj: the cube of this radius around 0 holds all but 1e-15 of the mass on each axis."""
        return (self.components.mean.abs() + 8 * self.components.scale).max().item()

    def _expanded(self, value: Tensor) -> Tensor:
        return value if self.count is None else value.expand(self.count, -1)

    def rows(self, count: int) -> "NormalMixture":
        """Expand the distribution to `count` rows, each of which draws its own component.

        Args:
            count: Number of rows.
        """
        return NormalMixture(self.logits, self.components, count)

    def detach(self) -> "NormalMixture":
        """Return the distribution with the same parameters, through which no gradient passes."""
        fixed = DiagonalNormal(self.components.mean.detach(), self.components.log_var.detach())
        return NormalMixture(self.logits.detach(), fixed, self.count)

    def _joint(self, points: Tensor) -> Tensor:
        # log pi_k + log N_k at points (n, J), (K, n) in float64.
        return self.components.log_prob_of_all(points) + torch.log_softmax(self.logits.double(), 0)[:, None]

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(value).

        Args:
            value: Points, (..., J).

        Returns:
            Log-densities in nats, (...).
        """
        points = value.reshape(-1, value.shape[-1])
        parts = points.split(max(1, PAIRS // len(self.logits)))
        return torch.cat([self._joint(part).logsumexp(0) for part in parts]).reshape(value.shape[:-1]).to(value.dtype)

    def slope(self, value: Tensor) -> Tensor:
        """Return the gradient of log p at points.

        Args:
            value: Points, (..., J).

        Returns:
            The gradients, (..., J).
        """
        points = value.reshape(-1, value.shape[-1])
        share = self._joint(points).softmax(0).T  # r_k(z), (n, K)
        precision = torch.exp(-self.components.log_var.double())
        slope = share @ (self.components.mean.double() * precision) - points.double() * (share @ precision)
        return slope.reshape(value.shape).to(value.dtype)

    @torch.no_grad()
    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw samples; no gradient passes through them.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (J,) or (count, J), behind an axis of `samples` if that is given.
        """
        mean, scale = self.components.mean, self.components.scale
        lead = tuple(size for size in (samples, self.count) if size is not None) or (1,)
        upto = torch.softmax(self.logits.double(), 0).cumsum(0)
        u = noise.uniform((*lead, 1), mean.dtype)
        chosen = torch.searchsorted(upto, u.double(), right=True).clamp(max=len(upto) - 1).squeeze(-1)
        z = mean[chosen] + scale[chosen] * noise.normal((*lead, mean.shape[-1]), mean.dtype)
        return z[0] if samples is None and self.count is None else z

    def kl(self, other: Distribution) -> NoReturn:
        """Refuse: there is no closed form.

        Args:
            other: Another distribution over z.

        Raises:
            NoClosedForm: Always.
        """
        raise NoClosedForm(self.family, getattr(other, "family", "normal"))

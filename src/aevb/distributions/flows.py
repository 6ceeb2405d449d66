r"""Normalizing flows (Rezende & Mohamed 2015): a draw of a normal that goes through T invertible maps.

    z_0 ~ N(mu, diag sigma^2),   z_t = f_t(z_{t-1})
    log q(z_T) = log N(z_0; mu, diag sigma^2) - sum_t log |det df_t / dz_{t-1}|

The maps of one x are parameters of q(z|x). The log-density of a draw is computed along with the draw and kept with that
tensor, so that training inverts nothing. It is used only for that very tensor, unchanged since, and not where a gradient
is asked for that the draw was made without. All other points are mapped back, f_T^-1 first, by a computation that is
differentiable in the point and in the parameters.

No moment of q is known in closed form. `mean` and `log_var` are those of 2 x 128 fixed draws, eps and -eps with every
coordinate of variance 1: exact where the flow is affine and each z_j depends on one coordinate, elsewhere with a Monte Carlo
error, of the mean below sigma / 11 (128 pairs; antithetic pairs lower it) and of the variance about 12%.
"""

from collections.abc import Sequence
from typing import NoReturn, Protocol

import torch
from torch import Tensor

from aevb.distributions.base import Distribution, NoClosedForm
from aevb.distributions.normal import DiagonalNormal
from aevb.noise import Noise

__all__ = ["Flow", "Step"]

PAIRS = 128  # of draws, for the mean and the variance
PIECE = 16  # draws at once, which limits the memory


class Step(Protocol):
    """An invertible map of z with a Jacobian that is cheap."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(z) and log |det df/dz|.

        Args:
            z: Points, (..., J).

        Returns:
            Points, (..., J), and log-determinants, (...).
        """

    def inverse(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return z with f(z) = value, and log |det df/dz| at z; both are differentiable.

        Args:
            value: Points, (..., J).

        Returns:
            Points, (..., J), and log-determinants, (...).
        """

    def rows(self, count: int) -> "Step":
        """Expand the parameters to `count` rows.

        Args:
            count: Number of rows.
        """


class Flow:
    """The distribution of f_T(...f_1(z_0)) with z_0 from a diagonal normal.

    Args:
        family: The option of the group model/encoder, for messages.
        base: The distribution of z_0, over (..., J).
        steps: The maps f_1, ..., f_T.
    """

    one_array = True
    """A draw takes one array of normal numbers (aevb.estimators.importance)."""

    def __init__(self, family: str, base: DiagonalNormal, steps: Sequence[Step]) -> None:
        self.family, self.base, self.steps = family, base, steps
        self._last: tuple[Tensor, int, bool, Tensor] | None = None  # a draw, its version, with gradient?, log q

    def rows(self, count: int) -> "Flow":
        """Expand the distribution to `count` rows.

        Args:
            count: Number of rows.

        Returns:
            The distribution with parameters (count, J); the present ones are (J,) or (count, J).
        """
        return Flow(self.family, self.base.rows(count), [step.rows(count) for step in self.steps])

    def push(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_T and the sum of the log-determinants.

        Args:
            z: Values of z_0, (..., J).

        Returns:
            Points, (..., J), and sums, (...).
        """
        total = torch.zeros_like(z[..., 0])
        for step in self.steps:
            z, log_det = step.forward(z)
            total = total + log_det
        return z, total

    def pull(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_0 of points and the sum of the log-determinants of the way from it to them.

        Args:
            value: Points, (..., J).

        Returns:
            Values of z_0, (..., J), and sums, (...).
        """
        z, total = value, torch.zeros_like(value[..., 0])
        for step in reversed(self.steps):
            z, log_det = step.inverse(z)
            total = total + log_det
        return z, total

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log q(value): what is known for the last draw itself, by inversion for any other tensor.

        For the last draw of `rsample` the result depends on the parameters through the draw, as SGVB needs it; it has no
        derivative with respect to the draw as a tensor (z.detach() is another tensor, which is mapped back).

        Args:
            value: Points, (..., J).

        Returns:
            Log-densities in nats, (...).
        """
        if self._last is not None:
            draw, version, with_gradient, log_q = self._last
            if value is draw and _version(value) == version and (with_gradient or not torch.is_grad_enabled()):
                return log_q
        z, total = self.pull(value)
        return self.base.log_prob(z) - total

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw reparameterised samples, and keep their log-density.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., J) or (samples, ..., J), differentiable with respect to the parameters.
        """
        start = self.base.rsample(noise, samples)
        z, total = self.push(start)
        self._last = z, _version(z), torch.is_grad_enabled(), self.base.log_prob(start) - total
        return z

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

    @property
    def mean(self) -> Tensor:
        """A Monte Carlo estimate of the expectation by fixed draws, (..., J), see the top of the module."""
        return self._moments()[0]

    @property
    def mode(self) -> Tensor:
        """The value that figures decode, (..., J): `mean`, because the most likely value is not known."""
        return self.mean

    @property
    def log_var(self) -> Tensor:
        """The logarithm of a Monte Carlo estimate of the variance of each z_j by fixed draws, (..., J)."""
        return torch.log(self._moments()[1])

    def _moments(self) -> tuple[Tensor, Tensor]:
        loc, scale = self.base.mean, self.base.scale
        half = Noise(0, "moments of a flow", 0).normal((PAIRS, loc.shape[-1]), torch.float64)
        half = half / (half**2).mean(0).sqrt()
        eps = torch.stack([half, -half], 1).flatten(0, 1).to(loc)
        centre = self.push(loc)[0].detach()  # sums of squares around it do not cancel
        total, square = torch.zeros_like(centre), torch.zeros_like(centre)
        for few in eps.split(PIECE):
            few = few.reshape(len(few), *(1,) * (loc.dim() - 1), -1)
            shift = self.push(loc + scale * few)[0] - centre
            total, square = total + shift.sum(0), square + (shift**2).sum(0)
        shift = total / len(eps)
        variance = (square / len(eps) - shift**2).clamp(min=torch.finfo(shift.dtype).tiny)
        return centre + shift, variance

    def kl(self, other: Distribution) -> NoReturn:
        """Refuse: there is no closed form.

        Args:
            other: The prior.

        Raises:
            NoClosedForm: Always.
        """
        raise NoClosedForm(self.family, getattr(other, "family", "normal"))


def _version(value: Tensor) -> int:
    # Counts the changes in place; a tensor of inference mode has none.
    return -1 if value.is_inference() else value._version

"""A distribution of one of the families of section 2.4, with reparameterised samples."""

import math
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torch import distributions as td

from aevb.distributions import DiagonalNormal
from aevb.distributions.base import NoClosedForm
from aevb.distributions.families import FAMILIES, Parameters
from aevb.noise import Noise

__all__ = ["FamilyName", "ReparameterisedDistribution"]


FamilyName = Literal[
    "laplace",
    "logistic",
    "student_t",
    "uniform",
    "triangular",
    "cauchy",
    "gumbel",
    "exponential",
    "weibull",
    "pareto",
    "reciprocal",
    "gompertz",
    "log_normal",
    "gamma",
    "f",
    "kumaraswamy",
    "beta",
    "dirichlet",
]

HEAVY = "real, without moments"

AT_ZERO = math.log(math.e - 1)  # softplus(AT_ZERO) = 1


class ReparameterisedDistribution:
    """A distribution of one of the families, over vectors, with the interface of `Distribution`.

    Draws and densities are computed in float64; the results have the type of the parameters.

    Args:
        family: Name of the family (aevb.distributions.families).
        parameters: Name of each parameter -> its values, (..., J).
    """

    def __init__(self, family: FamilyName, parameters: Parameters) -> None:
        self.family, self.parameters = family, parameters
        self._shape = torch.broadcast_shapes(*(value.shape for value in parameters.values()))
        first = next(iter(parameters.values()))
        self._dtype, self._device = first.dtype, first.device

    @cached_property
    def distribution(self) -> Any:
        """The distribution of torch.distributions, in float64."""
        doubles = {name: value.double().expand(self._shape) for name, value in self.parameters.items()}
        return FAMILIES[self.family].density(doubles)

    @property
    def mean(self) -> Tensor:
        """The expectation, (..., J); the median where torch has no expectation (Logistic, Cauchy ...)."""
        mean: Tensor = self._or_nan("mean")
        if mean.isnan().any() and self._has_quantiles:
            mean = self._median()
        return mean.to(self._dtype)

    @property
    def _has_quantiles(self) -> bool:
        # The others have a mean wherever their parameters are numbers.
        return type(self.distribution).icdf is not td.Distribution.icdf

    def _or_nan(self, moment: str) -> Tensor:
        try:
            value: Tensor = getattr(self.distribution, moment)
        except NotImplementedError:
            value = torch.full(self._shape, math.nan, dtype=torch.float64, device=self._device)
        return value

    def _median(self) -> Tensor:
        return self.distribution.icdf(torch.full(self._shape, 0.5, dtype=torch.float64, device=self._device))

    @property
    def mode(self) -> Tensor:
        """The value that figures decode, (..., J): the mean, because the mode may be an end of the support."""
        return self.mean

    @property
    def log_var(self) -> Tensor:
        """The logarithm of the variance, (..., J); nan where torch has no variance."""
        return self._or_nan("variance").log().to(self._dtype)

    def rows(self, count: int) -> "ReparameterisedDistribution":
        """Expand the distribution to `count` rows.

        Args:
            count: Number of rows.

        Returns:
            The distribution with parameters (count, J); the present ones are (J,) or (count, J).
        """
        return ReparameterisedDistribution(
            self.family, {name: value.expand(count, -1) for name, value in self.parameters.items()}
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log q(value), summed over the latent dimensions.

        Args:
            value: Points in the support, (..., J); that they lie in it is not checked.

        Returns:
            Log-densities in nats, (...).
        """
        log_prob = self.distribution.log_prob(value.double())
        return (log_prob if self.distribution.event_shape else log_prob.sum(-1)).to(value.dtype)

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draw reparameterised samples.

        Args:
            noise: The random numbers.
            samples: Number of draws per row; None: one draw without a leading axis.

        Returns:
            Draws, (..., J) or (samples, ..., J), differentiable with respect to the parameters.
        """
        shape = (*(() if samples is None else (samples,)), *self._shape)
        expanded = {name: value.expand(shape) for name, value in self.parameters.items()}
        z = FAMILIES[self.family].draw(expanded, noise, shape).to(self._dtype)
        return _inside(z, FAMILIES[self.family].support)

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

    def kl(self, other: "ReparameterisedDistribution | DiagonalNormal") -> Tensor:
        """Return KL(self || other) as torch.distributions.kl_divergence computes it.

        Args:
            other: A distribution of a family, or a diagonal normal.

        Returns:
            The KL divergence in nats, (...).

        Raises:
            NoClosedForm: torch has no closed form for this pair.
        """
        if not isinstance(other, ReparameterisedDistribution | DiagonalNormal):
            raise NoClosedForm(self.family, getattr(other, "family", type(other).__name__))
        prior: Any = (
            td.Normal(other.mean.double(), other.scale.double())
            if isinstance(other, DiagonalNormal)
            else other.distribution
        )
        try:
            kl = td.kl_divergence(self.distribution, prior)
        except NotImplementedError as error:
            raise NoClosedForm(self.family, "normal" if isinstance(other, DiagonalNormal) else other.family) from error
        return (kl if self.distribution.event_shape else kl.sum(-1)).to(self._dtype)


def _inside(z: Tensor, support: str) -> Tensor:
    """Move numbers that rounding has put on the end of an open support back into it."""
    limits = torch.finfo(z.dtype)
    if support == "positive":
        return z.clamp(min=limits.tiny, max=limits.max)
    if support in ("unit", "simplex"):
        return z.clamp(min=limits.tiny, max=1 - limits.eps / 2)
    return z

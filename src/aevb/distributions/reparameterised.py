"""Distributions of the families of section 2.4, with reparameterised samples."""

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


AT_ZERO = math.log(math.e - 1)  # softplus is 1 there


class ReparameterisedDistribution:
    """A distribution of one of the families, over vectors as those of aevb.distributions.base.

    family: its name. parameters: by name, (..., J) each. Arithmetic of draws and densities is float64; results have the
    parameters' type.
    """

    def __init__(self, family: FamilyName, parameters: Parameters) -> None:
        self.family, self.parameters = family, parameters
        self._shape = torch.broadcast_shapes(*(value.shape for value in parameters.values()))
        self._dtype = next(iter(parameters.values())).dtype

    @cached_property
    def distribution(self) -> Any:
        """torch's, in float64."""
        doubles = {name: value.double().expand(self._shape) for name, value in self.parameters.items()}
        return FAMILIES[self.family].density(doubles)

    @property
    def mean(self) -> Tensor:
        """Expectation, (..., J); the median of families whose expectation torch does not have (Logistic, Cauchy ...)."""
        try:
            mean = self.distribution.mean
        except NotImplementedError:
            mean = self._median()
        return (self._median() if mean.isnan().any() else mean).to(self._dtype)

    def _median(self) -> Tensor:
        return self.distribution.icdf(torch.full(self._shape, 0.5, dtype=torch.float64))

    @property
    def mode(self) -> Tensor:
        """Where pictures decode: the mean here, for the likeliest value may be an end of the support, (..., J)."""
        return self.mean

    @property
    def log_var(self) -> Tensor:
        """Logarithm of the variance, (..., J); nan where torch has none."""
        try:
            return self.distribution.variance.log().to(self._dtype)
        except NotImplementedError:
            return torch.full(self._shape, math.nan, dtype=self._dtype)

    def rows(self, count: int) -> "ReparameterisedDistribution":
        """The same for each of `count` rows, (count, J), of parameters (J,) or (count, J)."""
        return ReparameterisedDistribution(
            self.family, {name: value.expand(count, -1) for name, value in self.parameters.items()}
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """log q(value) in nats, (...); value: in the support, which is not looked at."""
        found = self.distribution.log_prob(value.double())
        return (found if self.distribution.event_shape else found.sum(-1)).to(value.dtype)

    def rsample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """Draws that are differentiable in the parameters: (..., J), or (samples, ..., J)."""
        shape = (*(() if samples is None else (samples,)), *self._shape)
        expanded = {name: value.expand(shape) for name, value in self.parameters.items()}
        z = FAMILIES[self.family].draw(expanded, noise, shape).to(self._dtype)
        return _inside(z, FAMILIES[self.family].support)

    def sample(self, noise: Noise, samples: int | None = None) -> Tensor:
        """As `rsample`, without gradient."""
        with torch.no_grad():
            return self.rsample(noise, samples)

    def kl(self, other: "ReparameterisedDistribution | DiagonalNormal") -> Tensor:
        """KL(self || other) in nats, (...), by torch.distributions; raises NoClosedForm where that has none."""
        normal = isinstance(other, DiagonalNormal)
        prior = td.Normal(other.mean.double(), other.scale.double()) if normal else other.distribution  # type: ignore[union-attr]
        try:
            found = td.kl_divergence(self.distribution, prior)
        except NotImplementedError as error:
            raise NoClosedForm(self.family, "normal" if normal else other.family) from error  # type: ignore[union-attr]
        return (found if self.distribution.event_shape else found.sum(-1)).to(self._dtype)


def _inside(z: Tensor, support: str) -> Tensor:
    """Numbers that rounding has put on the end of an open support, back into it."""
    limits = torch.finfo(z.dtype)
    if support == "positive":
        return z.clamp(min=limits.tiny, max=limits.max)
    if support in ("unit", "simplex"):
        return z.clamp(min=limits.tiny, max=1 - limits.eps / 2)
    return z

r"""Encoders and priors of every reparameterisable family (section 2.4): conf/model/encoder, conf/model/prior.

    h = f(W x + b),   a_i = W_i h + b_i for each parameter of the family,   z = draw(a, noise)

A parameter that is a real number is a_i itself; one that has to lie above c is c + softplus(a_i + log(e - 1)), which is
c + 1 at a_i = 0: at the start every q(z|x) is the family's standard member. Priors are that member.

KL(q || p) has to be finite: the supports are the same, a Cauchy q has a prior with tails like its own, and the parameters
of heavy tails are bounded so that the expectation of log p(z) exists. Other pairs are refused when the model is made. Few
pairs have a KL divergence in closed form (torch.distributions.kl); estimator A needs none, B refuses those without.
"""

import math
from functools import cached_property
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch import distributions as td

from aevb.distributions import DiagonalNormal, NoClosedForm
from aevb.errors import UserError
from aevb.models.families import FAMILIES, Parameters
from aevb.models.mlp import Activation, activation_function
from aevb.noise import Noise
from aevb.products import Linear
from aevb.ranges import PositiveFloat, PositiveInt

__all__ = ["FamilyPrior", "Recipe", "RecipeEncoder"]

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
PriorName = Literal["laplace", "logistic", "student_t", "cauchy", "exponential", "log_normal", "beta", "dirichlet"]

HEAVY = "real, without moments"
AT_ZERO = math.log(math.e - 1)  # softplus is 1 there


class Recipe:
    """A distribution of one of the families, over vectors as those of aevb.distributions.

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

    def rows(self, count: int) -> "Recipe":
        """The same for each of `count` rows, (count, J), of parameters (J,) or (count, J)."""
        return Recipe(self.family, {name: value.expand(count, -1) for name, value in self.parameters.items()})

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

    def kl(self, other: "Recipe | DiagonalNormal") -> Tensor:
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


class RecipeEncoder(nn.Module):
    """q(z|x) of a family, one hidden layer.

    family: which. data_dim: D. latent_dim: J. hidden_dim: units. fixed: parameters of the family that do not depend on x, by
    name. Module parameters: hidden.*, heads.<name>.* for those that are not fixed. Raises UserError for a name that the family
    has not.
    """

    def __init__(
        self,
        data_dim: int,
        latent_dim: PositiveInt,
        hidden_dim: PositiveInt,
        family: FamilyName,
        fixed: dict[str, PositiveFloat] | None = None,
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        known = FAMILIES[family].parameters
        self.family: FamilyName = family
        self.fixed = fixed or {}
        for name in self.fixed:
            if name not in known:
                raise UserError(
                    f"model.encoder.fixed.{name}: {family} has no such parameter; allowed: {', '.join(known)}; "
                    f"try: model.encoder.fixed.{next(iter(known))}=1"
                )
        self.hidden = Linear(data_dim, hidden_dim)
        self.heads = nn.ModuleDict({name: Linear(hidden_dim, latent_dim) for name in known if name not in self.fixed})
        self.activation = activation_function(activation)

    @property
    def support(self) -> str:
        """Of q(z|x), for the choice of a prior."""
        return HEAVY if self.family == "cauchy" else FAMILIES[self.family].support

    def forward(self, x: Tensor) -> Recipe:
        """x (..., D) -> q(z|x) over (..., J)."""
        h = self.activation(self.hidden(x))
        raw = {name: head(h) for name, head in self.heads.items()}
        like = next(iter(raw.values()))
        parameters = {}
        for name, above in FAMILIES[self.family].parameters.items():
            if name in self.fixed:
                parameters[name] = torch.full_like(like, self.fixed[name])
            else:
                parameters[name] = raw[name] if above == -math.inf else above + F.softplus(raw[name] + AT_ZERO)
        return Recipe(self.family, parameters)


class FamilyPrior(nn.Module):
    """p(z), the standard member of a family in each of J dimensions: location 0, and 1 (above its bound) for everything else.

    So "exponential" has rate 1, "beta" is uniform on (0, 1), "dirichlet" uniform on the simplex, "student_t" has three degrees of
    freedom. No parameters.
    """

    zero: Tensor

    def __init__(self, latent_dim: PositiveInt, family: PriorName) -> None:
        super().__init__()
        self.family: PriorName = family
        self.register_buffer("zero", torch.zeros(latent_dim), persistent=False)

    @property
    def accepts(self) -> tuple[str, ...]:
        """Supports of q(z|x) under which KL(q || p) is finite."""
        return ("real", HEAVY) if self.family in ("cauchy", "student_t") else (FAMILIES[self.family].support,)

    def forward(self) -> Recipe:
        """p(z) over (J,)."""
        bounds = FAMILIES[self.family].parameters
        return Recipe(
            self.family, {name: self.zero + (0 if above == -math.inf else above + 1) for name, above in bounds.items()}
        )

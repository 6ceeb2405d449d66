r"""Encoders and priors for the reparameterisable families of section 2.4 (conf/model/encoder, conf/model/prior).

    h = f(W x + b),   a_i = W_i h + b_i for each parameter of the family,   z = draw(a, noise)

A parameter that may be any real number is a_i itself. A parameter with the lower bound c is c +
softplus(a_i + log(e - 1)), which is c + 1 at a_i = 0. So at the start every q(z|x) is close to the
standard member of the family; the priors are that member.

KL(q || p) must be finite: the supports must be equal, a Cauchy q needs a prior with tails as heavy,
and the parameters of heavy-tailed families are bounded so that the expectation of log p(z) exists.
Other pairs are refused when the model is made. Few pairs have a KL divergence in closed form
(torch.distributions.kl): SGVB estimator A needs none, estimator B refuses the others.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aevb.distributions.families import FAMILIES
from aevb.distributions.reparameterised import AT_ZERO, HEAVY, FamilyName, ReparameterisedDistribution
from aevb.errors import UserError
from aevb.models.base import Encoder, Prior
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["FamilyEncoder", "FamilyPrior"]

PriorName = Literal["laplace", "logistic", "student_t", "cauchy", "exponential", "log_normal", "beta", "dirichlet"]


class FamilyEncoder(Encoder):
    """q(z|x) of a given family, with one hidden layer.

    Args:
        data_dim: Number of pixels, D.
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units.
        family: Name of the family (aevb.distributions.families).
        fixed: Name -> value of the parameters of the family that do not depend on x.
        activation: Activation function of the hidden layer.

    Raises:
        UserError: `fixed` names a parameter that the family does not have, or has a value at or below its lower bound.
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
                example = next(iter(known))
                raise UserError(
                    f"model.encoder.fixed.{name}: {family} has no such parameter; allowed: {', '.join(known)}; "
                    f"try: model.encoder.fixed.{example}={_example(known[example])}"
                )
            if self.fixed[name] <= known[name]:
                raise UserError(
                    f"model.encoder.fixed.{name}={self.fixed[name]:g}: of {family}, for which KL(q || p) is then infinite or "
                    f"undefined; allowed: a number > {known[name]:g}; try: model.encoder.fixed.{name}={_example(known[name])}"
                )
        self.latent_dim = latent_dim
        self.hidden = Linear(data_dim, hidden_dim)
        self.heads = nn.ModuleDict({name: Linear(hidden_dim, latent_dim) for name in known if name not in self.fixed})
        self.activation = activation_function(activation)

    @property
    def support(self) -> str:
        """The support of q(z|x), which the prior must accept."""
        return HEAVY if self.family == "cauchy" else FAMILIES[self.family].support

    def forward(self, x: Tensor) -> ReparameterisedDistribution:
        """Return q(z|x).

        Args:
            x: Images, (..., D).

        Returns:
            q(z|x) over (..., J).
        """
        h = self.activation(self.hidden(x))
        raw = {name: head(h) for name, head in self.heads.items()}
        like = h.new_empty(*h.shape[:-1], self.latent_dim)
        parameters = {}
        for name, above in FAMILIES[self.family].parameters.items():
            if name in self.fixed:
                parameters[name] = torch.full_like(like, self.fixed[name])
            else:
                parameters[name] = raw[name] if above == -math.inf else _above(above, raw[name])
        return ReparameterisedDistribution(self.family, parameters)


def _above(bound: float, raw: Tensor) -> Tensor:
    # Strictly above it: softplus rounds to 0, and 2 + 1e-8 to 2.
    limits = torch.finfo(raw.dtype)
    return (bound + F.softplus(raw + AT_ZERO)).clamp(min=bound * (1 + limits.eps) if bound else limits.tiny)


def _example(above: float) -> str:
    return "1" if above <= 0 else f"{above + 1:g}"


class FamilyPrior(Prior):
    """p(z), the standard member of a family in each of J dimensions; it has no trained parameters.

    The location is 0 and every other parameter is 1 above its lower bound: "exponential" has the
    rate 1, "beta" is uniform on (0, 1), "dirichlet" is uniform on the simplex, "student_t" has
    three degrees of freedom.

    Args:
        latent_dim: Number of latent dimensions, J.
        family: Name of the family.
    """

    zero: Tensor

    def __init__(self, latent_dim: PositiveInt, family: PriorName) -> None:
        super().__init__()
        self.family: PriorName = family
        self.register_buffer("zero", torch.zeros(latent_dim), persistent=False)

    @property
    def accepts(self) -> tuple[str, ...]:
        """The supports of q(z|x) for which KL(q || p) is finite."""
        return ("real", HEAVY) if self.family in ("cauchy", "student_t") else (FAMILIES[self.family].support,)

    def forward(self) -> ReparameterisedDistribution:
        """Return p(z) over (J,)."""
        bounds = FAMILIES[self.family].parameters
        return ReparameterisedDistribution(
            self.family, {name: self.zero + (0 if above == -math.inf else above + 1) for name, above in bounds.items()}
        )

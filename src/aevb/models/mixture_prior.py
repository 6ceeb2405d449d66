r"""A prior that is a mixture of K normal distributions, all of whose parameters are trained.

    p(z) = sum_k pi_k N(z; mu_k, diag s_k^2),   pi = softmax(a)

The aggregate posterior q(z) = 1/N sum_n q(z|x_n) is the prior under which the bound is highest (Hoffman &
Johnson 2016; Tomczak & Welling 2018, eq. 6): the bound is reconstruction - I_q(x; z) - KL(q(z) || p(z)). A
mixture of normals can come closer to it than N(0, I).

At the beginning mu_k ~ N(0, spread^2 I), s_k^2 = 1 - spread^2 and a = 0. Over the draws of mu_k each component
then draws z ~ N(0, I), and the components differ, so that their gradients do too.

a, mu and log s^2 belong to theta. The prior on the weights (`objective.weight_prior`) acts on mu and log s^2 as on
every matrix, and not on a.
"""

from typing import Annotated, Any

import torch
from torch import nn

from aevb.distributions.normal import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.models.base import Prior
from aevb.nn.initialization import Initialization
from aevb.noise import philox
from aevb.types import PositiveInt, Range

__all__ = ["MixturePrior"]

Spread = Annotated[float, Range(0, 1, low_open=True, high_open=True)]


class MixturePrior(Prior):
    """A trained mixture of normal distributions.

    Args:
        latent_dim: Number of latent dimensions, J.
        components: Number of components, K.
        spread: Standard deviation of the initial means, in (0, 1).

    Attributes:
        logits: a, (K,).
        mean: mu, (K, J).
        log_var: log s^2, (K, J).
    """

    family = "mixture"
    trained = True

    def __init__(self, latent_dim: PositiveInt, components: PositiveInt = 10, spread: Spread = 0.5) -> None:
        super().__init__()
        self.spread = spread
        self.logits = nn.Parameter(torch.zeros(components))
        self.mean = nn.Parameter(spread * torch.randn(components, latent_dim))
        self.log_var = nn.Parameter(torch.full((components, latent_dim), 1 - spread**2).log())

    def attach(self, model: Any, initialization: Initialization | None, seed: int) -> None:
        """Draw the initial means from the seed of the model, whatever its scheme is (see `aevb.models.base.Prior`).

        Args:
            model: The model.
            initialization: None: the parameters are left unchanged.
            seed: Seed of the initialisation.
        """
        if initialization is None:
            return
        numbers = philox(seed, "initialization of the prior", 0).standard_normal(tuple(self.mean.shape))
        with torch.no_grad():
            self.logits.zero_()
            self.mean.copy_(self.spread * torch.from_numpy(numbers))
            self.log_var.fill_(1 - self.spread**2).log_()

    def forward(self) -> NormalMixture:
        """Return p(z) over (J,)."""
        return NormalMixture(self.logits, DiagonalNormal(self.mean, self.log_var))

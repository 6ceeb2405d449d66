r"""The VampPrior (Tomczak & Welling 2018, eq. 9): a mixture of q(z|u_k) at K trained pseudo-inputs u_k.

    p(z) = 1/K sum_k q(z|u_k)

It approximates the aggregate posterior q(z) = 1/N sum_n q(z|x_n), the prior under which the bound is highest, by
images that are trained instead of the training images.

The pseudo-inputs belong to theta; q is the encoder of the model, whose parameters stay in phi. So the gradient of
log p(z) reaches the encoder at u_k as well as through z, as it does in the gradient of the bound (in their code too). The
prior refers to the encoder without registering it: no parameter is in the state_dict, in a parameter group or in the
prior on the weights twice. An objective that trains theta and phi in turns would hold the encoder fixed in one half of
p(z) and move it in the other, so those are refused (aevb.config.prior_rules).

With a Bernoulli decoder the pixels of u_k are sigmoid(a_k), which lie in [0, 1] and, unlike those of a clamp, always
have a gradient. Otherwise they are a_k itself, any real number; with standardised pixels (aevb.models.standardised) they
are in the units of the networks. They begin as K training images (start=images; for sigmoid, moved into [0.01, 0.99]), or
as a_k ~ N(mean, std^2) (start=random), whose q(z|u_k) are close to each other. Either way p(z) is near N(0, I) where the
encoder's weights are small. The prior on the weights (`objective.weight_prior`) acts on a.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from aevb.distributions.normal import DiagonalNormal
from aevb.distributions.normal_mixture import NormalMixture
from aevb.errors import UserError
from aevb.models.base import Prior
from aevb.nn.initialization import Initialization
from aevb.noise import philox
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["VampPrior"]

NEEDED = "allowed: a normal q(z|x) of the image alone; try: model=bernoulli model/encoder=gaussian"


EDGE = 0.01
"""How far from 0 and 1 a sigmoid begins, whose gradient vanishes there."""


class VampPrior(Prior):
    """A mixture, with equal weights, of the encoder's q(z|u_k).

    It takes the encoder of the first model that it is given to, and keeps it.

    Args:
        data_dim: Number of pixels, D.
        components: Number of pseudo-inputs, K; 500 in the paper.
        start: The initial values: training images, where the model is given them (`start_from`), or "random".
        mean: Mean of random initial values a.
        std: Standard deviation of random initial values a.

    Attributes:
        values: a, (K, D).

    Raises:
        UserError: From `attach`: the model has no encoder, or one whose q(z|x) is not a `DiagonalNormal`.
    """

    family = "vamp"
    trained = True
    needs_encoder = True

    def __init__(
        self,
        data_dim: int,
        components: PositiveInt = 500,
        start: Literal["images", "random"] = "images",
        mean: float = 0.0,
        std: PositiveFloat = 1.0,
    ) -> None:
        super().__init__()
        self.start, self.mean, self.std, self.unit_interval = start, mean, std, False
        self.values = nn.Parameter(mean + std * torch.randn(components, data_dim))
        self._encoder: tuple[nn.Module, ...] = ()  # in a tuple, so that its parameters are not those of the prior

    def attach(self, model: Any, initialization: Initialization | None, seed: int) -> None:
        """Take the encoder of the model, and draw the initial values from its seed (see `aevb.models.base.Prior`).

        Args:
            model: The model.
            initialization: None: the values are left unchanged.
            seed: Seed of the initialisation.
        """
        if initialization is not None:
            numbers = torch.from_numpy(philox(seed, "pseudo-inputs", 0).standard_normal(tuple(self.values.shape)))
            with torch.no_grad():
                self.values.copy_(self.mean + self.std * numbers)
        if self._encoder:
            return
        if not model.has_encoder:
            raise UserError(f"model.prior=VampPrior: a mixture of q(z|u), and this model has no encoder; {NEEDED}")
        if model.conditional:
            raise UserError(f"model.prior=VampPrior: pseudo-inputs have no labels, which q(z|x, y) is given; {NEEDED}")
        self._encoder, self.unit_interval = (model.encoder,), model.likelihood == "bernoulli"
        with torch.no_grad():
            qz_u = model.encoder(self.pseudo_inputs[:1])
        if not isinstance(qz_u, DiagonalNormal):
            family = getattr(qz_u, "family", type(qz_u).__name__)
            raise UserError(f"model.prior=VampPrior: a mixture of q(z|u), and q(z|x) is a {family}; {NEEDED}")

    @torch.no_grad()
    def start_from(self, x: Tensor, seed: int) -> None:
        """Begin at training images, unless start=random.

        Args:
            x: Training images as the networks see them, (N, D).
            seed: Seed of the choice of K of them.
        """
        if self.start == "images":
            count = len(self.values)
            chosen = philox(seed, "pseudo-inputs", 1).choice(len(x), count, replace=count > len(x))
            images = x[torch.from_numpy(chosen).to(x.device)]
            self.values.copy_(images.clamp(EDGE, 1 - EDGE).logit() if self.unit_interval else images)

    @property
    def pseudo_inputs(self) -> Tensor:
        """u, (K, D)."""
        return torch.sigmoid(self.values) if self.unit_interval else self.values

    def forward(self) -> NormalMixture:
        """Return p(z) over (J,)."""
        (encoder,) = self._encoder
        return NormalMixture(self.values.new_zeros(len(self.values)), encoder(self.pseudo_inputs))

r"""Generative adversarial networks (Goodfellow et al. 2014): the decoder of the VAE is the generator.

    D:  max  V = E log D(x) + E log(1 - D(G(z)))       x ~ data, z ~ p(z), G(z) = mean of p(x|z)
    G:  max  E log D(G(z))                             the non-saturating loss (section 3), not min V

At the optimal discriminator D* = p / (p + q), V = 2 JSD(p, q) - log 4 (theorem 1), where q is the
distribution of G(z). There is no q(z|x) (conf/objective/gan.yaml removes the encoder from the
model) and no likelihood: G(z) lies on a J-dimensional surface, which has no density in D
dimensions. evaluator=ais with evaluator.ais.observation_sigma defines a likelihood by adding
Gaussian noise to G(z) (Wu et al. 2017); the result depends on sigma as much as on the model.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from aevb.distributions.bernoulli import softplus
from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.nn.discriminator import Discriminator
from aevb.nn.mlp import Activation, HiddenDim
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import Fraction, Seed

__all__ = ["GAN"]

DECAY = 0.99
"""Decay of the running mean of V, per minibatch."""


class GAN(Objective):
    """One step of the discriminator on a minibatch, then one step of the generator on new draws.

    The discriminator belongs to the objective; its parameters are in the group "phi".

    Args:
        data_dim: Number of pixels, D.
        hidden_dim: Number of hidden units of the discriminator's one layer, or of each of several.
        activation: Activation function of the discriminator.
        smoothing: One-sided label smoothing: the discriminator's target for data is 1 - smoothing
            (Salimans et al. 2016).
        seed: Seed of the discriminator's initial parameters.

    Attributes:
        value: Buffer, the running mean of V over about the last 100 minibatches, nats; it starts at
            -log 4, that of D = 1/2.
    """

    draws_images = True
    no_trained_prior = "is trained through draws of p(z), and those of a mixture have no derivative"
    differentiates_mean = True
    weight_prior_of = ()
    value: Tensor

    def __init__(
        self,
        data_dim: int,
        hidden_dim: HiddenDim,
        activation: Activation = "relu",
        smoothing: Fraction = 0.0,
        seed: Seed = 0,
    ) -> None:
        super().__init__(weight_prior=0.0)
        self.discriminator: nn.Module = Discriminator(data_dim, hidden_dim, activation, seed)
        self.smoothing = smoothing
        self.register_buffer("value", -torch.tensor(4.0).log())

    def metrics(self) -> dict[str, float]:
        """Return value, V in nats: -log 4 = -1.386 where D cannot discriminate, 0 where D is perfect."""
        return {"value": self.value.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of the discriminator and one of theta for one minibatch (see `Objective.forward`)."""
        batch = next(stream)
        x, noise = batch.x, batch.noise
        with torch.no_grad():
            generated = self._generate(model, len(x), noise)
        # log D = -softplus(-l), log(1 - D) = -softplus(l)
        real, fake = self.discriminator(x), self.discriminator(generated)
        loss = softplus(-real).mean() + self.smoothing * real.mean() + softplus(fake).mean()
        value = -(softplus(-real).mean() + softplus(fake).mean()).detach()
        if batch.counted:  # once a minibatch, also where it is computed in shares
            self.value.mul_(DECAY).add_((1 - DECAY) * value)
        yield Update(loss, ("phi",), len(x), {"value": value})

        generated = self._generate(model, len(x), noise)
        if torch.is_grad_enabled() and not generated.requires_grad:
            raise UserError(
                f"objective=gan: the mean of p(x|z) of {type(model.decoder).__name__} has no gradient, by which the generator is "
                "trained; allowed: a decoder whose mean has one; try: model=bernoulli"
            )
        loss = softplus(-self.discriminator(generated)).mean()
        yield Update(loss, ("theta",), 0, {})

    def _generate(self, model: VAE, count: int, noise: Noise) -> Tensor:
        return model.decoder(model.sample_prior(count, noise)).mean

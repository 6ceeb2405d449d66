r"""Generative adversarial networks (Goodfellow et al. 2014): the VAE's decoder as generator, against a discriminator.

    D:  max  V = E log D(x) + E log(1 - D(G(z)))       x ~ data, z ~ p(z), G(z) the mean of p(x|z)
    G:  max  E log D(G(z))                             the non-saturating loss (section 3), not min V

At the optimal D* = p / (p + q), V = 2 JSD(p, q) - log 4 (theorem 1), q the law of G(z). There is no q(z|x)
(conf/objective/gan.yaml takes the encoder out of the model) and no likelihood: G(z) lies on a J-dimensional surface, which
has no density in D dimensions. evaluator=ais with evaluator.ais.observation_sigma gives it one by Gaussian noise about G(z)
(Wu et al. 2017); that number is of the sigma as much as of the model.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from aevb.distributions.bernoulli import softplus
from aevb.models.vae import VAE
from aevb.nn.initialization import initialize
from aevb.nn.matmul import Linear
from aevb.nn.mlp import Activation, activation_function
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import Fraction, PositiveInt, Seed

__all__ = ["GAN", "Discriminator"]

DECAY = 0.99


class Discriminator(nn.Module):
    """log D(x) - log(1 - D(x)), one hidden layer. data_dim: D. hidden_dim: units. Parameters: hidden.*, logit.*"""

    def __init__(self, data_dim: int, hidden_dim: PositiveInt, activation: Activation = "relu") -> None:
        super().__init__()
        self.hidden = Linear(data_dim, hidden_dim)
        self.logit = Linear(hidden_dim, 1)
        self.activation = activation_function(activation)

    def forward(self, x: Tensor) -> Tensor:
        """x (M, D) -> (M,)."""
        return self.logit(self.activation(self.hidden(x)))[..., 0]


class GAN(Objective):
    """A minibatch for one step of the discriminator, then one of the generator on draws of its own.

    data_dim: D. hidden_dim: units of the discriminator, which is this objective's own and moves with "phi". smoothing: how
    far the discriminator's target for data is below 1 (Salimans et al. 2016). seed: of the discriminator's beginning.

    Buffer: value, V of a minibatch before its step, in a decayed mean over about the last 100; it begins with that of D = 1/2.
    """

    weight_prior_of = ()
    value: Tensor

    def __init__(
        self,
        data_dim: int,
        hidden_dim: PositiveInt,
        activation: Activation = "relu",
        smoothing: Fraction = 0.0,
        seed: Seed = 0,
    ) -> None:
        super().__init__(weight_prior=0.0)
        self.discriminator: nn.Module = Discriminator(data_dim, hidden_dim, activation)
        self.smoothing = smoothing
        initialize(nn.Module(), self.discriminator, "glorot", seed, "discriminator")
        self.register_buffer("value", -torch.tensor(4.0).log())

    def metrics(self) -> dict[str, float]:
        """value: V, between -log 4 = -1.386, where D can tell nothing, and 0."""
        return {"value": self.value.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of the discriminator, one of theta."""
        x, _, noise = next(stream)
        with torch.no_grad():
            generated = self._generate(model, len(x), noise)
        # log D = -softplus(-l), log(1 - D) = -softplus(l)
        real, fake = self.discriminator(x), self.discriminator(generated)
        loss = softplus(-real).mean() + self.smoothing * real.mean() + softplus(fake).mean()
        value = -(softplus(-real).mean() + softplus(fake).mean()).detach()
        self.value.mul_(DECAY).add_((1 - DECAY) * value)
        yield Update(loss, ("phi",), len(x), {"value": value})

        loss = softplus(-self.discriminator(self._generate(model, len(x), noise))).mean()
        yield Update(loss, ("theta",), 0, {})

    def _generate(self, model: VAE, count: int, noise: Noise) -> Tensor:
        return model.decoder(model.sample_prior(count, noise)).mean

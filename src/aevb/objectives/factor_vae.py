r"""FactorVAE (Kim & Mnih 2018, eq. 2): the lower bound, and a discriminator that measures the total correlation of z.

    loss = -E_q log p(x|z) + KL(q(z|x) || p(z)) + (beta - 1) TC(q(z)),   TC(q(z)) = KL(q(z) || prod_j q(z_j))
    TC(q(z)) ~ E_q(z) [log D(z) - log(1 - D(z))]
    D:  min  -1/2 E_q(z) log D(z) - 1/2 E log(1 - D(z')),   z' ~ prod_j q(z_j)

At the optimal D the logit is log q(z) - sum_j log q(z_j), and so the estimate is the total correlation. z' takes each
dimension from another image of the minibatch. beta is 1 + the paper's gamma: the whole weight of the total correlation,
as in beta-TCVAE, for the lower bound contains it once.

D is trained by the optimizer of phi in the same step; the paper's has six layers of 1000 units, and an optimizer and a
second minibatch of its own. While D trails behind the encoder, it sees a part of the total correlation only.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.distributions.bernoulli import softplus
from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.nn.discriminator import Discriminator
from aevb.nn.mlp import HiddenDim
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, PositiveInt, Seed

__all__ = ["FactorVAE", "permuted"]

DECAY = 0.99
"""Decay of the running mean of the estimate, per minibatch."""


class FactorVAE(Objective):
    """The loss above; requires reparameterised samples and a closed-form KL divergence.

    The reported bound is the lower bound (eq. 3) whatever beta is.

    Args:
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units of the discriminator's one layer, or of each of several.
        beta: Weight of the total correlation, 1 + the paper's gamma.
        samples: Number of draws of z per datapoint, L.
        seed: Seed of the discriminator's initial parameters.
        weight_prior: Precision of the prior on the weights, those of the discriminator included (see `Objective`).

    Raises:
        UserError: From `forward`: the minibatch has fewer than two images.

    Attributes:
        total_correlation: Buffer, the running mean of the estimate over about the last 100 minibatches, nats.
    """

    reparameterised = True
    closed_form_kl = True
    min_batch_size = 2
    mean_over_data = False  # z' is drawn from the whole minibatch
    total_correlation: Tensor

    def __init__(
        self,
        latent_dim: int,
        hidden_dim: HiddenDim,
        beta: NonNegativeFloat = 6.0,
        samples: PositiveInt = 1,
        seed: Seed = 0,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.beta, self.samples = beta, samples
        self.discriminator = Discriminator(latent_dim, hidden_dim, seed=seed)
        self.register_buffer("total_correlation", torch.zeros(()))

    def metrics(self) -> dict[str, float]:
        """Return total_correlation, nats: what the discriminator sees, less than the truth while it is not optimal."""
        return {"total_correlation": self.total_correlation.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta, phi and the discriminator for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        if len(x) < 2:
            raise UserError("batch_size=1: z' needs several images; allowed: an integer >= 2; try: batch_size=100")
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = qz_x.kl(model.prior()).mean()
        correlation = self.discriminator.of_fixed(z).mean()  # the discriminator must not lower it
        self.total_correlation.mul_(DECAY).add_((1 - DECAY) * correlation.detach())
        # log D = -softplus(-l), log(1 - D) = -softplus(l)
        joint, product = self.discriminator(z.detach()), self.discriminator(permuted(z.detach(), noise))
        cross_entropy = 0.5 * softplus(-joint).mean() + 0.5 * softplus(product).mean()
        loss = kl - reconstruction + (self.beta - 1) * correlation + cross_entropy
        stats = {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))


def permuted(z: Tensor, noise: Noise) -> Tensor:
    """Permute the images of every dimension by themselves: draws of the product of the marginals (algorithm 1).

    Args:
        z: Draws of q(z), (L, M, J).
        noise: Source of the permutations.

    Returns:
        z', (L, M, J); in every dimension the values of z in another order.
    """
    return z.gather(-2, noise.uniform(tuple(z.shape), z.dtype).argsort(-2))

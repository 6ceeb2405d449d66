r"""The adversarial autoencoder (Makhzani et al. 2015): a discriminator draws all z together to the prior.

    loss = -E_q log p(x|z) - weight E_q(z) log D(z)
    D:  min  -E_p(z) log D(z) - E_q(z) log(1 - D(z))

D(z) is the probability that z is a draw of p(z). The encoder has the non-saturating loss (Goodfellow et al. 2014): it
raises log D instead of lowering log(1 - D). At the optimal D the logit is log p(z) - log q(z), so its mean over q(z) is
minus the marginal KL, KL(q(z) || p(z)). As in MMD-VAE, the information of z about a single x is free.

q(z|x) is a normal, or a point with model.encoder.variance=0 ("Gaussian posterior" and "deterministic" in the paper).
All networks are trained in one step, D by the optimizer of phi; in the paper an autoencoder step and an adversarial step
take turns.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.distributions.bernoulli import softplus
from aevb.models.vae import VAE
from aevb.nn.discriminator import Discriminator
from aevb.nn.mlp import HiddenDim
from aevb.objectives.objective import Batch, Objective, Update, detached, known_kl
from aevb.types import NonNegativeFloat, PositiveInt, Seed

__all__ = ["AdversarialAutoencoder"]

DECAY = 0.99
"""Decay of the running mean of the estimate, per minibatch."""


class AdversarialAutoencoder(Objective):
    """The loss above; requires a q(z|x) with reparameterised samples.

    The reported bound is the lower bound (eq. 3); where q(z|x) is a point, or KL(q(z|x) || p(z)) has no closed form,
    none is reported.

    Args:
        latent_dim: Number of latent dimensions, J.
        hidden_dim: Number of hidden units of the discriminator's one layer, or of each of several.
        weight: Weight of -log D(z).
        samples: Number of draws of z per datapoint, L.
        seed: Seed of the discriminator's initial parameters.
        weight_prior: Precision of the prior on the weights, those of the discriminator included (see `Objective`).

    Attributes:
        marginal_kl: Buffer, the running mean of the estimate of KL(q(z) || p(z)) over about the last 100
            minibatches, nats.
    """

    reparameterised = True
    no_trained_prior = "has no log p(z) in its loss, so p(z) would stay as it begins"
    marginal_kl: Tensor

    def __init__(
        self,
        latent_dim: int,
        hidden_dim: HiddenDim,
        weight: NonNegativeFloat = 1.0,
        samples: PositiveInt = 1,
        seed: Seed = 0,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.weight, self.samples = weight, samples
        self.discriminator = Discriminator(latent_dim, hidden_dim, seed=seed)
        self.register_buffer("marginal_kl", torch.zeros(()))

    def metrics(self) -> dict[str, float]:
        """Return marginal_kl, nats: what the discriminator sees, less than the truth while it is not optimal."""
        return {"marginal_kl": self.marginal_kl.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta, phi and the discriminator for one minibatch (see `Objective.forward`)."""
        batch = next(stream)
        x, noise = batch.x, batch.noise
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        logit = self.discriminator.of_fixed(z)  # the discriminator must not raise it
        if batch.counted:  # once a minibatch, also where it is computed in shares
            self.marginal_kl.mul_(DECAY).sub_((1 - DECAY) * logit.detach().mean())
        # log D = -softplus(-l), log(1 - D) = -softplus(l)
        prior = self.discriminator(model.sample_prior(len(x), noise).detach())
        cross_entropy = softplus(-prior).mean() + softplus(self.discriminator(z.detach())).mean()
        loss = self.weight * softplus(-logit).mean() - reconstruction + cross_entropy
        stats = {"reconstruction": reconstruction}
        if model.has_density and (kl := known_kl(qz_x, model.prior())) is not None:
            stats |= {"bound": reconstruction - kl, "kl": kl}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))

r"""SGVB estimator B (eq. 7): the KL divergence in closed form, the reconstruction term by sampling.

    repeat (Algorithm 1)
        X^M <- random minibatch of M datapoints
        eps <- L samples per datapoint from N(0, I)
        z^(l) = mu(x) + sigma(x) * eps^(l)
        L^B(x) = -KL(q(z|x) || p(z)) + 1/L sum_l log p(x | z^(l))
        theta, phi <- one ascent step on the minibatch mean of L^B + log p(w) / N

The factor N/M of eq. 8 is dropped: the loss is a mean over datapoints, so the log-prior of the
weights is divided by N.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["SGVB_B"]


class SGVB_B(Objective):
    """-beta KL(q(z|x) || p(z)) + E_q log p(x|z); requires reparameterised samples and a closed-form KL divergence.

    beta = 1 is the lower bound; the reported bound has beta = 1 whatever beta is.

    Args:
        samples: Number of draws of z per datapoint, L.
        beta: Weight of the KL divergence (Higgins et al. 2017).
        weight_prior: Precision of the prior on the weights (see `Objective`).
    """

    capturable = True
    reparameterised = True
    closed_form_kl = True

    def __init__(
        self, samples: PositiveInt = 1, beta: NonNegativeFloat = 1.0, weight_prior: NonNegativeFloat = 1.0
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.beta = samples, beta

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        reconstruction = model.decoder(z).log_prob(x).mean()
        kl = qz_x.kl(model.prior()).mean()
        loss = self.beta * kl - reconstruction
        stats = {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))

r"""SGVB estimator A (eq. 6): the whole lower bound is estimated by sampling.

    L^A(x) = 1/L sum_l log p(x, z^(l)) - log q(z^(l) | x),   z^(l) = mu(x) + sigma(x) * eps^(l)

It needs no closed-form KL divergence. Its variance is typically higher than that of estimator B
(section 2.3). At the exact posterior, however, A does not depend on eps while B does: log p(x, z) -
log q(z|x) = log p(x) for every z.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["SGVB_A"]


class SGVB_A(Objective):
    """E_q[log p(x|z) + beta (log p(z) - log q(z|x))]; requires a q(z|x) with reparameterised samples.

    beta = 1 is the lower bound; the reported bound has beta = 1 whatever beta is.

    Args:
        samples: Number of draws of z per datapoint, L.
        beta: Weight of log p(z) - log q(z|x) (Higgins et al. 2017).
        weight_prior: Precision of the prior on the weights (see `Objective`).
    """

    capturable = True
    reparameterised = True

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
        log_pz = model.prior().log_prob(z).mean()
        log_px_z = model.decoder(z).log_prob(x).mean()
        log_qz_x = qz_x.log_prob(z).mean()
        loss = -(log_px_z + self.beta * (log_pz - log_qz_x))
        stats = {"bound": log_pz + log_px_z - log_qz_x, "reconstruction": log_px_z, "kl": log_qz_x - log_pz}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))

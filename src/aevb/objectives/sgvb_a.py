r"""SGVB estimator A (eq. 6): the whole bound by sampling.

    L^A(x) = 1/L sum_l log p(x, z^(l)) - log q(z^(l) | x),   z^(l) = mu(x) + sigma(x) * eps^(l)

Needs no closed-form KL divergence. "Typically" of higher variance than B, but at the exact posterior A is constant
in eps while B is not: log p(x, z) - log q(z|x) = log p(x) for every z.
"""

from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["SGVB_A"]


class SGVB_A(Objective):
    """E_q[log p(x|z) + beta (log p(z) - log q(z|x))]; beta = 1 is the lower bound, and what `stats` reports.

    samples: L. beta: weight of the KL term. weight_prior: see `Objective`. Needs a q(z|x) with `rsample`.
    """

    capturable = True
    reparameterised = True

    def __init__(
        self, samples: PositiveInt = 1, beta: NonNegativeFloat = 1.0, weight_prior: NonNegativeFloat = 1.0
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.beta = samples, beta

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        log_pz = model.prior().log_prob(z).mean()
        log_px_z = model.decoder(z).log_prob(x).mean()
        log_qz_x = qz_x.log_prob(z).mean()
        loss = -(log_px_z + self.beta * (log_pz - log_qz_x))
        stats = {
            "bound": (log_pz + log_px_z - log_qz_x).detach(),
            "reconstruction": log_px_z.detach(),
            "kl": (log_qz_x - log_pz).detach(),
        }
        yield Update(loss, ("theta", "phi"), len(x), stats)

r"""The importance-weighted bound (Burda, Grosse & Salakhutdinov 2015), trained by reparameterisation.

    L_K(x) = E log 1/K sum_k w_k,   w_k = p(x, z_k) / q(z_k|x),   z_k = mu(x) + sigma(x) * eps_k

L_1 is the lower bound, in the form of SGVB A; L_K <= L_{K+1} <= log p(x). The gradient is sum_k w~_k grad log w_k with
w~_k = w_k / sum w: theta gains by a larger K, phi's signal falls off faster than its noise (Rainforth et al. 2018).
"""

import math
from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["IWAE"]


class IWAE(Objective):
    """L_K as the loss. The reported bound is that of eq. 3, the mean of log w_k, as every objective's; "importance" is L_K.

    samples: K. weight_prior: see `Objective`. Needs a q(z|x) with `rsample`.
    """

    capturable = True
    reparameterised = True

    def __init__(self, samples: PositiveInt = 5, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)
        self.samples = samples

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), qz_x.log_prob(z)
        log_w = log_pz + log_px_z - log_qz_x
        importance = (log_w.logsumexp(0) - math.log(self.samples)).mean()
        stats = {
            "bound": log_w.mean(),
            "reconstruction": log_px_z.mean(),
            "kl": (log_qz_x - log_pz).mean(),
            "importance": importance,
        }
        yield Update(-importance, ("theta", "phi"), len(x), {name: value.detach() for name, value in stats.items()})

r"""The importance-weighted bound (Burda, Grosse & Salakhutdinov 2016) with reparameterised gradients.

    L_K(x) = E log 1/K sum_k w_k,   w_k = p(x, z_k) / q(z_k|x),   z_k = mu(x) + sigma(x) * eps_k

L_1 is the lower bound in the form of SGVB estimator A, and L_K <= L_{K+1} <= log p(x). The gradient
is sum_k w~_k grad log w_k with w~_k = w_k / sum w. A larger K improves the gradient with respect to
theta; the signal of the gradient with respect to phi decreases faster than its noise (Rainforth et
al. 2018).
"""

import math
from collections.abc import Iterator

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["IWAE"]


class IWAE(Objective):
    """The loss -L_K; requires a q(z|x) with reparameterised samples.

    The reported bound is that of eq. 3, the mean of log w_k, as for every objective; "importance"
    is L_K.

    Args:
        samples: Number of draws of z per datapoint, K.
        weight_prior: Precision of the prior on the weights (see `Objective`).
    """

    capturable = True
    reparameterised = True

    def __init__(self, samples: PositiveInt = 5, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)
        self.samples = samples

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
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
        yield Update(-importance, ("theta", "phi"), len(x), detached(stats))

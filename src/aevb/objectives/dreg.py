r"""The importance-weighted bound with doubly reparameterised gradients (Tucker, Lawson, Gu & Maddison 2019, eq. 8).

    grad_theta L_K = E sum_k w~_k grad_theta log w_k                          the same as in objective=iwae
    grad_phi L_K   = E sum_k w~_k^2 (d log w_k / dz_k) (dz_k / dphi)          doubly reparameterised
    w_k = p(x, z_k) / q(z_k|x),   z_k = mu(x) + sigma(x) * eps_k,   w~_k = w_k / sum w

The plain reparameterised gradient has a second term with respect to phi: w~_k times the score of q,
summed over k. Its signal decreases faster with K than its noise (Rainforth et al. 2018).
Reparameterising this term a second time leaves only a change of w~ to w~^2: the expectation is the
same, without the score. The estimator "stl" ("sticking the landing", Roeder et al. 2017) keeps w~
and drops the score; it is the same estimator for K = 1, where it is unbiased, and biased for K > 1.

log w must depend on phi through z alone, so the density of q is evaluated at parameters that are
held fixed.
"""

import math
from collections.abc import Iterator
from typing import Literal

import torch

from aevb.distributions import DiagonalNormal
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached, require_diagonal_normal
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["DReG"]


class DReG(Objective):
    """The loss -L_K with the gradient above; requires a q(z|x) that is a `DiagonalNormal`.

    The reported bound is that of eq. 3, the mean of log w_k; "importance" is L_K.

    Args:
        samples: Number of draws of z per datapoint, K.
        estimator: Estimator of the gradient with respect to phi: "dreg", or "stl" (biased for K >
            1).
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: From `forward`: q(z|x) is not a `DiagonalNormal`.
    """

    capturable = True
    reparameterised = True
    normal_posterior = True

    def __init__(
        self,
        samples: PositiveInt = 5,
        estimator: Literal["dreg", "stl"] = "dreg",
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.estimator = samples, estimator

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        require_diagonal_normal("dreg", qz_x)
        z = qz_x.rsample(noise, self.samples)
        held = DiagonalNormal(qz_x.mean.detach(), qz_x.log_var.detach())
        log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), held.log_prob(z)
        log_w = log_pz + log_px_z - log_qz_x
        importance = (log_w.logsumexp(0) - math.log(self.samples)).mean()
        if self.estimator == "dreg" and z.requires_grad:
            weight = torch.softmax(log_w.detach(), 0).unsqueeze(-1)
            # d L_K / d log w_k = w~_k is in the gradient already; the hook multiplies by the second w~_k.
            z.register_hook(lambda gradient: weight * gradient)
        stats = {
            "bound": log_w.mean(),
            "reconstruction": log_px_z.mean(),
            "kl": (log_qz_x - log_pz).mean(),
            "importance": importance,
        }
        yield Update(-importance, ("theta", "phi"), len(x), detached(stats))

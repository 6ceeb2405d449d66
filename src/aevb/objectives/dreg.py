r"""The importance-weighted bound with doubly reparameterised gradients (Tucker, Lawson, Gu & Maddison 2019, eq. 8).

    grad_theta L_K = E sum_k w~_k grad_theta log w_k                          as in objective=iwae
    grad_phi L_K   = E sum_k w~_k^2 (d log w_k / dz_k) (dz_k / dphi)          dreg
    w_k = p(x, z_k) / q(z_k|x),   z_k = mu(x) + sigma(x) * eps_k,   w~_k = w_k / sum w

Plain reparameterisation has a second term in phi, sum_k w~_k times the score of q, whose signal falls with K faster than its
noise (Rainforth et al. 2018). Reparameterised once more it cancels but for the change from w~ to w~^2: the same expectation, no
score. With stl the phi-gradient keeps w~ and drops the score ("sticking the landing", Roeder et al. 2017): the same for K = 1,
where it is unbiased; for K > 1 biased.

What to watch: log w depends on phi through z alone, so q's density is taken at parameters held fixed.
"""

import math
from collections.abc import Iterator
from typing import Literal

import torch

from aevb.distributions import DiagonalNormal
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update
from aevb.types import NonNegativeFloat, PositiveInt

__all__ = ["DReG"]


class DReG(Objective):
    """L_K as the loss, the gradient above. The reported bound is that of eq. 3, the mean of log w_k; "importance" is L_K.

    samples: K. estimator: of the gradient in phi. weight_prior: see `Objective`. Needs a q(z|x) that is a `DiagonalNormal`.
    """

    capturable = True

    def __init__(
        self,
        samples: PositiveInt = 5,
        estimator: Literal["dreg", "stl"] = "dreg",
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.samples, self.estimator = samples, estimator

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """One minibatch, one update of theta and phi."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.rsample(noise, self.samples)
        held = DiagonalNormal(qz_x.mean.detach(), qz_x.log_var.detach())
        log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), held.log_prob(z)
        log_w = log_pz + log_px_z - log_qz_x
        importance = (log_w.logsumexp(0) - math.log(self.samples)).mean()
        if self.estimator == "dreg" and z.requires_grad:
            weight = torch.softmax(log_w.detach(), 0).unsqueeze(-1)
            z.register_hook(
                lambda gradient: weight * gradient
            )  # d L_K / d log w_k is w~_k; on the way to phi it counts twice
        stats = {
            "bound": log_w.mean(),
            "reconstruction": log_px_z.mean(),
            "kl": (log_qz_x - log_pz).mean(),
            "importance": importance,
        }
        yield Update(-importance, ("theta", "phi"), len(x), {name: value.detach() for name, value in stats.items()})

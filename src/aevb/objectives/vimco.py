r"""Variational inference for Monte Carlo objectives (Mnih & Rezende 2016): the bound L_K without reparameterisation.

    L_K(x) = E log 1/K sum_k w_k,   w_k = p(x, z_k) / q(z_k|x),   z_k ~ q(z|x)
    grad L_K = E sum_k [ (log W - log W_-k) grad log q(z_k|x)  +  w~_k grad log w_k ]
    W = 1/K sum_k w_k,   w~_k = w_k / sum w

W_-k is W with w_k replaced by the geometric mean of the other weights. It is a baseline for sample
k that the other samples provide, so the signal of sample k is its own contribution to the bound. It
has no parameters. L_K is that of objective=iwae.
"""

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, Range

__all__ = ["VIMCO"]


class VIMCO(Objective):
    """L_K with the gradient above.

    The value of the loss has no meaning. The reported bound is that of eq. 3, the mean of log w_k,
    as for every objective; "importance" is L_K.

    Args:
        samples: Number of draws of z per datapoint, K >= 2.
        weight_prior: Precision of the prior on the weights (see `Objective`).
    """

    capturable = True

    def __init__(self, samples: Annotated[int, Range(2)] = 5, weight_prior: NonNegativeFloat = 1.0) -> None:
        super().__init__(weight_prior)
        self.samples = samples

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        z = qz_x.sample(noise, self.samples)
        log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), qz_x.log_prob(z)
        log_w = log_pz + log_px_z - log_qz_x
        importance = log_w.logsumexp(0) - math.log(self.samples)
        loss = -((_signals(log_w.detach()) * log_qz_x).sum(0) + importance).mean()
        stats = {
            "bound": log_w.mean(),
            "reconstruction": log_px_z.mean(),
            "kl": (log_qz_x - log_pz).mean(),
            "importance": importance.mean(),
        }
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))


def _signals(log_w: Tensor) -> Tensor:
    """log W - log W_-k of every sample, (K, M), for log w of shape (K, M)."""
    k = len(log_w)
    others = (log_w.sum(0) - log_w) / (k - 1)
    own = torch.eye(k, dtype=torch.bool, device=log_w.device)[:, :, None]
    replaced = torch.where(own, others[:, None], log_w)  # (K, K, M): in row k, log w_k is replaced
    return log_w.logsumexp(0) - replaced.logsumexp(1)

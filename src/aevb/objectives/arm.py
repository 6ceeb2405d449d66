r"""Antithetic gradients for Bernoulli latents: ARM (Yin & Zhou 2019) and DisARM (Dong, Mnih & Tucker 2020).

With the logits l = l(x) of q(z|x):

    u ~ U(0, 1)^J,   z = 1[u < sigmoid(l)],   z' = 1[1 - u < sigmoid(l)],   f = log p(x, z) - log q(z|x)
    ARM      d/dl_j E f = E[ (f(z) - f(z')) (1/2 - u_j) ]
    DisARM   the same with (1/2 - u_j) replaced by its mean over all u_j that give this z_j and z'_j:
             (z_j - z'_j) sigmoid(|l_j|) / 2, which is 0 where z_j = z'_j; its variance is never larger than that of ARM

A pair needs two evaluations of f and no baseline, because the part of f that z and z' have in
common cancels. The gradient with respect to theta is the mean over both. Yin et al. (2020) derived
DisARM independently (U2G).
"""

from collections.abc import Iterator
from typing import Annotated

import torch

from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Objective, Update, detached
from aevb.types import NonNegativeFloat, Range

__all__ = ["ARM"]


class ARM(Objective):
    """ARM or DisARM; requires a Bernoulli q(z|x).

    The loss is -1/L sum_l log p(x, z_l) - g l(x), where g is the estimated gradient, held fixed:
    its gradient is the one above and its value has no meaning. The reported bound is the mean of f.

    Args:
        samples: Number of draws of z per datapoint, L; even, because draws come in pairs.
        marginal: Whether u is averaged out (DisARM) or not (ARM).
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: `samples` is odd; from `forward`: q(z|x) is not Bernoulli.
    """

    capturable = True

    def __init__(
        self, samples: Annotated[int, Range(2)] = 2, marginal: bool = True, weight_prior: NonNegativeFloat = 1.0
    ) -> None:
        super().__init__(weight_prior)
        if samples % 2:
            raise UserError(
                f"objective.samples={samples}: arm draws z in pairs; allowed: an even number; "
                f"try: objective.samples={samples + 1}"
            )
        self.pairs, self.marginal = samples // 2, marginal

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        x, _, noise = next(stream)
        qz_x = model.encoder(x)
        if not isinstance(qz_x, Bernoulli):
            raise UserError(
                f"objective=arm: q(z|x) is a {type(qz_x).__name__}; allowed: a Bernoulli q(z|x); "
                "try: model=binary, or objective=sgvb_b"
            )
        u, rho = noise.uniform((self.pairs, *qz_x.logits.shape), x.dtype), qz_x.mean.detach()
        z = torch.stack([u < rho, 1 - u < rho]).to(x.dtype)  # (2, P, M, J)
        log_pz, log_px_z, log_qz_x = model.prior().log_prob(z), model.decoder(z).log_prob(x), qz_x.log_prob(z)
        f = (log_pz + log_px_z - log_qz_x).detach()
        weight = (z[0] - z[1]) * torch.maximum(rho, 1 - rho) / 2 if self.marginal else 0.5 - u
        gradient = ((f[0] - f[1])[..., None] * weight).mean(0)
        loss = -((gradient * qz_x.logits).sum(-1) + (log_pz + log_px_z).mean((0, 1))).mean()
        stats = {"bound": f.mean(), "reconstruction": log_px_z.mean(), "kl": (log_qz_x - log_pz).mean()}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))

r"""The variational lower bound of a fixed model (eq. 3), with its parts.

    L(x) = 1/L sum_l log p(x | z^(l)) - KL(q(z|x) || p(z)),   z^(l) ~ q(z|x)

The KL divergence is exact, the reconstruction is unbiased for any L, so the bound is too; L = 1 is the paper's. Where q and prior
have no KL divergence in closed form it is 1/L sum_l log q(z^(l) | x) - log p(z^(l)), unbiased as well.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aevb.distributions.base import NoClosedForm
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BoundEstimate", "bound"]


class BoundEstimate(NamedTuple):
    """Per image, nats, (M,): bound = reconstruction - kl."""

    bound: Tensor
    reconstruction: Tensor
    kl: Tensor


@torch.no_grad()
def bound(model: VAE, x: Tensor, noise: Noise, samples: int = 1) -> BoundEstimate:
    """The lower bound of each row of x (M, D) from `samples` (L) draws of q(z|x)."""
    qz_x = model.encoder(x)
    z = qz_x.sample(noise, samples)
    reconstruction = model.decoder(z).log_prob(x).mean(0)
    pz = model.prior()
    try:
        kl = qz_x.kl(pz)
    except NoClosedForm:
        kl = (qz_x.log_prob(z) - pz.log_prob(z)).mean(0)
    return BoundEstimate(reconstruction - kl, reconstruction, kl)

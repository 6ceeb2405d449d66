r"""The variational lower bound of a fixed model (eq. 3), with its parts.

    L(x) = 1/L sum_l log p(x | z^(l)) - KL(q(z|x) || p(z)),   z^(l) ~ q(z|x)

The KL divergence is exact and the reconstruction is unbiased for any L, so the bound is unbiased.
The paper uses L = 1. If the KL divergence of q and the prior has no closed form, it is estimated by
1/L sum_l log q(z^(l) | x) - log p(z^(l)), which is also unbiased.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from aevb.distributions.base import NoClosedForm
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["BoundEstimate", "bound", "kl_divergence"]


class BoundEstimate(NamedTuple):
    """The lower bound of each image and its parts: bound = reconstruction - kl.

    Attributes:
        bound: The lower bound L(x), (M,), nats per image.
        reconstruction: E_q log p(x|z), (M,), nats per image.
        kl: KL(q(z|x) || p(z)), (M,), nats per image.
    """

    bound: Tensor
    reconstruction: Tensor
    kl: Tensor


@torch.no_grad()
def bound(model: VAE, x: Tensor, noise: Noise, samples: int = 1) -> BoundEstimate:
    """Estimate the lower bound of each image (eq. 3).

    Args:
        model: The model.
        x: Images, (M, D).
        noise: Source of the draws of z.
        samples: Number of draws of q(z|x) per image, L.

    Returns:
        The lower bound and its parts.
    """
    qz_x = model.encoder(x)
    z = qz_x.sample(noise, samples)
    reconstruction = model.decoder(z).log_prob(x).mean(0)
    kl = kl_divergence(qz_x, model.prior(), z)
    return BoundEstimate(reconstruction - kl, reconstruction, kl)


def kl_divergence(qz_x: Any, pz: Any, z: Tensor) -> Tensor:
    """Return the KL divergence of q(z|x) from p(z), in closed form if there is one, else estimated from draws.

    Args:
        qz_x: q(z|x), over (M, J).
        pz: p(z), over (J,).
        z: Draws of q(z|x), (L, M, J).

    Returns:
        KL(q(z|x) || p(z)), (M,), nats.
    """
    kl: Tensor
    try:
        kl = qz_x.kl(pz)
    except NoClosedForm:
        kl = (qz_x.log_prob(z) - pz.log_prob(z)).mean(0)
    return kl

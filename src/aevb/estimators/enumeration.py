r"""log p(x) of a model with J binary latent variables, by summing over all 2^J of them: exact.

    log p(x) = log sum_z p(z) p(x|z),   L(x) = sum_z q(z|x) (log p(z) p(x|z) - log q(z|x))

Valid for J <= 12, where 4096 codes are few. Cost and memory: 2^J decodings, 2^J numbers an image.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.estimators.model_queries import latent_dim, log_px_z_of_all
from aevb.models.vae import VAE

__all__ = ["MAX_LATENT_DIM", "EnumerationEstimate", "codes", "enumeration", "log_joint_of_codes"]

MAX_LATENT_DIM = 12


class EnumerationEstimate(NamedTuple):
    """Per image. log_px: nats, exact, (M,). bound: the lower bound without sampling error, (M,); nan where a model has no q(z|x).
    posterior: p(z|x) of every code in the order of `codes`, (M, 2^J)."""

    log_px: Tensor
    bound: Tensor
    posterior: Tensor


def log_joint_of_codes(model: VAE, x: Tensor) -> Tensor:
    """log p(x_m, z) of every code z in the order of `codes`, (2^J, M), with its gradient in theta. x: (M, D)."""
    z = codes(latent_dim(model), x)
    return model.prior().log_prob(z)[:, None] + log_px_z_of_all(model, x, z)


def codes(dims: int, like: Tensor) -> Tensor:
    """All binary vectors of `dims` entries, (2^J, J), counting up with the first entry as the lowest digit."""
    counts = torch.arange(2**dims)[:, None]
    return ((counts >> torch.arange(dims)) & 1).to(like)


@torch.no_grad()
def enumeration(model: VAE, x: Tensor) -> EnumerationEstimate:
    """log p(x) of each row of x (M, D) for z in {0, 1}^J."""
    z, log_joint = codes(latent_dim(model), x), log_joint_of_codes(model, x)
    log_px = log_joint.logsumexp(0)
    posterior = torch.exp(log_joint - log_px).T
    if not model.has_encoder:
        return EnumerationEstimate(log_px, torch.full_like(log_px, math.nan), posterior)
    log_qz_x = model.encoder(x).log_prob(z[:, None])
    # 0 log 0 = 0: a code that q never gives counts for nothing.
    bound = torch.where(log_qz_x.exp() > 0, log_qz_x.exp() * (log_joint - log_qz_x), 0).sum(0)
    return EnumerationEstimate(log_px, bound, posterior)

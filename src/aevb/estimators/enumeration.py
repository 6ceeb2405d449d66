r"""The exact log p(x) of a model with J binary latent variables, by a sum over all 2^J codes.

    log p(x) = log sum_z p(z) p(x|z),   L(x) = sum_z q(z|x) (log p(z) p(x|z) - log q(z|x))

The sum is used for J <= 12, which is at most 4096 codes. The cost is 2^J decodings, and the memory
is 2^J numbers per image.
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
    """The exact log-likelihood of each image.

    Attributes:
        log_px: log p(x), exact, (M,), nats per image.
        bound: The lower bound without sampling error, (M,), nats per image; nan if the model has no
            q(z|x).
        posterior: p(z|x) of every code in the order of `codes`, (M, 2^J).
    """

    log_px: Tensor
    bound: Tensor
    posterior: Tensor


def log_joint_of_codes(model: VAE, x: Tensor) -> Tensor:
    """Return log p(x, z) of every code z, with its gradient with respect to theta.

    Args:
        model: A model with binary latent variables.
        x: Images, (M, D).

    Returns:
        log p(x_m, z) in the order of `codes`, (2^J, M), nats.
    """
    z = codes(latent_dim(model), x)
    return model.prior().log_prob(z)[:, None] + log_px_z_of_all(model, x, z)


def codes(dims: int, like: Tensor) -> Tensor:
    """Return all binary vectors of a given length, in counting order.

    Args:
        dims: Length of the vectors, J.
        like: A tensor with the dtype and the device of the result.

    Returns:
        The vectors, (2^J, J); the first entry is the lowest binary digit.
    """
    counts = torch.arange(2**dims)[:, None]
    return ((counts >> torch.arange(dims)) & 1).to(like)


@torch.no_grad()
def enumeration(model: VAE, x: Tensor) -> EnumerationEstimate:
    """Compute log p(x), the lower bound and the posterior of each image exactly, for z in {0, 1}^J.

    Args:
        model: A model with binary latent variables.
        x: Images, (M, D).

    Returns:
        The exact values.
    """
    z, log_joint = codes(latent_dim(model), x), log_joint_of_codes(model, x)
    log_px = log_joint.logsumexp(0)
    posterior = torch.exp(log_joint - log_px).T
    if not model.has_encoder:
        return EnumerationEstimate(log_px, torch.full_like(log_px, math.nan), posterior)
    log_qz_x = model.encoder(x).log_prob(z[:, None])
    # 0 log 0 = 0: a code with probability zero under q does not contribute.
    bound = torch.where(log_qz_x.exp() > 0, log_qz_x.exp() * (log_joint - log_qz_x), 0).sum(0)
    return EnumerationEstimate(log_px, bound, posterior)

r"""Simple Monte Carlo: log p(x) of many images from one set of draws from the distribution of z.

    log p(x) >= E log 1/K sum_k p(x|z_k),   z_1 .. z_K ~ p(z)

This is a stochastic lower bound for any p(z), for example for a mixture that was fitted to codes.
All images share the K decodings, so K can be tens of thousands. Two latent dimensions need a K of
that size; with ten latent dimensions the estimate is useless, and the effective sample size is then
close to 1.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["SharedEstimate", "shared_draws"]

ROWS = 1000  # latent vectors decoded at once


class SharedEstimate(NamedTuple):
    """The log-likelihood of each image, float64.

    Attributes:
        log_px: Stochastic lower bound of log p(x), (M,), nats per image.
        effective_samples: Effective sample size of the K weights p(x|z_k), (M,), between 1 and K.
    """

    log_px: Tensor
    effective_samples: Tensor


@torch.no_grad()
def shared_draws(decoder: nn.Module, z: Tensor, x: Tensor) -> SharedEstimate:
    """Estimate a lower bound of log p(x) of each image from draws that all images share.

    Args:
        decoder: Decoder whose p(x|z) has `log_prob_of_all`.
        z: Draws of p(z), (K, J).
        x: Images, (M, D).

    Returns:
        The log-likelihood of each image.
    """
    log_w = torch.cat([decoder(block).log_prob_of_all(x).double() for block in z.split(ROWS)])
    log_sum = log_w.logsumexp(0)
    return SharedEstimate(log_sum - math.log(len(z)), torch.exp(2 * log_sum - (2 * log_w).logsumexp(0)))

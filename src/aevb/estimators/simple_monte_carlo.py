r"""log p(x) of many images by one set of draws from the distribution of z: simple Monte Carlo.

    log p(x) >= E log 1/K sum_k p(x|z_k),   z_1 .. z_K ~ p(z)

A stochastic lower bound for any p(z), a mixture fitted to codes too. The K decodings serve every image, so K may be tens of
thousands; it takes that many where z has two dimensions, and is hopeless where it has ten: effective_samples says so.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["SharedEstimate", "shared_draws"]

ROWS = 1000  # z decoded at once


class SharedEstimate(NamedTuple):
    """Per image, (M,), float64. log_px: nats. effective_samples: of the K weights p(x|z_k), in 1..K."""

    log_px: Tensor
    effective_samples: Tensor


@torch.no_grad()
def shared_draws(decoder: nn.Module, z: Tensor, x: Tensor) -> SharedEstimate:
    """log p(x) from below for each row of x (M, D). z: (K, J), draws of p(z). decoder: its p(x|z) needs `log_prob_of_all`."""
    log_w = torch.cat([decoder(block).log_prob_of_all(x).double() for block in z.split(ROWS)])
    log_sum = log_w.logsumexp(0)
    return SharedEstimate(log_sum - math.log(len(z)), torch.exp(2 * log_sum - (2 * log_w).logsumexp(0)))

r"""Importance-sampled marginal likelihood of a fixed model (IWAE-K, Burda et al. 2015, eq. 8).

    log p(x) ~ log 1/K sum_k w_k,   w_k = p(z_k) p(x|z_k) / q(z_k|x),   z_k ~ q(z|x)

The mean of the weights is unbiased for p(x), so by Jensen its logarithm is a stochastic LOWER bound of log p(x), above the
variational bound in expectation and rising with K; the bias is about -Var(w) / (2 K p(x)^2). How far to trust it is told by
the effective sample size ESS = (sum w)^2 / sum w^2: near K when q fits the posterior, near 1 when one draw carries the sum.
Cost: K decodings an image.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["ImportanceEstimate", "importance"]


class ImportanceEstimate(NamedTuple):
    """Per image, (M,), float64.

    log_px: nats, a stochastic lower bound. effective_samples: ESS in 1..K. monte_carlo_error: standard error of log_px by the
    delta method, sqrt(1/ESS - 1/K); too small where ESS is near 1.
    """

    log_px: Tensor
    effective_samples: Tensor
    monte_carlo_error: Tensor


@torch.no_grad()
def importance(model: VAE, x: Tensor, noise: Noise, samples: int, rows: int = 1000) -> ImportanceEstimate:
    """log p(x) of each row of x (M, D) from `samples` (K) draws of q(z|x), at most about `rows` decoded at once.

    Memory does not grow with K: sums of weights are carried on in float64, on the CPU since not every device has it.
    """
    qz_x, pz = model.encoder(x), model.prior()
    log_sum = torch.full((len(x),), -math.inf, dtype=torch.float64)
    log_sum_squares = log_sum.clone()

    chunk = max(1, rows // len(x))
    for start in range(0, samples, chunk):
        z = qz_x.sample(noise, min(chunk, samples - start))
        log_pz, log_px_z, log_qz_x = pz.log_prob(z), model.decoder(z).log_prob(x), qz_x.log_prob(z)
        log_w = (log_pz + log_px_z - log_qz_x).to("cpu", torch.float64)
        log_sum = torch.logaddexp(log_sum, log_w.logsumexp(0))
        log_sum_squares = torch.logaddexp(log_sum_squares, (2 * log_w).logsumexp(0))

    inverse_ess = torch.exp(log_sum_squares - 2 * log_sum)
    error = (inverse_ess - 1 / samples).clamp(min=0).sqrt()
    return ImportanceEstimate(log_sum - math.log(samples), 1 / inverse_ess, error)

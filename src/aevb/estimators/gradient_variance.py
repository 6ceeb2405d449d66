r"""The variance of a stochastic gradient, from independent draws at fixed parameters and minibatch.

    variance = tr Cov(g) = 1/(S-1) sum_s |g_s - g|^2,   g = 1/S sum_s g_s
    squared norm of the mean = |g|^2 - variance / S      (unbiased; |g|^2 alone is too large)

The minibatch is fixed, so the variance between minibatches is not included. Both quantities are
means over pairs of different draws: the variance of |g_s - g_t|^2 / 2, the squared norm of
g_s . g_t. Their errors are bootstrap standard deviations (Efron 1979). The bootstrap resamples the
draws with replacement and needs only their inner products. Pairs of a draw with itself are left
out, because they would bias the result when there are more parameters than draws; so is a resample
that holds one draw only.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aevb.noise import philox

__all__ = ["GradientMoments", "gradient_moments"]

COLUMNS = 20_000  # parameters per block; a block is summed in the dtype of the draws


class GradientMoments(NamedTuple):
    """The variance and the squared norm of a stochastic gradient, in the units of the gradient squared.

    Attributes:
        variance: Trace of the covariance of one draw.
        variance_error: Bootstrap standard deviation of `variance`.
        squared_norm: Squared norm of the mean gradient; it can be negative if the noise is large.
        squared_norm_error: Bootstrap standard deviation of `squared_norm`.
    """

    variance: float
    variance_error: float
    squared_norm: float
    squared_norm_error: float


def gradient_moments(draws: Tensor, resamples: int = 200, seed: int = 0) -> GradientMoments:
    """Estimate the variance and the squared norm of a gradient from independent draws.

    The sums are accumulated in float64.

    Args:
        draws: Draws of the gradient, (S, P), S >= 2. The tensor is centred in place, which saves a copy.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The variance and the squared norm, with their errors (Efron 1979), which are nan for S = 2.
    """
    s = len(draws)
    mean = draws.mean(0)
    draws -= mean
    gram, along = torch.zeros((s, s), dtype=torch.float64), torch.zeros(s, dtype=torch.float64)
    for part, centre in zip(draws.split(COLUMNS, 1), mean.split(COLUMNS), strict=True):
        gram += part @ part.T
        along += part @ centre
    squares = mean.double().square().sum()

    def moments(weights: Tensor) -> tuple[Tensor, Tensor]:
        """Variance and squared norm, (B,), over pairs of different draws; the weights (B, S) sum to 1."""
        same = weights.square()
        pairs, shift = 1 - same.sum(1), (weights @ gram * weights).sum(1)
        variance = (weights @ gram.diagonal() - shift) / pairs
        products = squares + 2 * weights @ along + shift - same @ (squares + 2 * along + gram.diagonal())
        return variance, products / pairs

    counts = philox(seed, "bootstrap", 0).multinomial(s, [1 / s] * s, size=resamples)
    variance, squared_norm = moments(torch.full((1, s), 1 / s, dtype=torch.float64))
    several = counts[(counts > 0).sum(1) > 1]
    errors = [value.std().item() if s > 2 else math.nan for value in moments(torch.from_numpy(several / s))]
    return GradientMoments(variance.item(), errors[0], squared_norm.item(), errors[1])

r"""How noisy a stochastic gradient is, from independent draws g_1 .. g_S of it at fixed parameters and minibatch.

    variance = tr Cov(g) = 1/(S-1) sum_s |g_s - g|^2,   g = 1/S sum_s g_s
    squared norm of the mean = |g|^2 - variance / S      (unbiased: |g|^2 alone is too large by that)

Which minibatch it is adds nothing to it. Both are means over pairs of different draws, of |g_s - g_t|^2 / 2 and of g_s . g_t.
Errors are bootstrap standard deviations (Efron 1979): draws are drawn anew with replacement, which needs their inner products
alone; pairs of a draw with itself stay out, which would count for noise where parameters are more than draws.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aevb.noise import philox

__all__ = ["GradientMoments", "gradient_moments"]

COLUMNS = 20_000  # parameters whose sums are in the draws' own type


class GradientMoments(NamedTuple):
    """variance, squared_norm: of the mean, in the units of the gradient squared; may be negative where noise hides it. The
    errors: bootstrap standard deviations."""

    variance: float
    variance_error: float
    squared_norm: float
    squared_norm_error: float


def gradient_moments(draws: Tensor, resamples: int = 200, seed: int = 0) -> GradientMoments:
    """Of draws (S, P), S >= 2; `draws` is centred in place, which saves a copy. Sums are carried on in float64."""
    s = len(draws)
    mean = draws.mean(0)
    draws -= mean
    gram, along = torch.zeros((s, s), dtype=torch.float64), torch.zeros(s, dtype=torch.float64)
    for part, centre in zip(draws.split(COLUMNS, 1), mean.split(COLUMNS), strict=True):
        gram += part @ part.T
        along += part @ centre
    squares = mean.double().square().sum()

    def moments(weights: Tensor) -> tuple[Tensor, Tensor]:
        """variance and squared norm (B,), as means over pairs of different draws: draw s counts weights[:, s], of sum 1."""
        same = weights.square()
        pairs, shift = 1 - same.sum(1), (weights @ gram * weights).sum(1)
        variance = (weights @ gram.diagonal() - shift) / pairs
        products = squares + 2 * weights @ along + shift - same @ (squares + 2 * along + gram.diagonal())
        return variance, products / pairs

    counts = philox(seed, "bootstrap", 0).multinomial(s, [1 / s] * s, size=resamples)
    variance, squared_norm = moments(torch.full((1, s), 1 / s, dtype=torch.float64))
    errors = [value.std().item() for value in moments(torch.from_numpy(counts / s))]
    return GradientMoments(variance.item(), errors[0], squared_norm.item(), errors[1])

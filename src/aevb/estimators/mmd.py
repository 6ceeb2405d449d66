r"""The maximum mean discrepancy of two samples (Gretton et al. 2012), with a Gaussian kernel.

    MMD^2(p, q) = E k(x, x') + E k(y, y') - 2 E k(x, y),   x, x' ~ p,  y, y' ~ q,   k(a, b) = exp(-|a - b|^2 / (2 h^2))

estimated by the U-statistic (lemma 6): means over pairs of different draws, so the estimate is unbiased and may be negative.
It is zero in the mean exactly if p = q. What it sees is set by h, the bandwidth; the median heuristic takes the median
distance between draws of p and of q. That h depends on the draws: the estimate at a median is of no fixed quantity, and
hardly biased for many.
"""

import torch
from torch import Tensor

__all__ = ["median_distance", "mmd"]


def mmd(x: Tensor, y: Tensor, bandwidth: Tensor | float) -> Tensor:
    """MMD^2 of x (..., m, J) and y (..., n, J), (...); m, n >= 2. bandwidth: h, broadcasts to (...)."""
    scale = -0.5 / torch.as_tensor(bandwidth, dtype=x.dtype, device=x.device)[..., None, None] ** 2
    within = sum(_off_diagonal_mean(torch.exp(scale * _squares(z, z))) for z in (x, y))
    return within - 2 * torch.exp(scale * _squares(x, y)).mean((-2, -1))


def median_distance(x: Tensor, y: Tensor) -> Tensor:
    """Median of |x_i - y_j| over all pairs of x (..., m, J) and y (..., n, J), (...), without gradient."""
    return _squares(x.detach(), y.detach()).flatten(-2).median(-1).values.sqrt()


def _squares(x: Tensor, y: Tensor) -> Tensor:
    # Multiplied out would be quicker, and wrong in the last digits where draws are close.
    return ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1)


def _off_diagonal_mean(kernel: Tensor) -> Tensor:
    n = kernel.shape[-1]
    return (kernel.sum((-2, -1)) - n) / (n * (n - 1))  # k(x, x) = 1

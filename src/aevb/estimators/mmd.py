r"""The maximum mean discrepancy of two samples (Gretton et al. 2012), with a Gaussian kernel.

    MMD^2(p, q) = E k(x, x') + E k(y, y') - 2 E k(x, y),   x, x' ~ p,  y, y' ~ q
    k(a, b) = exp(-|a - b|^2 / (2 h^2))

The estimate is the U-statistic (lemma 6), a mean over pairs of different draws. It is unbiased and
may be negative. MMD^2 is zero if and only if p = q. The bandwidth h sets the scale of the
differences that it detects; the median heuristic takes the median distance between the draws of p
and the draws of q. That bandwidth depends on the draws, so the estimate with it is biased; the bias
is small when there are many draws.
"""

import torch
from torch import Tensor

__all__ = ["median_distance", "mmd"]


def mmd(x: Tensor, y: Tensor, bandwidth: Tensor | float) -> Tensor:
    """Estimate MMD^2 by the U-statistic (Gretton et al. 2012, lemma 6).

    Args:
        x: Draws of p, (..., m, J), m >= 2.
        y: Draws of q, (..., n, J), n >= 2.
        bandwidth: h, in the units of x; broadcasts to (...).

    Returns:
        MMD^2, (...).
    """
    scale = -0.5 / torch.as_tensor(bandwidth, dtype=x.dtype, device=x.device)[..., None, None] ** 2
    within = sum(_off_diagonal_mean(torch.exp(scale * _squares(z, z))) for z in (x, y))
    return within - 2 * torch.exp(scale * _squares(x, y)).mean((-2, -1))


def median_distance(x: Tensor, y: Tensor) -> Tensor:
    """Return the median distance between the draws of two samples, without gradient.

    Args:
        x: Draws of p, (..., m, J).
        y: Draws of q, (..., n, J).

    Returns:
        The median of |x_i - y_j| over all pairs, (...).
    """
    return _squares(x.detach(), y.detach()).flatten(-2).median(-1).values.sqrt()


def _squares(x: Tensor, y: Tensor) -> Tensor:
    # The expanded square would be faster but loses precision when the draws are close.
    return ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1)


def _off_diagonal_mean(kernel: Tensor) -> Tensor:
    n = kernel.shape[-1]
    return (kernel.sum((-2, -1)) - n) / (n * (n - 1))  # k(x, x) = 1

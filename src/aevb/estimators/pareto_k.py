r"""How heavy the tail of importance weights is: the shape k of a generalised Pareto distribution fitted to the largest.

Weights whose tail has shape k have moments up to 1/k. Vehtari, Simpson, Gelman, Yao & Gabry ("Pareto smoothed importance
sampling", 2015-2024) trust a mean of weights below k = 0.7 and call it useless above 1: an effective sample size is then a
number about the draws that there were, not about those that were missed. The fit is that of Zhang & Stephens (2009), an
average of k over a profile likelihood, with the weak prior (n k + 10 * 0.5) / (n + 10) of the authors above.
"""

import math

import torch
from torch import Tensor

__all__ = ["pareto_k", "pareto_shape", "tail_length"]


def tail_length(samples: int) -> int:
    """How many of `samples` weights are the tail: min(K / 5, 3 sqrt K), rounded up."""
    return math.ceil(min(samples / 5, 3 * math.sqrt(samples)))


def pareto_k(log_w: Tensor) -> Tensor:
    """Shape of the tail of weights, (M,), from the logarithms of the tail and of the largest weight outside it, (n + 1, M).

    nan for a tail of fewer than five.
    """
    ordered = log_w.sort(0).values
    weights = torch.exp(ordered - ordered[-1])
    if len(weights) < 6:
        return torch.full_like(log_w[0], math.nan)
    return pareto_shape(weights[1:] - weights[0])


def pareto_shape(exceedances: Tensor) -> Tensor:
    """k of a generalised Pareto distribution over (0, inf), from sorted draws (n, M), whatever their scale."""
    n = len(exceedances)
    x = exceedances.clamp(min=torch.finfo(exceedances.dtype).tiny)
    x = x / x[-1]
    grid = 30 + int(math.sqrt(n))
    j = torch.arange(1, grid + 1, dtype=x.dtype)[:, None]
    b = 1 + (1 - (grid / (j - 0.5)).sqrt()) / (3 * x[int(n / 4 + 0.5) - 1])  # (grid, M)
    k = torch.log1p(-b[:, None] * x).mean(1)
    log_likelihood = n * (torch.log(-b / k) - k - 1)
    mean_b = (log_likelihood.softmax(0) * b).sum(0)
    shape = torch.log1p(-mean_b * x).mean(0)
    return (n * shape + 5) / (n + 10)

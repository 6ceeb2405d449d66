r"""The tail of importance weights: the shape k of a generalised Pareto distribution fitted to the largest.

Weights whose tail has shape k have finite moments of order below 1/k. Vehtari, Simpson, Gelman, Yao
& Gabry ("Pareto smoothed importance sampling", 2015-2024) consider a mean of weights reliable if
k < 0.7 and useless if k > 1: the effective sample size then describes only the regions that were
sampled, and not the regions that were missed. With few samples the threshold is below 0.7 (see
`aevb.estimators.pareto_threshold`). The fit is that of Zhang & Stephens (2009), an average
of k over a profile likelihood, with the weak prior (n k + 10 * 0.5) / (n + 10) of Vehtari et al.
"""

import math

import torch
from torch import Tensor

__all__ = ["has_tail", "pareto_k", "pareto_shape", "tail_length"]

RESOLUTION = 1e-4
"""Weights of the tail that differ by less, in nats, count as equal: float32 rounds log w of some hundred nats to 1e-5."""

SHORTEST = 5
"""Weights that a tail has at least."""


def tail_length(samples: int) -> int:
    """Return the number of weights that form the tail.

    Args:
        samples: Number of importance samples, K.

    Returns:
        min(K / 5, 3 sqrt K), rounded up.
    """
    return math.ceil(min(samples / 5, 3 * math.sqrt(samples)))


def has_tail(samples: int) -> bool:
    """Return whether K weights are enough for an estimate of the shape.

    Args:
        samples: Number of importance samples, K.
    """
    return tail_length(samples) >= SHORTEST


def pareto_k(log_w: Tensor) -> Tensor:
    """Estimate the shape of the tail of importance weights.

    Args:
        log_w: Logarithms of the n weights in the tail and of the largest weight outside it, (n + 1, M).

    Returns:
        The shape k, (M,); nan if the tail has fewer than five weights.
    """
    ordered = log_w.sort(0).values
    weights = torch.exp(ordered - ordered[-1])
    if len(weights) < SHORTEST + 1:
        return torch.full_like(log_w[0], math.nan)
    exceedances = weights[1:] - weights[0]
    # The tail of weights that are equal but for rounding is the tail of the rounding errors.
    exceedances = exceedances * (ordered[-1] - ordered[0] >= RESOLUTION)
    # Draws of a discrete z have few weights. Those that equal the largest outside the tail are no part of it; they are
    # sought only where one does so exactly or they are a quarter of the tail, for a continuous z has none.
    differences = ordered[1:] - ordered[0]
    is_discrete = (exceedances == 0).any(0) | (differences[_quartile(len(differences))] < RESOLUTION)
    counts = torch.where(is_discrete, (differences >= RESOLUTION).sum(0), len(differences))
    counts[counts < SHORTEST] = 0
    k = torch.empty_like(log_w[0])
    for count in counts.unique().tolist():
        columns = counts == count
        inside = exceedances[-count:, columns] if count else torch.zeros_like(exceedances[:, columns])
        k[columns] = pareto_shape(inside)
    return k


def pareto_shape(exceedances: Tensor) -> Tensor:
    """Fit the shape of a generalised Pareto distribution over (0, inf) (Zhang & Stephens 2009).

    Args:
        exceedances: Draws in ascending order, (n, M), of any scale.

    Returns:
        The shape k, (M,).
    """
    n = len(exceedances)
    x = exceedances.clamp(min=torch.finfo(exceedances.dtype).tiny)
    x = x / x[-1]
    grid = 30 + int(math.sqrt(n))
    j = torch.arange(1, grid + 1, dtype=x.dtype)[:, None]
    quartile = x[_quartile(n)].clamp(min=1e6 * torch.finfo(x.dtype).tiny)  # so that b does not overflow
    b = 1 + (1 - (grid / (j - 0.5)).sqrt()) / (3 * quartile)  # (grid, M)
    k = torch.log1p(-b[:, None] * x).mean(1)
    log_likelihood = n * (torch.log(-b / k) - k - 1)
    mean_b = (log_likelihood.softmax(0) * b).sum(0)
    shape = torch.log1p(-mean_b * x).mean(0)
    return (n * shape + 5) / (n + 10)


def _quartile(n: int) -> int:
    """The index of the first quartile of n draws."""
    return max(0, int(n / 4 + 0.5) - 1)

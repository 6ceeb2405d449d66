"""The standard error of the logarithm of a mean of weights."""

import math

import torch
from torch import Tensor

__all__ = ["log_mean_error"]


def log_mean_error(inverse_ess: Tensor, count: int) -> Tensor:
    r"""Return the standard error of log(1/n sum_k w_k) by the delta method.

    It is the standard deviation of the weights, with divisor n - 1, over sqrt n times their mean. With
    1/ESS = sum w^2 / (sum w)^2 that is sqrt((n / ESS - 1) / (n - 1)). It is too small if the effective sample size is near 1.

    Args:
        inverse_ess: 1/ESS of independent weights, (M,).
        count: Number of weights, n.

    Returns:
        The standard error, (M,), nats; nan for n = 1.
    """
    if count == 1:
        return torch.full_like(inverse_ess, math.nan)
    return ((count * inverse_ess - 1).clamp(min=0) / (count - 1)).sqrt()

"""Tests of random numbers state how often they would fail by chance, and fix their seeds."""

import math

import torch
from scipy import stats
from torch import Tensor

FAILURE_RATE = 1e-6  # of one assert_mean, if the estimator is unbiased and its seed were random


def assert_mean(draws: Tensor, expected: Tensor | float, failure_rate: float = FAILURE_RATE) -> None:
    """Asserts that independent `draws` (n, ...) have the mean `expected` (...): a t-test, Bonferroni over the entries."""
    n = len(draws)
    mean, error = draws.mean(0), draws.std(0) / math.sqrt(n)
    t = ((mean - torch.as_tensor(expected, dtype=draws.dtype)) / error).abs()
    limit = stats.t.isf(failure_rate / 2 / t.numel(), n - 1)
    worst = t.max().item()
    assert worst < limit, f"mean is {worst:.1f} standard errors away (limit {limit:.1f}): {mean} against {expected}"

"""Variance and mean of gradients that were planted: normal draws, whose moments and whose estimates' errors are known."""

import math

import pytest
import torch

from aevb.estimators.gradient_variance import gradient_moments

S, P = 200, 50_001  # more than two chunks of columns


def planted(seed, scale, mean):
    generator = torch.Generator().manual_seed(seed)
    return mean + scale * torch.randn((S, P), generator=generator)


def test_the_moments_of_planted_gradients():
    """tr Cov = P s^2, its error s^2 sqrt(2 P / (S - 1)); |mean|^2 = P m^2: within 5 errors (a chance of 6e-7)."""
    scale, mean = 0.7, 0.01
    moments = gradient_moments(planted(0, scale, mean))
    error = scale**2 * math.sqrt(2 * P / (S - 1))
    assert abs(moments.variance - P * scale**2) < 5 * error
    assert 0.7 < moments.variance_error / error < 1.4
    assert abs(moments.squared_norm - P * mean**2) < 5 * moments.squared_norm_error
    assert moments.squared_norm < 0.2 * P * scale**2 / S  # without the correction it would be 1.02 times that and more


def test_the_bootstrap_knows_its_error():
    """Over 100 repetitions of 40 draws in two dimensions the errors claimed are those found, within a quarter (3.5 errors)."""
    generator = torch.Generator().manual_seed(1)
    centre = torch.tensor([3.0, -1.0])
    repeats = [gradient_moments(centre + torch.randn((40, 2), generator=generator), seed=i) for i in range(100)]
    for value, error in ((0, 1), (2, 3)):
        values, errors = (torch.tensor([moments[k] for moments in repeats]) for k in (value, error))
        assert abs(values.std() / errors.mean() - 1) < 0.25
    assert abs(torch.tensor([moments.variance for moments in repeats]).mean() - 2) < 0.15


def test_few_draws_have_an_error_and_two_have_none():
    draws = torch.randn((3, 50), generator=torch.Generator().manual_seed(0))
    three, two = gradient_moments(draws.clone()), gradient_moments(draws[:2].clone())
    assert all(math.isfinite(value) for value in three)
    assert [math.isnan(value) for value in two] == [False, True, False, True]


def test_a_gradient_without_noise():
    moments = gradient_moments(torch.ones(50, 3).double())
    assert moments == pytest.approx((0, 0, 3, 0), abs=1e-12)

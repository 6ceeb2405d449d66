"""The density of many points under many normal distributions, at small variances."""

import math

import pytest
import scipy.stats
import torch

from aevb.distributions import DiagonalNormal


@pytest.mark.parametrize("log_var", [0.0, -20.0, -40.0, -60.0])
def test_all_pairs_do_not_lose_their_digits_to_cancellation(log_var: float) -> None:
    """Two distributions at 1 and 1 - sigma, and points at 1 and 1 + 2^-20."""
    sigma = math.exp(log_var / 2)
    mean = torch.tensor([[1.0], [1.0 - sigma]], dtype=torch.float64)
    x = torch.tensor([[1.0], [1.0 + 2**-20]], dtype=torch.float64)
    log_prob = DiagonalNormal(mean, torch.full_like(mean, log_var)).log_prob_of_all(x)
    expected = scipy.stats.norm.logpdf(x[:, 0].numpy(), mean.numpy(), sigma)
    torch.testing.assert_close(log_prob, torch.from_numpy(expected), rtol=1e-8, atol=1e-6)


def test_the_slope_is_the_gradient_of_the_log_density():
    generator = torch.Generator().manual_seed(0)
    mean, log_var, z = (torch.randn((4, 3), generator=generator, dtype=torch.float64) for _ in range(3))
    q = DiagonalNormal(mean, log_var)
    (expected,) = torch.autograd.grad(q.log_prob(z.requires_grad_()).sum(), z)
    torch.testing.assert_close(q.slope(z.detach()), expected)

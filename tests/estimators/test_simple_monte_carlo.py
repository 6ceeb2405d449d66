"""log p(x) by draws that all images share, against the closed form of the linear-Gaussian model."""

import pytest
import torch

from aevb.estimators.simple_monte_carlo import shared_draws
from aevb.noise import Noise
from helpers.oracles import data, linear_gaussian
from helpers.statistics import assert_mean


def test_the_mean_weight_is_the_likelihood():
    """E[1/K sum w_k] = p(x): 400 sets of 50 draws for three points (statistics_.py)."""
    model, x = linear_gaussian(), data(3)
    sets = [shared_draws(model.decoder, Noise(0, "z", t).normal((50, 2), torch.float64), x).log_px for t in range(400)]
    truth = model.decoder.marginal().log_prob(x).detach()
    assert_mean(torch.stack(sets).sub(truth).exp(), torch.ones(3).double())


def test_many_draws_come_near_and_blocks_change_nothing():
    """20,000 draws: within five errors by the effective sample size, a chance of 4e-6 in all."""
    model, x = linear_gaussian(), data(7)
    z = Noise(0, "z", 0).normal((20_500, 2), torch.float64)
    estimate = shared_draws(model.decoder, z, x)
    truth = model.decoder.marginal().log_prob(x)
    assert ((estimate.log_px - truth).abs() < 5 / estimate.effective_samples.sqrt()).all()
    log_w = model.decoder(z[:, None]).log_prob(x)
    torch.testing.assert_close(estimate.log_px, log_w.logsumexp(0) - torch.tensor(20_500.0).double().log())
    weights = log_w.softmax(0)
    torch.testing.assert_close(estimate.effective_samples, 1 / weights.square().sum(0))


def test_equal_weights_are_all_effective():
    model = linear_gaussian()
    estimate = shared_draws(model.decoder, torch.zeros(40, 2).double(), data(2))
    assert estimate.effective_samples.tolist() == pytest.approx([40, 40])

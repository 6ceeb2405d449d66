"""Annealed importance sampling and the BDMC sandwich against closed forms."""

from itertools import pairwise

import pytest
import torch

from aevb.estimators import ais as module
from aevb.estimators.ais import ais, bdmc, posterior_draws, schedule, simulate
from aevb.estimators.importance import importance
from aevb.models.linear import LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from helpers.oracles import Square, data, linear_gaussian
from helpers.statistics import assert_mean


def truth(model, x):
    return model.decoder.marginal().log_prob(x).detach()


def test_the_schedule_is_a_sigmoid_from_zero_to_one():
    betas = schedule(10)
    steps = [after - before for before, after in pairwise(betas)]
    assert (betas[0], betas[-1]) == (0, 1)
    assert steps == pytest.approx(steps[::-1])
    assert steps[:5] == sorted(steps[:5])
    assert steps[0] < 0.4 * steps[5]


@pytest.mark.parametrize(("temperatures", "start"), [(1, "prior"), (3, "prior"), (3, "encoder")])
def test_weights_are_unbiased_with_a_single_leapfrog(temperatures, start):
    """E[w] = p(x) exactly, however few the temperatures: 30,000 estimates of two chains, a z-test (1e-6)."""
    model, x = linear_gaussian(), data(1, seed=2)
    estimate = ais(model, x.repeat(30_000, 1), Noise(0, "ais", 0), temperatures, 2, 1, start)
    assert_mean(torch.exp(estimate.log_px - truth(model, x)), 1.0)
    assert estimate.log_px.std() > 0.05


def test_reverse_weights_are_unbiased_too():
    """E[1/w] = 1/p(x) over z ~ p(z), x ~ p(x|z): so E[p(x) / w] = 1 whatever x is. Both directions, and the sandwich."""
    model = linear_gaussian()
    noise = RowNoise(0, "bdmc", range(4_000))
    estimate = bdmc(model, 4_000, noise, temperatures=5, chains=1, leapfrogs=1)
    _, x = simulate(model, 4_000, RowNoise(0, "bdmc", range(4_000)))
    exact = truth(model, x)
    assert_mean(torch.exp(exact - estimate.upper), 1.0)
    assert_mean(torch.exp(estimate.lower - exact), 1.0)
    assert estimate.lower.mean() < exact.mean() - 0.05
    assert estimate.upper.mean() > exact.mean() + 0.05
    torch.testing.assert_close(estimate.gap, estimate.upper - estimate.lower)


def test_both_directions_are_reported_under_their_names(monkeypatch):
    def known(log_px, effective_samples, acceptance):
        values = (log_px, effective_samples, 0.1, acceptance)
        return module.AISEstimate(*(torch.full((2,), value).double() for value in values))

    monkeypatch.setattr(module, "_forward", lambda *budget: (known(-9.0, 1.5, 0.6), None, None))
    monkeypatch.setattr(module, "_reverse", lambda *budget: known(-7.0, 2.5, 0.8))
    estimate = bdmc(linear_gaussian(), 2, RowNoise(0, "bdmc", range(2)), temperatures=2, chains=4)
    assert {name: value.tolist() for name, value in estimate._asdict().items()} == {
        "gap": [2.0, 2.0],
        "lower": [-9.0, -9.0],
        "upper": [-7.0, -7.0],
        "lower_effective_samples": [1.5, 1.5],
        "upper_effective_samples": [2.5, 2.5],
        "acceptance": pytest.approx([0.7, 0.7]),
    }


def test_the_gap_closes_with_temperatures():
    """Bias is about Var(log w) / 2, which falls as 1/T: from 5 to 100 temperatures by more than a factor of four."""
    gaps = [
        bdmc(linear_gaussian(), 300, RowNoise(0, "bdmc", range(300)), temperatures, 2, 3).gap.mean()
        for temperatures in (5, 100)
    ]
    assert 0 < gaps[1] < gaps[0] / 4


def test_one_temperature_from_the_encoder_is_importance_sampling():
    """E[w] aside, the same law: mean and standard deviation of log_px over 5,000 estimates of three draws, 5 standard errors."""
    model, x = linear_gaussian(), data(1).repeat(5_000, 1)
    annealed = ais(model, x, Noise(0, "ais", 0), 1, 3, 1, "encoder").log_px
    sampled = importance(model, x, Noise(0, "importance", 0), 3, batch_size=10**6).log_px
    error = (annealed.var() / 5_000 + sampled.var() / 5_000).sqrt()
    assert (annealed.mean() - sampled.mean()).abs() < 5 * error
    assert annealed.std() / sampled.std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("temperatures", [1, 7])
def test_from_the_exact_posterior_every_weight_is_px(temperatures):
    """The zero-variance identity: f does not change along the path, so log w = log p(x) for every chain."""
    model, x = linear_gaussian(exact_posterior=True), data()
    estimate = ais(model, x, RowNoise(0, "ais", range(7)), temperatures, 3, 2, "encoder")
    torch.testing.assert_close(estimate.log_px, truth(model, x))
    torch.testing.assert_close(estimate.effective_samples, torch.full((7,), 3.0, dtype=torch.float64))


def test_it_is_exact_with_many_temperatures():
    model, x = linear_gaussian(), data()
    estimate = ais(model, x, RowNoise(0, "ais", range(7)), 300, 10, 3)
    error = estimate.monte_carlo_error
    assert error.max() < 0.25
    assert ((estimate.log_px - truth(model, x)).abs() < 5 * error).all()
    assert ((estimate.acceptance > 0.5) & (estimate.acceptance < 0.9)).all()


def test_an_image_does_not_depend_on_its_neighbours():
    model, x = linear_gaussian(), data()
    whole = ais(model, x, RowNoise(0, "ais", range(7)), 20, 3, 2)
    some = ais(model, x[3:5], RowNoise(0, "ais", range(3, 5)), 20, 3, 2)
    torch.testing.assert_close(some.log_px, whole.log_px[3:5], rtol=0, atol=1e-10)


def test_annealed_draws_are_the_posteriors():
    """Mean and covariance of the ends of 40 chains for each of 300 copies of one x, z-tests over the copies (1e-6)."""
    model, x = linear_gaussian(exact_posterior=True), data(1)
    z = posterior_draws(model, x.repeat(300, 1), Noise(0, "ais", 0), 50, 40, 2)
    q = model.encoder(x)
    assert_mean(z.mean(0), q.mean[0].detach())
    assert_mean(((z - q.mean.detach()) ** 2).mean(0), torch.exp(q.log_var).detach())


def test_draws_are_drawn_anew_by_their_weights():
    """One temperature is a jump from the prior: its ends are far from the posterior, but not when they are drawn anew.

    400 chains for each of 100 copies of one x; the bias of the ratio of sums is about 1/ESS.
    """
    model, x = linear_gaussian(exact_posterior=True), data(1)
    z = posterior_draws(model, x.repeat(100, 1), Noise(0, "ais", 0), 1, 400, 1)
    assert (z.mean((0, 1)) - model.encoder(x).mean[0].detach()).abs().max() < 0.05


def test_two_modes_missed_by_the_encoder_are_covered():
    """x = z^2 + noise, q at the left mode alone: from the prior the share of draws on the right is a half, z-test (1e-6)."""
    model = VAE(LinearGaussianEncoder(1, 1).double(), Square(0.3), StandardNormal(1).double())
    z = posterior_draws(model, torch.full((500, 1), 3.0).double(), Noise(0, "ais", 0), 100, 10, 3)
    assert_mean((z[..., 0] > 0).double().mean(0), 0.5)
    assert (z.abs() - 3**0.5).abs().max() < 0.5

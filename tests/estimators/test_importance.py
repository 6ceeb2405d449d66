"""The estimators against the linear-Gaussian model's closed form."""

import math

import pytest
import torch
from torch import nn

from aevb.config.instantiate import instantiate
from aevb.distributions import NoClosedForm
from aevb.distributions.reparameterised import ReparameterisedDistribution
from aevb.estimators.bound import bound
from aevb.estimators.importance import importance
from aevb.estimators.log_mean_error import log_mean_error
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from helpers.commands import settings
from helpers.oracles import data, exact_bound, linear_gaussian
from helpers.statistics import assert_mean


def test_bound_is_unbiased_and_its_parts_add_up():
    model, x = linear_gaussian(), data(1)
    estimate = bound(model, x.repeat(50_000, 1), Noise(0, "bound", 0))
    assert_mean(estimate.bound, exact_bound(model, x).item())
    torch.testing.assert_close(estimate.bound, estimate.reconstruction - estimate.kl)


class Lognormal(nn.Module):
    """q(z|x) = LogNormal(0.3, 0.5) in both dimensions, whatever x is."""

    def forward(self, x):
        parameters = {"loc": torch.full((len(x), 2), 0.3), "scale": torch.full((len(x), 2), 0.5)}
        return ReparameterisedDistribution("log_normal", {name: value.double() for name, value in parameters.items()})


def test_without_a_closed_form_the_kl_is_the_mean_over_the_draws():
    """KL(LogNormal(m, s) || N(0, 1)) = E log q - E log p = -m - log s - 1/2 + E z^2 / 2, E z^2 = exp(2 m + 2 s^2)."""
    model, x = VAE(Lognormal(), linear_gaussian().decoder, StandardNormal(2).double()), data(1)
    q, pz = model.encoder(x), model.prior()
    with pytest.raises(NoClosedForm):
        q.kl(pz)
    exact = 2 * (-0.3 - math.log(0.5) - 0.5 + 0.5 * math.exp(2 * 0.3 + 2 * 0.5**2))
    estimate = bound(model, x.repeat(20_000, 1), Noise(0, "bound", 0), samples=3)
    assert_mean(estimate.kl, exact)
    torch.testing.assert_close(estimate.bound, estimate.reconstruction - estimate.kl)
    z = model.encoder(x.repeat(20_000, 1)).sample(Noise(0, "bound", 0), 3)
    torch.testing.assert_close(estimate.kl, (q.log_prob(z) - pz.log_prob(z)).mean(0))


def test_importance_is_exact_when_q_is_the_posterior():
    model, x = linear_gaussian(exact_posterior=True), data()
    estimate = importance(model, x, Noise(0, "importance", 0), samples=4)
    torch.testing.assert_close(estimate.log_px, model.decoder.marginal().log_prob(x).detach())
    torch.testing.assert_close(estimate.effective_samples, torch.full((7,), 4.0, dtype=torch.float64))
    assert (estimate.monte_carlo_error < 1e-6).all()


def test_the_mean_weight_is_unbiased_for_px():
    """E[exp(log_px)] = p(x) exactly, at any K: Jensen's gap is in the logarithm alone."""
    model, x = linear_gaussian(), data(1)
    estimate = importance(model, x.repeat(50_000, 1), Noise(0, "importance", 0), samples=5, batch_size=100_000)
    assert_mean(estimate.log_px.exp(), model.decoder.marginal().log_prob(x).exp().item())


def test_importance_lies_between_bound_and_truth_and_rises_with_samples():
    """K = 1 is the bound in expectation; over 4,000 repetitions each further step is many standard errors wide here."""
    model, x = linear_gaussian(), data(1)
    truth = model.decoder.marginal().log_prob(x).item()
    estimates = [
        importance(model, x.repeat(4_000, 1), Noise(0, "importance", 0), samples, batch_size=10**6).log_px
        for samples in (1, 4, 16, 64)
    ]
    assert_mean(estimates[0], exact_bound(model, x).item())
    means = [estimate.mean().item() for estimate in estimates]
    assert means == sorted(means)
    assert means[-1] < truth + 0.01
    assert truth - means[-1] < 0.25 * (truth - means[0])


def test_the_stated_error_is_the_spread_of_the_estimate():
    """Delta method against the standard deviation over repetitions; within 15 % at K = 2,000."""
    model, x = linear_gaussian(), data(1)
    estimate = importance(model, x.repeat(500, 1), Noise(0, "importance", 0), samples=2_000, batch_size=10**6)
    ratio = estimate.monte_carlo_error.mean() / estimate.log_px.std()
    assert ratio == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("batch_size", [1, 7, 30, 1000])
def test_chunks_change_nothing(batch_size):
    model, x = linear_gaussian(), data()
    whole = importance(model, x, RowNoise(0, "importance", range(7)), samples=9, batch_size=10**6)
    cut = importance(model, x, RowNoise(0, "importance", range(7)), samples=9, batch_size=batch_size)
    torch.testing.assert_close(cut.log_px, whole.log_px, rtol=0, atol=1e-12)
    torch.testing.assert_close(cut.effective_samples, whole.effective_samples)


def two_layers() -> VAE:
    config = settings(
        "data=digits",
        "model=two_layer",
        "objective=iwae",
        "latent_dim=2",
        "hidden_dim=3",
        "model.initialization=glorot",
    )
    return instantiate(config["model"], data_dim=3, data_shape=(3, 1)).double()


@pytest.mark.parametrize(
    ("model", "proposal"),
    [(linear_gaussian, {"prior_share": 0.5}), (linear_gaussian, {"annealed": 3}), (two_layers, {})],
    ids=["share from the prior", "annealed", "two layers"],
)
def test_chunks_and_other_images_change_nothing_for_any_proposal(model, proposal):
    """These proposals ask for several arrays of noise."""
    model = model()
    x = data() if proposal else data().clamp(0, 1)[:, :3]
    whole = importance(model, x, RowNoise(0, "importance", range(7)), 90, batch_size=10**6, **proposal).log_px
    for batch_size in (1, 30, 250):
        cut = importance(model, x, RowNoise(0, "importance", range(7)), 90, batch_size=batch_size, **proposal).log_px
        torch.testing.assert_close(cut, whole, rtol=0, atol=1e-9)
    some = importance(model, x[:3], RowNoise(0, "importance", range(3)), 90, batch_size=1000, **proposal).log_px
    torch.testing.assert_close(some, whole[:3], rtol=0, atol=1e-9)


@pytest.mark.parametrize("count", [2, 5, 50])
def test_the_error_of_a_log_mean_is_that_of_the_mean_over_the_mean(count):
    weights = torch.rand((count, 4), dtype=torch.float64, generator=torch.Generator().manual_seed(count))
    inverse_ess = (weights**2).sum(0) / weights.sum(0) ** 2
    expected = weights.std(0) / math.sqrt(count) / weights.mean(0)
    torch.testing.assert_close(log_mean_error(inverse_ess, count), expected)
    assert log_mean_error(torch.ones(4), 1).isnan().all()


def test_weights_far_below_float32_do_not_underflow():
    """784 pixels give log-weights near -1000 (exp underflows): the log-mean-exp must not."""
    model, x = linear_gaussian(exact_posterior=True), 60 * data()
    truth = model.decoder.marginal().log_prob(x).detach()
    assert truth.min() < -1000
    estimate = importance(model, x, Noise(0, "importance", 0), samples=3)
    torch.testing.assert_close(estimate.log_px, truth)
    assert not math.isnan(estimate.effective_samples.sum().item())

"""The inference gap of a linear-Gaussian model, whose two parts are known (science: the best diagonal q of a Gaussian posterior).

With posterior precision Lam = W'W / s^2 + I the best diagonal q has the posterior's mean and variances 1 / Lam_jj, and its
bound lies below log p(x) by 1/2 (sum_j log Lam_jj - log det Lam), whatever x.
"""

import pytest
import torch

from aevb.estimators.inference_gap import best_posterior, inference_gap
from aevb.noise import Noise, RowNoise
from helpers.oracles import J, data, exact_bound, linear_gaussian
from helpers.statistics import assert_mean


def posterior(model, x):
    """Mean (M, J) and precision (J, J) of p(z|x)."""
    weight, s2 = model.decoder.mean.weight.detach(), model.decoder.log_var.detach().exp()
    precision = weight.T @ weight / s2 + torch.eye(J).double()
    return (x - model.decoder.mean.bias.detach()) @ weight / s2 @ torch.linalg.inv(precision), precision


def test_the_best_q_has_the_posteriors_mean_and_one_over_its_precisions():
    model, x = linear_gaussian(seed=7), data()
    mean, precision = posterior(model, x)
    best = best_posterior(model, x, Noise(0, "test", 0), steps=1500, draws=20, lr=0.05)
    torch.testing.assert_close(best.mean, mean, rtol=0, atol=0.03)
    torch.testing.assert_close(best.log_var, (-precision.diagonal().log()).expand(7, J), rtol=0, atol=0.05)


def test_both_parts_are_the_closed_forms():
    """2,000 copies of one image: q* is found for each anew, the means over copies are compared.

    Where q* stops short its bound is lower, never higher: 0.003 nat are allowed for that and for the 1/K bias of log p(x).
    """
    model, x = linear_gaussian(seed=7), data(1)
    precision = posterior(model, x)[1]
    approximation = 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision)).item()
    log_px = model.decoder.marginal().log_prob(x).item()
    amortisation = log_px - approximation - exact_bound(model, x).item()
    assert (approximation, amortisation) == pytest.approx((0.207, 2.967), abs=1e-3)  # neither is nothing

    estimate = inference_gap(model, x.repeat(2000, 1), Noise(0, "test", 0), steps=400, draws=10, lr=0.1, samples=50)
    assert (estimate.approximation_gap.mean().item(), estimate.amortisation_gap.mean().item()) == (
        pytest.approx(approximation, abs=0.02),
        pytest.approx(amortisation, abs=0.03),
    )
    error = estimate.best_bound.std().item() / 2000**0.5
    assert -0.003 - 4.9 * error < estimate.best_bound.mean().item() - (log_px - approximation) < 4.9 * error
    assert_mean(estimate.bound, exact_bound(model, x).item())
    torch.testing.assert_close(estimate.inference_gap, estimate.approximation_gap + estimate.amortisation_gap)


def test_at_the_exact_posterior_there_is_no_gap():
    model, x = linear_gaussian(exact_posterior=True), data()
    estimate = inference_gap(
        model, x, Noise(0, "test", 0), steps=300, draws=10, lr=0.02, samples=4000, batch_size=10**6
    )
    torch.testing.assert_close(estimate.log_px, model.decoder.marginal().log_prob(x).detach(), rtol=0, atol=1e-3)
    # The same draws measure both bounds; q* has wandered by what its last steps' noise left.
    torch.testing.assert_close(estimate.amortisation_gap, torch.zeros(7).double(), rtol=0, atol=0.01)
    assert (estimate.effective_samples > 3900).all()


def test_the_model_is_left_alone_and_rows_do_not_know_of_one_another():
    model, x = linear_gaussian(), data()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settings = {"steps": 20, "draws": 3, "samples": 10, "batch_size": 12}
    whole = inference_gap(model, x, RowNoise(0, "test", range(7)), **settings)
    some = inference_gap(model, x[2:4], RowNoise(0, "test", range(2, 4)), **settings)
    for one, other in zip(whole, some, strict=True):
        torch.testing.assert_close(one[2:4], other, rtol=0, atol=1e-9)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

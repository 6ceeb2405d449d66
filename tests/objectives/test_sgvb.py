"""SGVB A and B compared to the exact bound and its gradient on a linear-Gaussian model (eqs. 6 and 7)."""

import pytest
import torch

from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from helpers.objectives import first_update, gradient, gradients_and_bounds
from helpers.oracles import J, data, exact_bound, linear_gaussian
from helpers.statistics import assert_mean

BOTH = pytest.mark.parametrize("objective", [SGVB_A(), SGVB_B(), SGVB_A(samples=3), SGVB_B(samples=3)], ids=repr)


@BOTH
def test_the_estimate_is_unbiased(objective):
    """64,000 draws, 320 per minibatch."""
    model, x = linear_gaussian(), data(1)
    _, bounds = gradients_and_bounds(objective, model, x.repeat(320, 1), 200)
    assert_mean(bounds, exact_bound(model, x).detach().mean())


@BOTH
def test_the_gradient_is_unbiased(objective):
    """250 gradients of minibatches of 1,024, for every parameter of both networks, against the exact bound."""
    model, x = linear_gaussian(), data(1)
    gradients, _ = gradients_and_bounds(objective, model, x.repeat(1_024, 1), 250)
    assert_mean(gradients, gradient(-exact_bound(model, x).mean(), model))


def test_a_is_constant_at_the_exact_posterior_and_b_is_not():
    """log p(x, z) - log q(z|x) = log p(x) for every z: a counter-example to the lower variance of B."""
    model, x = linear_gaussian(exact_posterior=True), data(1)
    log_px = model.decoder.marginal().log_prob(x).item()
    a, b = (gradients_and_bounds(objective, model, x, 100)[1] for objective in (SGVB_A(), SGVB_B()))
    torch.testing.assert_close(a, torch.full_like(a, log_px), rtol=0, atol=1e-10)
    assert b.std() > 0.1


@BOTH
def test_beta_weights_the_kl_and_not_the_reported_bound(objective):
    model, x = linear_gaussian(), data()
    weighted = type(objective)(objective.samples, beta=4.0)
    one, four = first_update(objective, model, x), first_update(weighted, model, x)
    torch.testing.assert_close(one.stats["bound"], four.stats["bound"])
    torch.testing.assert_close(four.loss - one.loss, 3 * one.stats["kl"])
    torch.testing.assert_close(-one.loss.detach(), one.stats["bound"])


def test_the_oracle_itself_is_right():
    """exact_bound is log p(x) - KL(q || posterior), and log p(x) at the exact posterior."""
    x = data()
    tight, loose = linear_gaussian(exact_posterior=True), linear_gaussian()
    torch.testing.assert_close(exact_bound(tight, x), tight.decoder.marginal().log_prob(x))
    weight, s2 = loose.decoder.mean.weight, loose.decoder.log_var.exp()
    precision = weight.T @ weight / s2 + torch.eye(J, dtype=torch.float64)
    posterior_mean = (x - loose.decoder.mean.bias) @ weight / s2 @ torch.linalg.inv(precision)
    posterior = torch.distributions.MultivariateNormal(posterior_mean, precision_matrix=precision)
    q = loose.encoder(x)
    torch_q = torch.distributions.MultivariateNormal(q.mean, torch.diag_embed(q.log_var.exp().expand_as(q.mean)))
    gap = torch.distributions.kl_divergence(torch_q, posterior)
    torch.testing.assert_close(loose.decoder.marginal().log_prob(x) - exact_bound(loose, x), gap)

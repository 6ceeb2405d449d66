"""SGVB A and B against the exact bound and its gradient on a linear-Gaussian model (science: eqs. 6 and 7)."""

from itertools import count

import pytest
import torch

from aevb.noise import Noise
from aevb.objectives.objective import Batch
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from helpers.oracles import J, data, exact_bound, linear_gaussian
from helpers.statistics import assert_mean

BOTH = pytest.mark.parametrize("objective", [SGVB_A(), SGVB_B(), SGVB_A(samples=3), SGVB_B(samples=3)], ids=repr)


def stream(x):
    return (Batch(x, torch.arange(len(x)), Noise(0, "noise", t)) for t in count())


def repeated(x, times):
    """Independent draws in one minibatch: each row many times."""
    return x.repeat(times, 1)


@BOTH
def test_the_estimate_is_unbiased(objective):
    """64,000 draws, 64 in a minibatch."""
    model, x = linear_gaussian(), data(1)
    batches = stream(repeated(x, 64))
    updates = (next(iter(objective(model, batches))) for _ in range(1_000))
    bounds = torch.stack([update.stats["bound"] for update in updates])
    assert_mean(bounds, exact_bound(model, x).detach().mean())


@BOTH
def test_the_gradient_is_unbiased(objective):
    """Mean over 1,000 gradients of a minibatch of 256 against that of the exact bound, for every parameter of both networks."""
    model, x = linear_gaussian(), data(1)
    parameters = [*model.theta, *model.phi]
    expected = torch.autograd.grad(-exact_bound(model, x).mean(), parameters)
    batches = stream(repeated(x, 256))
    draws = []
    for _ in range(1_000):
        (update,) = objective(model, batches)
        draws.append(torch.cat([g.flatten() for g in torch.autograd.grad(update.loss, parameters)]))
    assert_mean(torch.stack(draws), torch.cat([g.flatten() for g in expected]))


def test_a_is_constant_at_the_exact_posterior_and_b_is_not():
    """log p(x, z) - log q(z|x) = log p(x) for every z; so "B typically has less variance" has a counter-example."""
    model, x = linear_gaussian(exact_posterior=True), data(1)
    log_px = model.decoder.marginal().log_prob(x).item()
    a = torch.stack(
        [next(iter(SGVB_A()(model, batches))).stats["bound"] for batches in [stream(x)] for _ in range(100)]
    )
    b = torch.stack(
        [next(iter(SGVB_B()(model, batches))).stats["bound"] for batches in [stream(x)] for _ in range(100)]
    )
    torch.testing.assert_close(a, torch.full_like(a, log_px), rtol=0, atol=1e-10)
    assert b.std() > 0.1


@BOTH
def test_beta_weighs_the_kl_and_leaves_the_reported_bound_alone(objective):
    model, x = linear_gaussian(), data()
    weighted = type(objective)(objective.samples, beta=4.0)
    (one,), (four,) = objective(model, stream(x)), weighted(model, stream(x))
    torch.testing.assert_close(one.stats["bound"], four.stats["bound"])
    torch.testing.assert_close(four.loss - one.loss, 3 * one.stats["kl"])
    torch.testing.assert_close(-one.loss.detach(), one.stats["bound"])


@BOTH
def test_one_minibatch_moves_the_clock_by_its_size(objective):
    (update,) = objective(linear_gaussian(), stream(data(7)))
    assert update.samples == 7
    assert update.parameter_groups == ("theta", "phi")


def test_the_oracle_itself_is_right():
    """exact_bound = log p(x) at the exact posterior, below it elsewhere by KL(q || posterior)."""
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

"""The importance-weighted bound: L_1 is estimator A, L_K rises to log p(x), and the gradient is exact."""

from itertools import pairwise

import torch

from aevb.objectives.iwae import IWAE
from aevb.objectives.sgvb_a import SGVB_A
from helpers.objectives import first_update, gradient, parameters
from helpers.oracles import data, exact_bound, linear_gaussian
from helpers.statistics import assert_mean


def test_one_sample_is_estimator_a():
    model, x = linear_gaussian(), data()
    iwae, a = first_update(IWAE(samples=1), model, x), first_update(SGVB_A(), model, x)
    torch.testing.assert_close(iwae.loss, a.loss, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient(iwae.loss, model), gradient(a.loss, model), rtol=1e-10, atol=1e-12)


def test_the_bound_rises_to_the_likelihood():
    """20,000 rows: each increase of K raises L_K by 5 standard errors (chance 3e-7), up to near log p(x)."""
    model, x = linear_gaussian(), data(1).repeat(2_000, 1)
    log_px = model.decoder.marginal().log_prob(x[:1]).item()
    estimates = []
    for samples in (1, 4, 64):
        updates = [first_update(IWAE(samples), model, x, step) for step in range(10)]
        assert_mean(torch.stack([u.stats["bound"] for u in updates]), exact_bound(model, x[:1]).item(), 1e-4)
        estimates.append(torch.stack([u.stats["importance"] for u in updates]))
    for lower, higher in pairwise(estimates):
        rise = higher - lower
        assert rise.mean() > 5 * rise.std() / len(rise) ** 0.5
    assert log_px - 0.3 < estimates[-1].mean() < log_px


def test_the_gradient_is_that_of_finite_differences():
    """Central differences of the loss at fixed noise, step 1e-6, float64: errors of about 1e-9."""
    model, x = linear_gaussian(), data()
    gradients = torch.autograd.grad(first_update(IWAE(samples=5), model, x).loss, parameters(model))
    with torch.no_grad():
        for parameter, exact in zip(parameters(model), gradients, strict=True):
            entries = parameter.view(-1)
            for i, expected in enumerate(exact.flatten()):
                value = entries[i].clone()
                losses = []
                for step in (1e-6, -1e-6):
                    entries[i] = value + step
                    losses.append(first_update(IWAE(samples=5), model, x).loss)
                entries[i] = value
                torch.testing.assert_close((losses[0] - losses[1]) / 2e-6, expected, rtol=1e-6, atol=1e-7)

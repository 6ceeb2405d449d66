"""beta-TCVAE: estimator A at equal weights, the formula, the gradient, and what it refuses."""

import pytest
import torch

from aevb.errors import UserError
from aevb.estimators.total_correlation import minibatch_decomposition
from aevb.noise import Noise
from aevb.objectives.beta_tcvae import BetaTCVAE
from aevb.objectives.sgvb_a import SGVB_A
from helpers.objectives import first_update, gradient
from helpers.oracles import data, linear_gaussian

N = 50


@pytest.mark.parametrize("estimate", ["weighted", "stratified"])
@pytest.mark.parametrize("samples", [1, 3])
def test_equal_weights_are_estimator_a(estimate, samples):
    model, x = linear_gaussian(), data()
    update = first_update(BetaTCVAE(N, 1, 1, 1, estimate, samples), model, x)
    other = first_update(SGVB_A(samples), model, x)
    for name in ("bound", "reconstruction", "kl"):
        torch.testing.assert_close(update.stats[name], other.stats[name], rtol=1e-12, atol=0)
    torch.testing.assert_close(update.loss, other.loss, rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient(update.loss, model), gradient(other.loss, model), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("estimate", ["weighted", "stratified"])
def test_the_loss_is_the_formula(estimate):
    model, x = linear_gaussian(), data()
    update = first_update(BetaTCVAE(N, 0.5, 6, 2, estimate), model, x)
    q = model.encoder(x)
    z = q.rsample(Noise(0, "noise", 0), 1)
    parts = minibatch_decomposition(q, z, model.prior().log_prob(z), N, estimate)
    weighted = sum(weight * part.mean() for weight, part in zip((0.5, 6, 2), parts, strict=True))
    torch.testing.assert_close(update.loss, weighted - model.decoder(z).log_prob(x).mean(), rtol=1e-12, atol=0)
    assert (update.parameter_groups, update.samples) == (("theta", "phi"), len(x))


@pytest.mark.parametrize("estimate", ["weighted", "stratified"])
def test_the_gradient_is_that_of_finite_differences(estimate):
    """Central differences of phi, step 1e-6, float64: errors of about 1e-9."""
    model, x = linear_gaussian(), data()
    objective = BetaTCVAE(N, 0.7, 5, 1.3, estimate)
    gradients = torch.autograd.grad(first_update(objective, model, x).loss, model.phi)
    with torch.no_grad():
        for parameter, exact in zip(model.phi, gradients, strict=True):
            flat = parameter.view(-1)
            for i, expected in enumerate(exact.flatten()):
                values = []
                for step in (1e-6, -2e-6):
                    flat[i] += step
                    values.append(first_update(objective, model, x).loss)
                flat[i] += 1e-6
                torch.testing.assert_close((values[0] - values[1]) / 2e-6, expected, rtol=1e-5, atol=1e-6)


def test_one_image_is_refused():
    with pytest.raises(UserError, match=r"batch_size=1: q\(z\) needs several images"):
        first_update(BetaTCVAE(N), linear_gaussian(), data(1))

"""The weighted bound: where it equals SGVB B, its known optimum, and the effect of the free bits."""

import pytest
import torch

from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.objectives.beta_vae import BetaVAE, kl_of_each
from aevb.objectives.sgvb_b import SGVB_B
from helpers.objectives import first_update, flat, minibatches
from helpers.oracles import data, fill, linear_gaussian
from helpers.statistics import assert_mean


def gradients(loss, parameters):
    return torch.autograd.grad(loss, parameters, retain_graph=True)


def small_network():
    model = VAE(GaussianEncoder(6, 3, 4), BernoulliDecoder(6, 3, 4), StandardNormal(3), "glorot").double()
    return model, torch.rand((20, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("beta", [1.0, 0.3, 4.0])
def test_without_warm_up_and_free_bits_it_is_sgvb_b(beta):
    model, x = small_network()
    actual, reference = (
        first_update(BetaVAE(samples=3, beta=beta), model, x),
        first_update(SGVB_B(samples=3, beta=beta), model, x),
    )
    assert (actual.parameter_groups, actual.samples) == (reference.parameter_groups, reference.samples)
    torch.testing.assert_close(actual.loss, reference.loss, rtol=1e-13, atol=0)
    for name, value in reference.stats.items():
        torch.testing.assert_close(actual.stats[name], value, rtol=1e-13, atol=0)
    parameters = [*model.theta, *model.phi]
    for g, expected in zip(gradients(actual.loss, parameters), gradients(reference.loss, parameters), strict=True):
        torch.testing.assert_close(g, expected, rtol=1e-11, atol=1e-14)


def test_the_reported_bound_is_the_bound_whatever_the_loss_is():
    model, x = small_network()
    plain = first_update(SGVB_B(), model, x)
    for options in ({"beta": 7.0}, {"free_bits": 2.0}, {"warm_up": 100}):
        update = first_update(BetaVAE(**options), model, x)
        torch.testing.assert_close(update.stats["bound"], plain.stats["bound"], rtol=1e-13, atol=0)
        assert abs(update.loss + plain.stats["bound"]) > 1e-3


def test_beta_is_a_noise_variance():
    """For a decoder N(W z + b, s^2), the gradient is beta times that of the bound with the noise beta s^2."""
    model, x, beta = linear_gaussian(), data(), 2.5
    parameters = [*model.decoder.mean.parameters(), *model.phi]
    actual = gradients(first_update(BetaVAE(samples=2, beta=beta), model, x).loss, parameters)
    fill(model.decoder.log_var, model.decoder.log_var + torch.tensor(beta).double().log())
    reference = gradients(first_update(SGVB_B(samples=2), model, x).loss, parameters)
    for g, expected in zip(actual, reference, strict=True):
        torch.testing.assert_close(g, beta * expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("beta", [0.5, 2.0, 50.0])
def test_the_optimum_of_the_linear_gaussian_model(beta):
    """The gradient with respect to W, b and phi vanishes at the known optimum.

    W W' = U (Lambda - beta s^2) U', and q is the posterior at the noise beta s^2 (Lucas et al.
    2019). The mean of 2,000 gradients is tested. beta = 50 exceeds all variances; there the optimum
    is W = 0 and q = p(z).
    """
    x, model = 3 * data(40), linear_gaussian()
    mean, noise = x.mean(0), beta * model.decoder.log_var.exp().item()
    variances, directions = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    kept = (variances[-2:] - noise).clamp(min=0)
    assert (kept > 0).all() == (beta < 50)
    weight = directions[:, -2:] * kept.sqrt()
    precision = weight.T @ weight / noise + torch.eye(2).double()
    gain = torch.linalg.solve(precision, weight.T / noise)
    fill(model.decoder.mean.weight, weight)
    fill(model.decoder.mean.bias, mean)
    fill(model.encoder.mean.weight, gain)
    fill(model.encoder.mean.bias, -gain @ mean)
    fill(model.encoder.log_var, -precision.diagonal().log())
    objective, batches = BetaVAE(beta=beta), minibatches(x)
    parameters = [*model.decoder.mean.parameters(), *model.phi]
    draws = []
    for _ in range(2_000):
        (update,) = objective(model, batches)
        draws.append(flat(torch.autograd.grad(update.loss, parameters)))
    drawn = torch.stack(draws)
    noisy = drawn.std(0) > 1e-12
    if noisy.any():
        assert_mean(drawn[:, noisy], 0.0)
    torch.testing.assert_close(drawn[:, ~noisy].mean(0), torch.zeros(int((~noisy).sum())).double(), rtol=0, atol=1e-10)


def test_a_dimension_below_the_free_bits_has_no_kl_gradient():
    """The KL part of the gradient comes from the dimensions above lambda alone.

    It is the gradient of the loss minus the gradient of the reconstruction term.
    """
    model, x = small_network()
    kl = kl_of_each(model.encoder(x), model.prior()).mean(0)
    torch.testing.assert_close(kl.sum(), model.encoder(x).kl(model.prior()).mean(), rtol=1e-13, atol=0)
    floor = kl.detach().sort().values[:2].mean().item()  # between the first and the second
    loss = first_update(BetaVAE(beta=3.0, free_bits=floor), model, x).loss
    reconstruction = first_update(SGVB_B(beta=0.0), model, x).loss
    torch.testing.assert_close(loss - reconstruction, 3 * kl.clamp(min=floor).sum(), rtol=1e-12, atol=0)
    expected = gradients(3 * kl[kl > floor].sum(), model.phi)
    for g, part, above in zip(gradients(loss, model.phi), gradients(reconstruction, model.phi), expected, strict=True):
        torch.testing.assert_close(g - part, above, rtol=1e-9, atol=1e-12)
    for g, part in zip(
        gradients(first_update(BetaVAE(free_bits=99.0), model, x).loss, model.phi),
        gradients(reconstruction, model.phi),
        strict=True,
    ):
        torch.testing.assert_close(g, part, rtol=1e-12, atol=1e-14)


def test_the_warm_up_depends_on_the_samples_seen():
    """The weights are 0, 1/5, ... of beta, then beta; state_dict contains the count."""
    model, x = small_network()
    objective, batches = BetaVAE(beta=2.0, warm_up=100), minibatches(x)
    weights = []
    for _ in range(7):
        weights.append(objective.metrics()["kl_weight"])
        (update,) = objective(model, batches)
        torch.testing.assert_close(
            update.loss.detach(), weights[-1] * update.stats["kl"] - update.stats["reconstruction"], rtol=1e-12, atol=0
        )
    assert weights == pytest.approx([0, 0.4, 0.8, 1.2, 1.6, 2, 2])
    assert objective.float().seen.dtype == torch.int64  # counts exactly beyond 2^24
    other = BetaVAE(beta=2.0, warm_up=1000)
    other.load_state_dict(objective.state_dict())
    assert other.metrics()["kl_weight"] == pytest.approx(2 * 140 / 1000)

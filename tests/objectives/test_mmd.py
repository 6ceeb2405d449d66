"""MMD-VAE: estimator B at alpha = 0 and lambda = 1, the gradient, and the refusals of a point."""

import pytest
import torch
from torch import nn

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.mmd import median_distance, mmd
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.fixed_variance import fixed_variance_posterior
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.mmd import MMD
from aevb.objectives.sgvb_b import SGVB_B
from helpers.objectives import first_update, gradient
from helpers.oracles import data, linear_gaussian


def paper(variance=None):
    encoder = GaussianEncoder(6, 2, 4, variance=variance)
    return VAE(encoder, BernoulliDecoder(6, 2, 4), StandardNormal(2), "glorot").double()


def adapted(function):
    module = nn.Module()
    module.forward = function
    return module


def grey(rows=5):
    return torch.rand((rows, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("samples", [1, 3])
def test_alpha_0_and_weight_1_is_estimator_b(samples):
    for model, x in ((linear_gaussian(), data()), (paper(), grey())):
        mmd, b = first_update(MMD(0.0, 1.0, samples), model, x), first_update(SGVB_B(samples), model, x)
        torch.testing.assert_close(mmd.loss, b.loss, rtol=1e-13, atol=0)
        for name in ("bound", "reconstruction", "kl"):
            torch.testing.assert_close(mmd.stats[name], b.stats[name], rtol=1e-13, atol=0)
        torch.testing.assert_close(gradient(mmd.loss, model), gradient(b.loss, model), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("alpha", "weight"), [(1.0, 7.0), (0.4, 3.0), (-0.0, 2.0)])
def test_the_loss_is_the_formula(alpha, weight):
    model, x = linear_gaussian(), data()
    update = first_update(MMD(alpha, weight), model, x)
    noise, q = Noise(0, "noise", 0), model.encoder(x)
    z = q.rsample(noise, 1)[0]
    prior = noise.normal((1, *z.shape), torch.float64)[0]
    discrepancy = mmd(z, prior, median_distance(z, prior))
    expected = -model.decoder(z).log_prob(x).mean() + (1 - alpha) * q.kl(model.prior()).mean()
    torch.testing.assert_close(update.loss, expected + (alpha + weight - 1) * discrepancy, rtol=1e-12, atol=0)
    torch.testing.assert_close(update.stats["mmd"], discrepancy.detach())
    assert (update.parameter_groups, update.samples) == (("theta", "phi"), len(x))


def test_mmd_of_several_draws_is_the_mean_of_their_estimates():
    model, x = linear_gaussian(), data()
    update = first_update(MMD(weight=7.0, samples=3, bandwidth=1.1), model, x)
    noise = Noise(0, "noise", 0)
    z = model.encoder(x).rsample(noise, 3)
    prior = noise.normal(tuple(z.shape), torch.float64)
    expected = sum(mmd(z[draw], prior[draw], 1.1) for draw in range(3)) / 3
    torch.testing.assert_close(update.stats["mmd"], expected.detach())
    torch.testing.assert_close(update.loss, 7 * expected - model.decoder(z).log_prob(x).mean())


def test_the_gradient_is_that_of_finite_differences():
    """At a given bandwidth: central differences of phi, step 1e-6, float64: errors of about 1e-9."""
    model, x = linear_gaussian(), data()
    objective = MMD(alpha=0.7, weight=20.0, bandwidth=1.1)
    gradients = torch.autograd.grad(first_update(objective, model, x).loss, model.phi)
    with torch.no_grad():
        for parameter, exact in zip(model.phi, gradients, strict=True):
            flat = parameter.view(-1)
            for i, expected in enumerate(exact.flatten()):
                here = flat[i].clone()
                losses = []
                for step in (1e-6, -1e-6):
                    flat[i] = here + step
                    losses.append(first_update(objective, model, x).loss)
                flat[i] = here
                torch.testing.assert_close((losses[0] - losses[1]) / 2e-6, expected, rtol=1e-6, atol=1e-7)


def test_mmd_is_zero_at_the_prior_and_large_far_from_it():
    """q(z|x) = N(x, v I) with x ~ N(0, (1 - v) I): the aggregate is the prior, so the mean of MMD^2 is zero."""
    prior = StandardNormal(2).double()
    model = VAE(
        adapted(lambda x: fixed_variance_posterior(x, 0.25)),
        adapted(lambda z: DiagonalNormal(z, torch.zeros_like(z))),
        prior,
    )
    discrepancies = {0.0: [], 1.0: []}
    for shift, values in discrepancies.items():
        for t in range(300):
            x = shift + 0.75**0.5 * Noise(1, "x", t).normal((20, 2), torch.float64)
            values.append(first_update(MMD(bandwidth=1.0), model, x, t).stats["mmd"])
    none, far = (torch.stack(values) for values in discrepancies.values())
    assert abs(none.mean()) < 4.9 * none.std() / 300**0.5  # a chance of 1e-6
    assert far.mean() > 20 * far.std() / 300**0.5


def test_a_point_needs_alpha_1():
    model, x = paper(variance=0), grey()
    update = first_update(MMD(weight=5.0), model, x)
    assert set(update.stats) == {"reconstruction", "mmd"}
    torch.autograd.grad(update.loss, [*model.theta, *model.phi])
    with pytest.raises(UserError, match=r"model\.encoder\.variance=0: .*no density"):
        first_update(MMD(alpha=0.5), model, x)


def test_refusals():
    with pytest.raises(UserError, match=r"objective\.weight=0\.5: .*try: objective\.weight=0\.8"):
        MMD(alpha=0.2, weight=0.5)
    with pytest.raises(UserError, match="batch_size=1"):
        first_update(MMD(), linear_gaussian(), data(1))

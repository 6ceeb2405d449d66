"""The adversarial losses at the optimal discriminator, and the parameter groups of the two updates."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import integrate, stats
from scipy.spatial.distance import jensenshannon
from torch import Tensor, nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.nn.discriminator import Discriminator
from aevb.noise import Noise
from aevb.objectives.gan import GAN
from aevb.training.engines.autograd import Autograd
from helpers.objectives import minibatches
from helpers.statistics import assert_mean

P, Q = np.array([4, 3, 2, 1]) / 10, np.array([1, 2, 3, 4]) / 10


def rows(frequencies):
    """Return ten one-hot rows with exactly these frequencies."""
    return F.one_hot(torch.arange(4).repeat_interleave(torch.tensor(10 * frequencies).round().long()), 4).double()


class Always(nn.Module):
    """A decoder that returns the rows of Q for any ten z."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(4).double())

    def forward(self, z):
        return DiagonalNormal(rows(Q) + self.shift, torch.zeros(10, 4).double())


class Table(nn.Module):
    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.as_tensor(logits))

    def forward(self, x):
        return x @ self.logits


def test_losses_at_the_optimal_discriminator():
    """Theorem 1 for four symbols: the maximal V is 2 JSD(p, q) - log 4; the generator's loss is -E_q log D*."""
    model = VAE(None, Always(), StandardNormal(2).double())
    objective = GAN(4, 3).double()
    objective.discriminator = Table(np.log(P / Q))
    discriminator, generator = objective(model, minibatches(rows(P)))
    value = 2 * jensenshannon(P, Q) ** 2 - np.log(4)
    assert -discriminator.loss.item() == pytest.approx(value, rel=1e-12)
    assert discriminator.stats["value"].item() == pytest.approx(value, rel=1e-12)
    assert generator.loss.item() == pytest.approx(-(Q * np.log(P / (P + Q))).sum(), rel=1e-12)
    (slope,) = torch.autograd.grad(discriminator.loss, list(objective.parameters()))
    assert slope.abs().max() < 1e-15
    assert objective.metrics()["value"] == pytest.approx(0.99 * -np.log(4) + 0.01 * value)


def test_a_generator_that_is_the_data_leaves_log_4():
    model = VAE(None, Always(), StandardNormal(2).double())
    objective = GAN(4, 3).double()
    objective.discriminator = Table(np.zeros(4))
    discriminator, generator = objective(model, minibatches(rows(Q)))
    assert discriminator.loss.item() == pytest.approx(np.log(4), rel=1e-14)
    assert generator.loss.item() == pytest.approx(np.log(2), rel=1e-14)


class Shift(nn.Module):
    """G(z) = z + theta."""

    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([0.8]).double())

    def forward(self, z: Tensor) -> DiagonalNormal:
        return DiagonalNormal(z + self.theta, torch.zeros_like(z))


def test_the_generators_gradient_is_that_of_kl_less_two_jsd():
    """Theorem 2.5 of Arjovsky & Bottou (2017), with the expectation by quadrature.

    p = N(0, 1), q = N(theta, 1), D* held fixed; 50,000 draws (helpers/statistics.py).
    """
    at, step = 0.8, 1e-5

    def divergence(theta):
        p, q = stats.norm(0, 1), stats.norm(theta, 1)

        def density(x):
            m = 0.5 * (p.pdf(x) + q.pdf(x))
            jsd = 0.5 * (p.pdf(x) * np.log(p.pdf(x) / m) + q.pdf(x) * np.log(q.pdf(x) / m))
            return q.pdf(x) * np.log(q.pdf(x) / p.pdf(x)) - 2 * jsd

        return integrate.quad(density, -9, 10, epsabs=1e-12, epsrel=1e-12)[0]

    expected = (divergence(at + step) - divergence(at - step)) / (2 * step)
    model = VAE(None, Shift(), StandardNormal(1).double())
    objective = GAN(1, 3).double()
    # log p(x) - log q(x), of which the generator's step does not move q's theta
    objective.discriminator.forward = lambda x: (0.5 * ((x - at) ** 2 - x**2))[..., 0]
    x = torch.zeros(500, 1).double()
    gradients = []
    for _, batch in zip(range(100), minibatches(x), strict=False):
        _, generator = objective(model, iter([batch]))
        gradients.append(torch.autograd.grad(generator.loss, model.decoder.theta)[0])
    assert_mean(torch.stack(gradients), expected)


def small():
    model = VAE(None, BernoulliDecoder(6, 2, 4), StandardNormal(2), "glorot")
    objective = GAN(6, 5, seed=3)
    groups = {"theta": model.theta, "phi": [*model.phi, *objective.parameters()]}
    return model, objective, groups


def test_two_updates_of_a_batch_move_disjoint_groups():
    model, objective, groups = small()
    assert len(groups["phi"]) == 4  # the discriminator's alone
    x = torch.rand((20, 6), generator=torch.Generator().manual_seed(0))
    updates = Autograd(objective, groups)(model, minibatches(x))
    first = next(updates)
    assert (first.parameter_groups, first.samples) == (("phi",), 20)
    assert all(parameter.grad is None for parameter in groups["theta"])
    assert all(parameter.grad.abs().sum() > 0 for parameter in groups["phi"])
    before = [parameter.grad.clone() for parameter in groups["phi"]]
    second = next(updates)
    assert (second.parameter_groups, second.samples) == (("theta",), 0)
    assert all(parameter.grad.abs().sum() > 0 for parameter in groups["theta"])
    assert all(torch.equal(was, parameter.grad) for was, parameter in zip(before, groups["phi"], strict=True))
    assert next(updates, None) is None


def test_smoothing_is_a_target_below_one():
    model, _, _ = small()
    x = torch.rand((20, 6), generator=torch.Generator().manual_seed(0))
    objective = GAN(6, 5, smoothing=0.1)
    update = next(objective(model, minibatches(x)))
    generated = model.generate(20, Noise(0, "noise", 0)).mean
    real, fake = objective.discriminator(x), objective.discriminator(generated)
    expected = F.binary_cross_entropy_with_logits(real, torch.full_like(real, 0.9))
    expected = expected + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    torch.testing.assert_close(update.loss, expected)


def test_the_discriminator_is_initialised_by_its_seed():
    one, same, other = GAN(6, 5, seed=1), GAN(6, 5, seed=1), GAN(6, 5, seed=2)
    weight = one.discriminator.hidden.weight
    assert torch.equal(weight, same.discriminator.hidden.weight)
    assert not torch.equal(weight, other.discriminator.hidden.weight)
    assert weight.abs().max() <= (6 / 11) ** 0.5
    assert isinstance(one.discriminator, Discriminator)
    assert "value" in one.state_dict()


def test_generated_images_are_means():
    model, objective, _ = small()
    generated = objective._generate(model, 3, Noise(0, "noise", 0))
    z = Noise(0, "noise", 0).normal((3, 2))
    torch.testing.assert_close(generated, Bernoulli(model.decoder(z).logits).mean)

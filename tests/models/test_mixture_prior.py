"""A mixture as p(z): with linear networks log p(x) is a mixture of normals, known in closed form."""

import math

import pytest
import torch

from aevb.config.instantiate import instantiate
from aevb.estimators.ais import ais, bdmc, simulate
from aevb.estimators.bound import bound
from aevb.estimators.calibration import calibration
from aevb.estimators.importance import importance
from aevb.estimators.quadrature import quadrature
from aevb.estimators.reciprocal_identity import reciprocal
from aevb.models.gaussian import GaussianEncoder
from aevb.models.mixture_prior import MixturePrior
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from aevb.objectives.dreg import DReG
from aevb.objectives.iwae import IWAE
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.wake_sleep import WakeSleep
from helpers.commands import settings
from helpers.mixtures import log_px, mixture_of_factors
from helpers.objectives import first_update, minibatches, parameters
from helpers.oracles import data, fill
from helpers.statistics import assert_mean


def test_it_begins_near_the_standard_normal_with_components_that_differ() -> None:
    config = settings("model/prior=mixture", "objective=sgvb_a", "data=digits", "latent_dim=3", "seed=5")["model"]
    model, again, other = (instantiate({**config, "seed": seed}, data_dim=64, data_shape=(8, 8)) for seed in (5, 5, 6))
    prior = model.prior
    torch.testing.assert_close(prior.mean, again.prior.mean, rtol=0, atol=0)
    assert not torch.equal(prior.mean, other.prior.mean)
    assert len(prior.mean.unique(dim=0)) == 10
    assert prior.log_var.exp().detach().unique().item() == pytest.approx(0.75)
    assert (prior().mean.abs() < 0.6).all()
    assert (prior().log_var.abs() < 0.5).all()
    assert set(model.prior.parameters()) <= set(model.theta)
    assert {name for name in model.state_dict() if "prior" in name} == {"prior.logits", "prior.mean", "prior.log_var"}


def test_over_its_seeds_each_component_is_the_standard_normal() -> None:
    """z of component 0 for 1,000 seeds: mean 0, variance 1; failure rate 1e-6 each."""
    model, prior, z = VAE(None, GaussianEncoder(2, 2, 3), MixturePrior(2, 1)), MixturePrior(2, 1, spread=0.8), []
    for seed in range(1_000):
        prior.attach(model, "glorot", seed)
        z.append(prior().sample(Noise(seed, "test", 0)))
    draws = torch.stack(z).double()
    assert_mean(draws, 0.0)
    assert_mean(draws**2, 1.0)


@pytest.mark.parametrize("dims", [1, 2])
def test_quadrature_is_exact_where_a_component_lies_outside_of_its_cube(dims: int) -> None:
    model = mixture_of_factors(dims, far=14.0)
    z = model.prior().components.mean
    x = torch.cat([data(4), model.decoder(z).mean]).detach()  # the last of them around z = 14
    estimate = quadrature(model, x)
    torch.testing.assert_close(estimate.log_px, log_px(model, x), rtol=0, atol=2e-5)
    assert estimate.error.max() < 2e-5


def test_importance_weights_and_annealed_weights_are_unbiased() -> None:
    """E[w] = p(x) from q, from p(z), and by annealing from either: 20,000 estimates of one image, a t-test (1e-6)."""
    model, x = mixture_of_factors(), data(1, seed=2)
    rows, exact = x.repeat(20_000, 1), log_px(model, x)
    estimates = [
        importance(model, rows, Noise(0, "q", 0), 2, batch_size=40_000, prior_share=0.5).log_px,
        importance(model, rows, Noise(0, "p", 0), 2, batch_size=40_000, prior_share=1.0).log_px,
        ais(model, rows, Noise(0, "a", 0), 3, 1, 1, "prior").log_px,
        ais(model, rows, Noise(0, "b", 0), 3, 1, 1, "encoder").log_px,
    ]
    for estimate in estimates:
        assert_mean(torch.exp(estimate - exact), 1.0)
        assert estimate.std() > 0.05


def test_the_bounds_enclose_the_likelihood() -> None:
    """The bound below and reciprocal importance sampling above, and the halves of BDMC around: means of 400 images.

    A mean of the wrong sign by 5 standard errors has the chance 3e-7; so has one beyond the second limit, but for the bias.
    """
    model, n = mixture_of_factors(), 400
    x = model.generate(n, Noise(0, "z", 0)).sample(Noise(0, "x", 0)).detach()
    exact = log_px(model, x)
    below = exact - bound(model, x, Noise(0, "bound", 0), samples=5).bound
    above = reciprocal(model, x, RowNoise(0, "r", range(n)), temperatures=20, warm_up_samples=10).log_px - exact
    simulated = simulate(model, n, RowNoise(0, "bdmc", range(n)))[1]
    both = bdmc(model, n, RowNoise(0, "bdmc", range(n)), temperatures=20, chains=2, leapfrogs=2)
    lower, upper = log_px(model, simulated) - both.lower, both.upper - log_px(model, simulated)
    assert not both.acceptance.requires_grad
    for value, limit in ((below, math.inf), (above, 0.2), (lower, 3.0), (upper, 3.0)):
        assert -5 * value.std() / n**0.5 < value.mean() < limit
    assert below.mean() > 0.1


def test_draws_of_the_posterior_are_calibrated() -> None:
    """With q = p(z), which ignores x, the ranks are uniform: 4,000 simulations, mean and variance (1e-6)."""
    model = mixture_of_factors()
    ignorant = VAE(_Ignorant(model.prior), model.decoder, model.prior)
    ranks = calibration(ignorant, 4_000, RowNoise(0, "test", range(4_000)), samples=20).ranks
    assert_mean(ranks, 0.5)
    assert_mean((ranks - 0.5) ** 2, 1 / 12)


class _Ignorant(torch.nn.Module):
    def __init__(self, prior: MixturePrior) -> None:
        super().__init__()
        self.pz = (prior,)

    def forward(self, x: torch.Tensor) -> object:
        return self.pz[0]().rows(len(x))


@pytest.mark.parametrize("objective", [SGVB_A(2), IWAE(3), DReG(3), WakeSleep()], ids=lambda o: type(o).__name__)
def test_every_parameter_of_theta_has_the_gradient_of_the_loss(objective: object) -> None:
    """Central differences at fixed noise, step 1e-6, float64."""
    model, x = mixture_of_factors(), data()
    loss = lambda: first_update(objective, model, x).loss  # type: ignore[arg-type]  # noqa: E731
    gradients = torch.autograd.grad(loss(), model.theta)
    for parameter, exact in zip(model.theta, gradients, strict=True):
        entries = parameter.detach().view(-1)
        for i in range(0, len(entries), 2):
            value, sides = entries[i].clone(), []
            for step in (1e-6, -1e-6):
                entries[i] = value + step
                sides.append(loss().detach())
            entries[i] = value
            torch.testing.assert_close((sides[0] - sides[1]) / 2e-6, exact.flatten()[i], rtol=1e-5, atol=1e-7)


def test_a_trained_mixture_recovers_the_likelihood_of_a_mixture() -> None:
    """The mixture that drew 1,000 points and one trained on 1,000 others, and a normal of the latter's moments."""
    truth, model = mixture_of_factors(1, 2), mixture_of_factors(1, 2)
    with torch.no_grad():
        truth.prior.mean.copy_(torch.tensor([[-2.0], [2.5]]))
        truth.prior.logits.copy_(torch.tensor([0.5, -0.5]))
        model.encoder.mean.weight.zero_(), model.encoder.mean.bias.zero_()
    x, new = (truth.generate(1_000, Noise(0, name, 0)).sample(Noise(0, name, 1)) for name in ("x", "y"))
    model.prior.attach(model, "glorot", 0)
    optimizer, batches = torch.optim.Adam(parameters(model), lr=0.05), minibatches(x)
    for _ in range(200):
        (update,) = IWAE(10)(model, batches)
        optimizer.zero_grad()
        update.loss.backward()
        optimizer.step()
    plain = VAE(model.encoder, model.decoder, MixturePrior(1, 1).double())
    fill(plain.prior.mean, model.prior().mean[None])
    fill(plain.prior.log_var, model.prior().log_var[None])
    exact = log_px(truth, new).mean()
    assert abs(log_px(model, new).mean() - exact) < 0.03
    assert log_px(plain, new).mean() < exact - 0.1

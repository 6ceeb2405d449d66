"""Quadrature against closed forms, scipy, and a brute lattice over a decoder that was really trained."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn

from aevb.config.instantiate import instantiate
from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.importance import importance
from aevb.estimators.model_queries import log_px_z_of_all
from aevb.estimators.quadrature import quadrature
from aevb.evaluators.quadrature import Quadrature
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from helpers.commands import settings
from helpers.oracles import Square, fill


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def factor_analysis(dims: int, noise: float, pixels: int = 6) -> VAE:
    """A linear-Gaussian model with z of `dims` dimensions and the noise's standard deviation."""
    decoder = LinearGaussianDecoder(pixels, dims).double()
    fill(decoder.mean.weight, numbers(pixels, dims))
    fill(decoder.mean.bias, numbers(pixels, seed=1))
    fill(decoder.log_var, torch.tensor([2 * math.log(noise)]).double())
    return VAE(LinearGaussianEncoder(pixels, dims).double(), decoder, StandardNormal(dims).double())


def simulated(model: VAE, count: int) -> Tensor:
    with torch.no_grad():
        return model.generate(count, Noise(0, "x", 0)).sample(Noise(0, "x", 1))


@pytest.mark.parametrize(("dims", "noise"), [(1, 0.5), (1, 0.001), (2, 0.5), (2, 0.02), (3, 0.5), (3, 0.05)])
def test_linear_gaussian_models_are_integrated_exactly(dims, noise):
    """Broad and sharp posteriors (standard deviation down to 0.0004), means to 2.5 from the origin."""
    model = factor_analysis(dims, noise)
    x = simulated(model, 5)
    estimate = quadrature(model, x, levels=9)
    torch.testing.assert_close(estimate.log_px, model.decoder.marginal().log_prob(x).detach(), rtol=0, atol=2e-5)
    assert estimate.error.max() < 2e-5

    weight, bias = model.decoder.mean.weight.detach(), model.decoder.mean.bias.detach()
    covariance = torch.linalg.inv(weight.T @ weight / noise**2 + torch.eye(dims).double())
    mean = (x - bias) @ weight / noise**2 @ covariance
    torch.testing.assert_close(estimate.mean, mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(estimate.covariance, covariance.expand(5, -1, -1), rtol=1e-3, atol=1e-4 * noise**2)


@pytest.mark.parametrize(("dims", "noise"), [(1, 0.1), (2, 0.1), (3, 0.5)])
def test_two_modes_against_scipy(dims, noise):
    model = VAE(LinearGaussianEncoder(1, dims).double(), Square(noise), StandardNormal(dims).double())
    x = torch.tensor([[0.5], [3.0], [9.0], [0.0]]).double()

    def integrand(z: float, value: float) -> float:
        return math.exp(-0.5 * z**2 - 0.5 * ((value - z**2) / noise) ** 2) / (2 * math.pi * noise)

    truth = [
        math.log(2 * integrate.quad(integrand, 0, 8, (v,), points=[math.sqrt(v)], epsabs=0, epsrel=1e-10)[0])
        for v in x[:, 0].tolist()
    ]
    estimate = quadrature(model, x)
    assert estimate.log_px.tolist() == pytest.approx(truth, abs=2e-5)
    assert estimate.mean.abs().max() < 1e-4  # both modes are there


class Folded(nn.Module):
    """p(x|z) = N(|z - c|, s^2) for one pixel: two normal modes, at c +- x."""

    def __init__(self, centre: float, noise: float) -> None:
        super().__init__()
        self.centre, self.log_var = nn.Parameter(torch.tensor(centre).double()), 2 * math.log(noise)

    def forward(self, z: Tensor) -> DiagonalNormal:
        mean = (z - self.centre).abs()
        return DiagonalNormal(mean, torch.full_like(mean, self.log_var))


def test_a_mode_between_the_points_of_the_first_lattice_is_not_dropped():
    """One mode is at a point of the first lattice; the other is eight standard deviations from the nearest points.

    At these points its density is 30 nats below that of the first mode, which is more than the margin.
    """
    on_a_point, between, noise = 81 / 128, -82 / 128, 0.001  # the points are the odd multiples of 1/128
    centre, value = (on_a_point + between) / 2, (on_a_point - between) / 2
    model = VAE(LinearGaussianEncoder(1, 1).double(), Folded(centre, noise), StandardNormal(1).double())
    estimate = quadrature(model, torch.tensor([[value]]).double())
    modes = stats.norm.logpdf([on_a_point, between], scale=math.sqrt(1 + noise**2))
    assert estimate.log_px.item() == pytest.approx(np.logaddexp(*modes), abs=2e-5)


@pytest.mark.parametrize("dims", [1, 2])
def test_a_bernoulli_decoder_against_gauss_hermite(dims):
    decoder = BernoulliDecoder(10, dims, 7).double()
    for i, parameter in enumerate(decoder.parameters()):
        fill(parameter, 0.5 * numbers(*parameter.shape, seed=i))
    model = VAE(LinearGaussianEncoder(10, dims).double(), decoder, StandardNormal(dims).double())
    x = (numbers(4, 10) > 0).double()
    node, weight = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(100))
    z = torch.cartesian_prod(*[node] * dims).reshape(-1, dims)
    log_weight = torch.cartesian_prod(*[weight.log() - 0.5 * math.log(2 * math.pi)] * dims).reshape(-1, dims).sum(1)
    truth = (model.decoder(z[:, None]).log_prob(x) + log_weight[:, None]).logsumexp(0)
    estimate = quadrature(model, x)
    torch.testing.assert_close(estimate.log_px, truth.detach(), rtol=0, atol=2e-5)


def test_the_stated_error_covers_what_is_missing():
    """Stopped after two levels of a posterior that needs four: off by more than 0.01, and no image by more than it says."""
    model = factor_analysis(2, 0.03)
    x = simulated(model, 40)
    estimate = quadrature(model, x, levels=2)
    off = (estimate.log_px - model.decoder.marginal().log_prob(x).detach()).abs()
    assert off.max() > 0.01
    assert (off < 2 * estimate.error + 1e-9).all()


def test_the_narrowest_direction_is_the_one_of_the_smallest_deviation():
    model = factor_analysis(2, 0.2)
    weight = model.decoder.mean.weight.detach()
    covariance = torch.linalg.inv(weight.T @ weight / 0.2**2 + torch.eye(2).double())
    smallest, largest = torch.linalg.eigvalsh(covariance).sqrt().tolist()
    assert largest > 1.5 * smallest
    narrowest = Quadrature().values(model, simulated(model, 5), Noise(0, "q", 0))["narrowest"]
    torch.testing.assert_close(narrowest, torch.full((5,), smallest).double(), rtol=1e-3, atol=0)


def test_cubes_that_are_no_longer_refined_keep_their_mass():
    """A margin of 0.1 nats leaves most cubes at their first lattices; without their mass log p(x) would be too low by nats."""
    model = factor_analysis(2, 0.5)
    x = simulated(model, 20)
    estimate = quadrature(model, x, margin=0.1)
    torch.testing.assert_close(estimate.log_px, model.decoder.marginal().log_prob(x).detach(), rtol=0, atol=0.02)


@pytest.mark.parametrize("margin", [0.1, 1.0, 3.0])
def test_the_stated_error_covers_the_mass_of_dropped_cubes(margin):
    """Off by more than 1e-4 nats, at least 20 times the half difference of the two lattices."""
    model = factor_analysis(2, 0.5)
    x = simulated(model, 4)
    estimate = quadrature(model, x, margin=margin)
    off = (estimate.log_px - model.decoder.marginal().log_prob(x).detach()).abs()
    assert off.max() > 1e-4
    assert (off < estimate.error + 1e-9).all()


def test_mass_outside_the_cube_is_reported():
    model = factor_analysis(1, 0.5)
    estimate = quadrature(model, simulated(model, 3), radius=0.5)
    assert (estimate.error > 0.05).all()


def test_images_do_not_depend_on_one_another():
    model = factor_analysis(2, 0.1)
    x = simulated(model, 6)
    together, alone = quadrature(model, x), quadrature(model, x[4:5])
    torch.testing.assert_close(together.log_px[4:5], alone.log_px, rtol=0, atol=1e-10)


def test_more_than_three_dimensions_are_refused_in_one_line():
    with pytest.raises(UserError, match=r"evaluator=quadrature: latent_dim=4 .*<= 3.*try: ") as error:
        Quadrature().check(factor_analysis(4, 0.5))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("targets", ["grey", "threshold"])
def test_a_trained_mnist_decoder_against_a_brute_lattice(mnist_run, targets):
    """N_z = 2: the whole of [-7, 7]^2 at a spacing of 0.025 (310,000 decodings), for eight test images."""
    model, grey = mnist_run
    x = (grey[:8] > 0.5).float() if targets == "threshold" else grey[:8]
    axis = (torch.arange(560) + 0.5) * 0.025 - 7
    log_sum = torch.full((8,), -math.inf, dtype=torch.float64)
    with torch.no_grad():
        for row in axis.split(20):
            z = torch.cartesian_prod(row, axis)
            log_joint = model.decoder(z).log_prob_of_all(x) + model.prior().log_prob(z)[:, None]
            log_sum = torch.logaddexp(log_sum, log_joint.double().logsumexp(0))
    estimate = quadrature(model, x)
    torch.testing.assert_close(estimate.log_px, log_sum + 2 * math.log(0.025), rtol=0, atol=1e-3)  # float32
    assert 0.03 < torch.linalg.eigvalsh(estimate.covariance).sqrt().min() < 0.2  # sharp, but not for the brute lattice
    weights = importance(model, x, Noise(0, "importance", 0), samples=2000)
    assert (weights.log_px - estimate.log_px < 6 * weights.monte_carlo_error + 1e-3).all()


def test_a_conditional_model_in_float32_is_that_in_float64():
    """Pixels of every label in any order; the density of a Gaussian decoder is float64 even for float32 images."""
    config = settings(
        "data=digits", "model=conditional_gaussian", "latent_dim=2", "hidden_dim=5", "model.initialization=glorot"
    )
    model = instantiate(config["model"], data_dim=4, data_shape=(2, 2), num_classes=10)
    labels = torch.eye(10)[[3, 0, 3, 9, 0]]
    x = torch.cat([torch.rand((5, 4), generator=torch.Generator().manual_seed(0)), labels], -1)
    single = quadrature(model, x, levels=5).log_px
    double = quadrature(model.double(), x.double(), levels=5).log_px
    torch.testing.assert_close(single, double, rtol=0, atol=1e-4)
    z = torch.tensor([[0.3, -0.2], [1.0, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(log_px_z_of_all(model, x.double(), z), model.decoder(z[:, None]).log_prob(x.double()))


class _Truncated(nn.Module):
    """p(x|z) = N(z, 0.25), 0 at |z| > 3."""

    def forward(self, z: Tensor) -> "_TruncatedNormal":
        return _TruncatedNormal(z)


class _TruncatedNormal:
    def __init__(self, z: Tensor) -> None:
        self.mean = z

    def log_prob(self, value: Tensor) -> Tensor:
        normal = DiagonalNormal(self.mean, torch.full_like(self.mean, 2 * math.log(0.5)))
        return normal.log_prob(value).masked_fill(self.mean.abs().amax(-1) > 3, -math.inf)


def test_cubes_without_any_density_count_as_zero():
    """The logarithm of 0 made every estimate nan. Truth: scipy."""
    model = VAE(None, _Truncated(), StandardNormal(1).double())
    x = torch.tensor([[-0.5], [0.3], [1.0]], dtype=torch.float64)
    estimate = quadrature(model, x)
    for image, log_px in zip(x[:, 0].tolist(), estimate.log_px.tolist(), strict=True):
        mass, _ = integrate.quad(
            lambda z, at=image: stats.norm.pdf(z) * stats.norm.pdf(at, z, 0.5), -3, 3, epsabs=1e-12
        )
        assert log_px == pytest.approx(math.log(mass), abs=1e-4)
    assert estimate.error.max() < 1e-4

"""Bits per dimension against the uniform model, scipy's normal and the paper's own numbers."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from aevb.distributions import Bernoulli, DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.bits_per_dim import bits, bits_per_dim, log_mass
from aevb.estimators.bound import bound
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.mixture_prior import MixturePrior
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from helpers.statistics import assert_mean

D = 6


def levels(n, scale=256):
    return torch.randint(0, scale, (n, D), generator=torch.Generator().manual_seed(0)).double() / scale


class Fixed(nn.Module):
    """p(x|z) that does not look at z."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, z):
        return self.make(torch.zeros(*z.shape[:-1], D, dtype=torch.float64))


class Uniform(DiagonalNormal):
    """Density one on [0, 1]; zero beyond."""

    def log_prob(self, value):
        inside = ((value >= 0) & (value < 1)).all(-1)
        return torch.where(inside, 0.0, -math.inf).double()


def ignoring_z(make):
    """A model whose posterior is the prior, so that the bound is log p(x)."""
    encoder = GaussianEncoder(D, 2, 3).double()
    for parameter in encoder.parameters():
        nn.init.zeros_(parameter)
    return VAE(encoder, Fixed(make), StandardNormal(2).double())


def test_a_uniform_model_has_eight_bits():
    estimate = bits_per_dim(ignoring_z(lambda zero: Uniform(zero, zero)), levels(50), Noise(0, "test", 0))
    torch.testing.assert_close(estimate.dequantised_bits_per_dim, torch.full((50,), 8.0).double())
    torch.testing.assert_close(estimate.density_bits_per_dim, torch.full((50,), 8.0).double())


@pytest.mark.parametrize(("nats", "expected"), [(1312.4, 4.62), (872.4, 5.75), (569.2, 6.53)])
def test_the_papers_nats_on_frey_face_in_bits(nats, expected):
    assert bits(torch.tensor(nats), 560, 256).item() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("mean", "scale"), [(0.4, 0.1), (0.4, 1e-3), (-0.3, 0.05), (1.2, 0.4), (0.5, 30.0)])
def test_the_masses_of_all_levels_sum_to_one_and_are_scipys(mean, scale):
    x = (torch.arange(256).double() / 256)[:, None]
    normal = DiagonalNormal(torch.full_like(x, mean), torch.full_like(x, 2 * math.log(scale)))
    mass = log_mass(normal, x, 256).exp().squeeze(1)
    assert mass.sum().item() == pytest.approx(1, abs=1e-12)
    edges = stats.norm.cdf(np.r_[-np.inf, np.arange(1, 256) / 256, np.inf], mean, scale)
    np.testing.assert_allclose(mass, np.diff(edges), rtol=1e-6, atol=1e-15)


def test_masses_far_in_the_tail_keep_their_logarithm():
    """30 standard deviations and more from the mean, where both cumulative probabilities round to one or zero."""
    x = torch.tensor([[0.1, 0.9]], dtype=torch.float64).mul(256).round() / 256
    estimate = log_mass(
        DiagonalNormal(torch.tensor([[0.5, 0.5]]).double(), torch.full_like(x, 2 * math.log(0.01))), x, 256
    )
    for value, level in zip(estimate[0].tolist(), x[0].tolist(), strict=True):
        low, high = (level - 0.5) / 0.01, (level + 1 / 256 - 0.5) / 0.01
        low, high = (-high, -low) if low > 0 else (low, high)
        expected = stats.norm.logcdf(high) + np.log1p(-np.exp(stats.norm.logcdf(low) - stats.norm.logcdf(high)))
        assert value == pytest.approx(expected, rel=1e-9)
        assert value < -700


def test_the_mass_of_a_smooth_density_is_the_density_by_its_width():
    x = levels(20)
    normal = DiagonalNormal(torch.full_like(x, 0.5), torch.zeros_like(x))
    inner = (x > 0) & (x < 255 / 256)
    middle = torch.distributions.Normal(0.5, 1.0).log_prob(x + 0.5 / 256) - math.log(256)
    torch.testing.assert_close(log_mass(normal, x, 256)[inner], middle[inner], rtol=0, atol=1e-5)


def test_dequantised_bits_exceed_discretised_ones():
    """Jensen, over 3,000 draws of u at one image, no z in between; and a density that shrinks onto the grid beats both."""
    x = levels(1)
    for log_var, gap in ((math.log(0.05**2), 0.0), (2 * math.log(0.2 / 256), 0.3)):
        model = ignoring_z(lambda zero, v=log_var: DiagonalNormal(x.expand_as(zero) + 0.5 / 256, zero + v))
        estimate = bits_per_dim(model, x.repeat(3000, 1), Noise(0, "test", 0))
        error = 4.9 * estimate.dequantised_bits_per_dim.std() / math.sqrt(3000)
        assert estimate.dequantised_bits_per_dim.mean() > estimate.discretised_bits_per_dim.mean() + gap - error
    shrunk = ignoring_z(lambda zero: DiagonalNormal(x.expand_as(zero), zero - 40))
    estimate = bits_per_dim(shrunk, x, Noise(0, "test", 0))
    assert estimate.density_bits_per_dim < -10  # less than nothing: no code
    assert (estimate.discretised_bits_per_dim > 0).all()


def test_the_bound_and_the_mass_outside_are_reported():
    model = VAE(GaussianEncoder(D, 2, 5), GaussianDecoder(D, 2, 5), StandardNormal(2), "glorot").double()
    x = levels(4000)
    estimate = bits_per_dim(model, x, Noise(0, "test", 0))
    expected = bits(bound(model, x, Noise(0, "other", 0)).bound, D, 256)
    error = math.hypot(estimate.density_bits_per_dim.std(), expected.std()) / math.sqrt(4000)
    assert abs(estimate.density_bits_per_dim.mean() - expected.mean()) < 4.9 * error
    half = ignoring_z(lambda zero: DiagonalNormal(zero, zero))  # N(0, 1): half below 0, 16 % above 1
    outside = bits_per_dim(half, x[:5], Noise(0, "test", 0)).mass_outside
    torch.testing.assert_close(outside, torch.full((5,), 0.5 + stats.norm.sf(1)).double())


def test_a_kl_divergence_without_closed_form_is_sampled():
    """A mixture whose only component is N(0, I): the same bits in expectation, by the same draws; failure rate 1e-6 each."""
    plain = VAE(GaussianEncoder(D, 2, 5), GaussianDecoder(D, 2, 5), StandardNormal(2), "glorot").double()
    prior = MixturePrior(2, components=1).double()
    with torch.no_grad():
        prior.mean.zero_()
        prior.log_var.zero_()
    mixture = VAE(plain.encoder, plain.decoder, prior).double()
    x = levels(8000)
    exact, sampled = (bits_per_dim(model, x, Noise(0, "test", 0)) for model in (plain, mixture))
    for name in ("density", "dequantised", "discretised"):
        difference = getattr(sampled, f"{name}_bits_per_dim") - getattr(exact, f"{name}_bits_per_dim")
        assert difference.std() > 1e-3  # the draws count
        assert_mean(difference, 0.0)
    assert torch.equal(sampled.mass_outside, exact.mass_outside)


def test_the_noise_fills_a_cell_and_no_more(monkeypatch):
    """Two levels, 0 and 1/2: x + u lies in [x, x + 1/2), with the mean of a uniform distribution (5 standard errors)."""
    rows = []
    monkeypatch.setattr(
        "aevb.estimators.bits_per_dim.bound",
        lambda model, values, noise: rows.append(values) or bound(model, values, noise),
    )
    x = levels(2_000, scale=2)
    bits_per_dim(ignoring_z(lambda zero: DiagonalNormal(zero, zero)), x, Noise(0, "test", 0), scale=2)
    assert torch.equal(rows[0], x)
    u = 2 * (rows[1] - x)
    assert ((u >= 0) & (u < 1)).all()
    assert (u.mean() - 0.5).abs() < 5 / math.sqrt(12 * u.numel())


def test_what_is_no_density_of_bytes_is_refused():
    model = VAE(GaussianEncoder(D, 2, 5), GaussianDecoder(D, 2, 5), StandardNormal(2), "glorot").double()
    with pytest.raises(
        UserError, match=r"^evaluator\.bits_per_dim\.scale=256: the images are not levels .*; try: evaluator=bound$"
    ):
        bits_per_dim(model, torch.rand(3, D).double(), Noise(0, "test", 0))
    with pytest.raises(
        UserError, match="the images are not levels"
    ):  # 256/256 is no level: the bytes were divided by 255
        bits_per_dim(model, torch.ones(3, D).double(), Noise(0, "test", 0))
    with pytest.raises(UserError, match="Bernoulli is no density"):
        bits_per_dim(ignoring_z(Bernoulli), levels(3), Noise(0, "test", 0))

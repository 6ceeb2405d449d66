"""ELBO surgery where its parts are known: by quadrature, by algebra, and at the ends of their ranges."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from aevb.distributions import DiagonalNormal
from aevb.estimators.mutual_information import Units, information, log_aggregate, units, verdict
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.mixture_prior import MixturePrior
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from helpers.oracles import D, data, exact_bound, fill, linear_gaussian
from helpers.statistics import assert_mean


def with_encoder(gain: torch.Tensor, log_var: list[float]) -> VAE:
    """q(z|x) = N(gain x, diag exp(log_var))."""
    latent_dim = len(gain)
    encoder = LinearGaussianEncoder(D, latent_dim).double()
    fill(encoder.mean.weight, gain)
    fill(encoder.mean.bias, torch.zeros(latent_dim).double())
    fill(encoder.log_var, torch.tensor(log_var).double())
    return VAE(encoder, LinearGaussianDecoder(D, latent_dim).double(), StandardNormal(latent_dim).double())


def by_quadrature(mean: np.ndarray, scale: float) -> tuple[float, float]:
    """Mutual information and KL(q(z) || N(0, 1)) of a mixture of N(mean_n, scale^2), one latent dimension."""

    def mixture(z: float) -> float:
        return stats.norm.pdf(z, mean, scale).mean()

    limits = mean.min() - 12 * scale, mean.max() + 12 * scale
    entropy = integrate.quad(lambda z: -mixture(z) * math.log(mixture(z)), *limits, limit=500)[0]
    cross = integrate.quad(lambda z: -mixture(z) * stats.norm.logpdf(z), *limits, limit=500)[0]
    return entropy - stats.norm(0, scale).entropy(), cross - entropy


def test_five_images_in_one_dimension_against_quadrature():
    model, x = with_encoder(torch.tensor([[0.6, 0, 0, 0, 0]]).double(), [-1.2]), data(5)
    mutual_information, marginal_kl = by_quadrature(0.6 * x[:, 0].numpy(), math.exp(-0.6))
    draws = [information(model, x, Noise(0, "test", t)) for t in range(4000)]
    assert_mean(torch.stack([draw.mutual_information.mean() for draw in draws]), mutual_information)
    assert_mean(torch.stack([draw.marginal_kl.mean() for draw in draws]), marginal_kl)


def with_mixture(model: VAE, logits: torch.Tensor, components: DiagonalNormal) -> VAE:
    """The model with a mixture as its p(z)."""
    prior = MixturePrior(components.mean.shape[1], len(logits)).double()
    for parameter, value in (
        (prior.logits, logits),
        (prior.mean, components.mean),
        (prior.log_var, components.log_var),
    ):
        fill(parameter, value)
    return VAE(model.encoder, model.decoder, prior)


def test_the_aggregate_posterior_as_prior_leaves_no_marginal_kl():
    """Then the KL divergence is the mutual information, draw by draw (Tomczak & Welling 2018, eq. 6)."""
    plain, x = linear_gaussian(), data(6)
    qz_x = plain.encoder(x)
    log_var = qz_x.log_var.expand_as(qz_x.mean)
    model = with_mixture(plain, torch.zeros(6).double(), DiagonalNormal(qz_x.mean, log_var))
    use = information(model, x, Noise(0, "test", 0), samples=3)
    torch.testing.assert_close(use.marginal_kl, torch.zeros(6).double(), rtol=0, atol=1e-10)
    same = information(plain, x, Noise(0, "test", 0), samples=3)
    torch.testing.assert_close(use.mutual_information, same.mutual_information)
    torch.testing.assert_close(use.bound, use.reconstruction - use.mutual_information)


def test_a_mixture_of_one_component_gives_the_closed_form_in_expectation():
    """4,000 sets of draws; failure rate 1e-6 each."""
    plain, x = linear_gaussian(), data(5)
    prior = DiagonalNormal(torch.tensor([[0.4, -0.3]]).double(), torch.tensor([[0.2, -0.6]]).double())
    model = with_mixture(plain, torch.zeros(1).double(), prior)
    draws = [information(model, x, Noise(0, "test", t)) for t in range(4000)]
    exact = plain.encoder(x).kl(DiagonalNormal(prior.mean[0], prior.log_var[0])).mean().item()
    assert_mean(torch.stack([draw.kl.mean() for draw in draws]), exact)
    assert_mean(torch.stack([(draw.mutual_information + draw.marginal_kl).mean() for draw in draws]), exact)
    assert units(model, x).kl.sum().item() == pytest.approx(exact)


@pytest.mark.slow
def test_many_images_of_a_gaussian_against_algebra():
    """Aggregate posterior of Gaussian x: N(0, A A' + V), so I = 1/2 (log det(A A' + V) - log det V); KL to N(0, I) by torch.

    6,000 images leave a bias below 0.01 nat, far under log 6,000 = 8.7; the spread over images of their KLs does the rest.
    """
    gain = torch.tensor([[1.0, 0.3, 0, 0, 0], [0, 0.8, -0.4, 0, 0]]).double()
    model, x = with_encoder(gain, [-0.5, -1.5]), data(6000)
    variance = torch.tensor([-0.5, -1.5]).double().exp().diag()
    aggregate = torch.distributions.MultivariateNormal(torch.zeros(2).double(), gain @ gain.T + variance)
    prior = torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    use = information(model, x, RowNoise(0, "test", range(6000)), samples=4)
    exact = 0.5 * (torch.logdet(aggregate.covariance_matrix) - torch.logdet(variance)).item()
    error = 4.9 / math.sqrt(6000)  # standard errors; one seed in a million is beyond
    assert abs(use.mutual_information.mean() - exact) < error * use.mutual_information.std() + 0.01
    kl = torch.distributions.kl_divergence(aggregate, prior).item()
    assert abs(use.marginal_kl.mean() - kl) < error * use.marginal_kl.std() + 0.01


def test_a_latent_that_ignores_x_carries_nothing():
    model = with_encoder(torch.zeros(2, D).double(), [-1.0, 0.5])
    use = information(model, data(), Noise(0, "test", 0))
    torch.testing.assert_close(use.mutual_information, torch.zeros(7).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(use.marginal_kl, use.kl)


def test_identical_images_carry_nothing():
    use = information(linear_gaussian(), data(1).repeat(9, 1), Noise(0, "test", 0))
    torch.testing.assert_close(use.mutual_information, torch.zeros(9).double(), rtol=0, atol=1e-12)


def test_posteriors_far_apart_carry_log_n_and_no_draw_exceeds_it():
    """Separated by many standard deviations, an image is told by its z: the ceiling."""
    model, x = with_encoder(300 * torch.eye(2, D).double(), [-1.0, -1.0]), data(7)
    use = information(model, x, Noise(0, "test", 0))
    torch.testing.assert_close(
        use.mutual_information, torch.full((7,), math.log(7), dtype=torch.float64), rtol=0, atol=1e-9
    )
    somewhere = information(linear_gaussian(), x, Noise(0, "test", 0), samples=3)
    assert (somewhere.mutual_information <= math.log(7)).all()


def test_more_images_raise_the_mutual_information_towards_the_populations():
    """The stated direction of the bias, over 200 sets of images: concave in the distribution of x."""
    model = with_encoder(3 * torch.eye(2, D).double(), [-1.0, -1.0])
    means = []
    for n in (4, 32, 256):
        sets = [information(model, data(n, seed), Noise(0, "test", seed)).mutual_information for seed in range(200)]
        means.append(torch.stack([each.mean() for each in sets]).mean().item())
    exact = 2 * 0.5 * math.log1p(9 * math.e)
    assert means[0] + 0.3 < means[1] < means[2] - 0.1
    assert means[2] < exact
    assert means[0] < math.log(4)


def test_the_parts_add_up_to_the_bound():
    model, x = linear_gaussian(), data(1)
    use = information(model, x.repeat(20_000, 1)[:2000], Noise(0, "test", 0), samples=20)
    assert_mean(use.bound, exact_bound(model, x).item())
    torch.testing.assert_close(use.kl, use.mutual_information + use.marginal_kl)
    torch.testing.assert_close(use.bound, use.reconstruction - use.kl)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_pieces_change_nothing(batch_size):
    model, x = linear_gaussian(), data()
    whole, cut = (information(model, x, RowNoise(0, "test", range(7)), 2, r) for r in (7, batch_size))
    for one, other in zip(whole, cut, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_the_aggregate_is_torchs_mixture(monkeypatch):
    """At variances from e^-12 to e^2 and in pieces: multiplying the square out loses nothing that matters."""
    generator = torch.Generator().manual_seed(0)
    mean, z = (torch.randn(n, 3, generator=generator).double() for n in (11, 6))
    log_var = torch.rand(11, 3, generator=generator).double() * 14 - 12
    components = torch.distributions.Independent(torch.distributions.Normal(mean, (0.5 * log_var).exp()), 1)
    weights = torch.distributions.Categorical(logits=torch.zeros(11).double())
    expected = torch.distributions.MixtureSameFamily(weights, components).log_prob(z)
    monkeypatch.setattr("aevb.estimators.mutual_information.PAIRS", 25)
    torch.testing.assert_close(log_aggregate(z, DiagonalNormal(mean, log_var)), expected, rtol=1e-9, atol=1e-9)


def test_units_are_the_dimensions_of_the_kl_and_their_variances():
    model, x = linear_gaussian(), data(50)
    use = units(model, x, batch_size=8)
    q = model.encoder(x)
    assert use.kl.sum().item() == pytest.approx(q.kl(model.prior()).mean().item())
    alone = torch.distributions.kl_divergence(
        torch.distributions.Normal(q.mean[:, 1], (0.5 * q.log_var[1]).exp()), torch.distributions.Normal(0, 1)
    )
    assert use.kl[1].item() == pytest.approx(alone.mean().item())
    np.testing.assert_allclose(use.variance, np.var(q.mean.detach().numpy(), axis=0))
    assert use.log_var.shape == (50, 2)


@pytest.mark.parametrize(
    ("slopes", "log_var", "expected"),
    [
        ([0.05, 0.05], [0.0, 0.0], "collapsed"),
        ([0.05, 1.0], [0.0, -2.0], "partly collapsed"),
        ([1.0, 1.0], [-2.0, -2.0], "all units active"),
        ([0.05, 0.05], [-2.0, 0.0], "no unit active"),
    ],
)
def test_the_verdict(slopes, log_var, expected):
    model = with_encoder(torch.diag(torch.tensor(slopes).double()) @ torch.eye(2, D).double(), log_var)
    use = units(model, data(500))
    assert verdict(use, use.kl.sum().item()) == expected


@pytest.mark.parametrize(("kl", "expected"), [(0.004, "collapsed"), (0.02, "no unit active")])
def test_the_kl_of_all_units_together_decides_on_collapse(kl, expected):
    """Twenty units that vary with no image, of 0.08 and 0.4 nats together."""
    use = Units(torch.full((20,), kl), torch.zeros(20), torch.zeros(5, 20))
    assert verdict(use, use.kl.sum().item()) == expected

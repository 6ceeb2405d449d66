"""Tails of weights against known Pareto distributions, and sums over binary codes against other sums."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from aevb.data.synthetic import SigmoidBelief
from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.estimators.enumeration import codes, enumeration
from aevb.estimators.importance import importance
from aevb.estimators.pareto_k import pareto_k, pareto_shape, tail_length
from aevb.estimators.quadrature import quadrature
from aevb.evaluators.enumeration import Enumeration
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.linear import LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from helpers.oracles import Square, data, fill, linear_gaussian
from helpers.statistics import assert_mean


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.5, 0.9, 1.5])
def test_the_shape_of_known_pareto_draws_is_recovered(shape):
    """Mean over 200 samples of 1,000: (n k + 5) / (n + 10) with k unbiased to 0.02; spread as (1 + k) / sqrt n within a third."""
    draws = stats.genpareto(shape, scale=3).rvs(size=(1000, 200), random_state=0)
    shapes = pareto_shape(torch.from_numpy(draws).sort(0).values)
    assert shapes.mean().item() == pytest.approx((1000 * shape + 5) / 1010, abs=0.02)
    assert shapes.std().item() == pytest.approx((1 + shape) / math.sqrt(1000), rel=0.35)


def test_weights_that_equal_the_largest_outside_the_tail_are_no_part_of_it():
    """Draws of a discrete z have few weights; as exceedances of 0 they gave a k of some hundred."""
    draws = torch.from_numpy(stats.genpareto(0.3).rvs(size=60, random_state=0)).sort().values
    outside = torch.ones(36, dtype=torch.float64)  # 35 of the tail, and the largest outside it
    tied = torch.cat([outside, 1 + draws])
    continuous = torch.cat([outside[:1], 1 + torch.from_numpy(stats.genpareto(0.3).rvs(size=95, random_state=1))])
    few = torch.cat([torch.ones(93, dtype=torch.float64), 1 + draws[:3]])  # one code, drawn thrice
    repeated = torch.cat([outside[:6], 1 + torch.from_numpy(stats.genpareto(0.3).rvs(size=90, random_state=2))])  # five
    k = pareto_k(torch.stack([tied, continuous, few, repeated], 1).log())
    assert k[0].item() == pytest.approx(pareto_shape(draws[:, None]).item(), abs=1e-9)
    assert k[1].item() == pytest.approx(pareto_shape((continuous[1:] - 1).sort().values[:, None]).item(), abs=1e-9)
    assert k[2] < 0
    assert k[3].item() == pytest.approx(pareto_shape((repeated[6:] - 1).sort().values[:, None]).item(), abs=1e-9)


def zhang_stephens(draws: np.ndarray) -> float:
    """Zhang & Stephens (2009), section 2, as they write it (their k is minus ours), with the weak prior of Vehtari et al."""
    x = np.sort(draws)
    n = len(x)
    m = 30 + int(np.sqrt(n))
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = np.array([1 / x[-1] + (1 - np.sqrt(m / (j - 0.5))) / (3 * quartile) for j in range(1, m + 1)])

    def profile(t: float) -> float:
        k = -np.mean(np.log1p(-t * x))
        return n * (np.log(t / k) + k - 1)

    log_l = [profile(t) for t in theta]
    weights = np.array([1 / sum(np.exp(other - one) for other in log_l) for one in log_l])
    k = -np.mean(np.log1p(-(theta * weights).sum() * x))
    return (n * -k + 10 * 0.5) / (n + 10)


@pytest.mark.parametrize("n", [5, 12, 100])
def test_the_fit_is_zhang_and_stephens(n):
    draws = stats.genpareto(0.6, scale=2).rvs(size=(n, 4), random_state=1)
    shapes = pareto_shape(torch.from_numpy(draws).sort(0).values)
    assert shapes.tolist() == pytest.approx([zhang_stephens(draws[:, m]) for m in range(4)], abs=1e-10)


@pytest.mark.parametrize("samples", [50, 400, 2500])
def test_the_shape_of_the_weights_is_arviz_stats(samples: int) -> None:
    """On fixed weights with light and heavy tails; psislw takes the negative logarithms of the weights.

    The tail of these numbers of samples, min(S / 5, 3 sqrt S), is whole; arviz-stats rounds others down, and R's loo up.
    """
    from arviz_stats.base import array_stats

    scale = np.array([0.2, 0.5, 1.0, 1.0, 2.0, 3.0])
    log_w = scale * np.random.RandomState(0).standard_t(5, size=(samples, 6))
    _, expected = array_stats.psislw(-log_w, axis=0)
    actual = pareto_k(torch.from_numpy(log_w).topk(tail_length(samples) + 1, 0).values)
    assert expected.min() < 0.5
    assert expected.max() > 1
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-6)


def test_scale_changes_nothing_and_equal_weights_have_no_tail():
    draws = torch.from_numpy(stats.genpareto(0.5).rvs(size=(50, 3), random_state=0)).sort(0).values
    torch.testing.assert_close(pareto_shape(1e-8 * draws), pareto_shape(draws))
    assert (pareto_k(torch.zeros(40, 3, dtype=torch.float64)) < 0).all()
    assert pareto_k(torch.zeros(5, 3)).isnan().all()


def test_a_tail_that_underflows_has_a_shape():
    """Log-weights that spread over a million nats, as of a diverged model: all but a few weights are zero."""
    log_w = torch.linspace(-1e6, 0, 4244, dtype=torch.float64)[:, None]
    assert pareto_k(log_w).isfinite().all()


@pytest.mark.parametrize("rounding", [0.0, 1e-6])
def test_weights_of_few_codes_have_no_heavy_tail(rounding):
    """Draws of binary z repeat, so weights do: in the tail, and at its beginning. Fixed draws of eight codes within 2 nats."""
    rng = np.random.default_rng(0)
    codes = rng.uniform(0, 2, (8, 400))
    log_w = np.take_along_axis(codes, rng.integers(0, 8, (50, 400)), 0) + rounding * rng.standard_normal((50, 400))
    k = pareto_k(torch.from_numpy(log_w).topk(tail_length(50) + 1, 0).values)
    assert k.isfinite().all()
    assert k.max() < 5  # a tail of one code, and a few draws of a likelier one
    assert (k > 0.41).double().mean() < 0.5


@pytest.mark.parametrize("sigma", [0.5, 0.8])
def test_importance_weights_of_a_known_tail(sigma):
    """Proposal N(0, s^2) for N(0, 1): the weights' tail has shape 1 - s^2; the mean over 60 images of K = 20,000 to 0.1."""
    z = torch.randn((20_000, 60), generator=torch.Generator().manual_seed(0), dtype=torch.float64) * sigma
    log_w = -0.5 * z**2 + 0.5 * (z / sigma) ** 2
    top = log_w.topk(tail_length(20_000) + 1, 0).values
    assert pareto_k(top).mean().item() == pytest.approx(1 - sigma**2, abs=0.1)


def test_importance_reports_the_tail_of_all_its_weights_in_whatever_chunks():
    """Against the same weights sorted whole; and what is left to rise, against the halves taken apart."""
    model, x = linear_gaussian(), data()
    estimate = importance(model, x, RowNoise(0, "importance", range(7)), 1001, batch_size=70)
    z = model.encoder(x).sample(RowNoise(0, "importance", range(7)), 1001)
    log_w = (model.log_joint(x, z) - model.encoder(x).log_prob(z)).detach()
    ordered = log_w.sort(0).values[-(tail_length(1001) + 1) :]
    torch.testing.assert_close(estimate.pareto_k, pareto_k(ordered), rtol=0, atol=1e-9)
    assert tail_length(1001) == math.ceil(3 * math.sqrt(1001))
    assert tail_length(50) == 10
    whole = log_w.logsumexp(0) - math.log(1001)
    halves = (log_w[:500].logsumexp(0) - math.log(500) + log_w[500:].logsumexp(0) - math.log(501)) / 2
    torch.testing.assert_close(estimate.rise, whole - halves)


def test_a_share_from_the_prior_leaves_the_mean_and_bounds_the_weights():
    """Defensive weights: within 5 errors of the truth where q is far too narrow, which q alone misses by more than a nat."""
    model, x = linear_gaussian(), data()
    fill(model.encoder.log_var, torch.full((2,), -8.0))
    truth = model.decoder.marginal().log_prob(x).detach()
    alone = importance(model, x, RowNoise(0, "i", range(7)), 4000)
    mixed = importance(model, x, RowNoise(0, "i", range(7)), 4000, prior_share=0.3)
    assert (truth - alone.log_px).mean() > 1
    assert ((mixed.log_px - truth).abs() < 5 * mixed.monte_carlo_error).all()
    assert alone.pareto_k.min() > 0.7
    only = importance(model, x, RowNoise(0, "i", range(7)), 4000, prior_share=1.0)
    assert ((only.log_px - truth).abs() < 5 * only.monte_carlo_error).all()


def test_q_laid_around_annealed_draws_finds_what_q_misses():
    """x = z^2 + noise with q at the left mode: log 2 too low, with weights that look good; around 10 annealed draws within 5
    errors of the quadrature, and unbiased in p(x) (z-test over 400 repetitions, 1e-6)."""
    encoder = LinearGaussianEncoder(1, 1).double()
    for parameter, value in ((encoder.mean.weight, [[0.0]]), (encoder.mean.bias, [-1.7]), (encoder.log_var, [-4.0])):
        fill(parameter, torch.tensor(value))
    model = VAE(encoder, Square(0.3), StandardNormal(1).double())
    x = torch.full((400, 1), 3.0).double()
    truth = quadrature(model, x[:1]).log_px
    alone = importance(model, x[:9], RowNoise(0, "i", range(9)), 2000)
    assert (alone.log_px - truth).mean().item() == pytest.approx(-math.log(2), abs=0.05)
    assert alone.pareto_k.max() < 0.7
    around = importance(model, x, RowNoise(0, "i", range(400)), 50, 10**6, prior_share=0.1, annealed=10)
    assert_mean(torch.exp(around.log_px - truth), 1.0)
    best = importance(model, x[:9], RowNoise(0, "i", range(9)), 2000, 10**5, prior_share=0.1, annealed=10)
    assert ((best.log_px - truth).abs() < 5 * best.monte_carlo_error).all()
    assert best.monte_carlo_error.median() < 0.05


class BernoulliEncoder(nn.Linear):
    def forward(self, x: Tensor) -> Bernoulli:
        return Bernoulli(super().forward(x))


class BernoulliPrior(nn.Module):
    def __init__(self, dims: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.linspace(-1, 1, dims, dtype=torch.float64))

    def forward(self) -> Bernoulli:
        return Bernoulli(self.logits)


def binary(dims: int, pixels: int = 9) -> VAE:
    generator = torch.Generator().manual_seed(0)
    model = VAE(
        BernoulliEncoder(pixels, dims).double(), BernoulliDecoder(pixels, dims, 6).double(), BernoulliPrior(dims)
    )
    for name, parameter in model.named_parameters():
        if not name.startswith("prior"):
            fill(parameter, 0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def test_enumeration_sums_to_one_over_all_images():
    """sum_x p(x) = 1 over the 2^9 binary images: every factor is in it."""
    model = binary(3)
    estimate = enumeration(model, codes(9, torch.zeros((), dtype=torch.float64)))
    assert estimate.log_px.exp().sum().item() == pytest.approx(1)
    torch.testing.assert_close(estimate.posterior.sum(1), torch.ones(512, dtype=torch.float64))


def test_enumeration_is_the_limit_of_importance_sampling_and_above_the_bound():
    model, x = binary(4), codes(9, torch.zeros((), dtype=torch.float64))[::50]
    exact = enumeration(model, x)
    estimate = importance(model, x, Noise(0, "importance", 0), 5000)
    assert ((estimate.log_px - exact.log_px).abs() < 5 * estimate.monte_carlo_error).all()
    z = model.encoder(x).sample(Noise(0, "bound", 0), 20_000)
    draws = model.log_joint(x, z) - model.encoder(x).log_prob(z)
    assert ((draws.mean(0) - exact.bound).abs() < 5 * draws.std(0) / math.sqrt(20_000)).all()
    assert (exact.bound < exact.log_px).all()


def test_enumeration_of_the_synthetic_data_is_what_its_maker_says():
    """A sigmoid belief network as decoder: tanh of a wide input is the sign, 2 z - 1."""
    belief = SigmoidBelief(factors=3)
    decoder = BernoulliDecoder(16, 3, 3).double()
    fill(decoder.hidden.weight, 100 * torch.eye(3))
    fill(decoder.hidden.bias, torch.full((3,), -50.0))
    fill(decoder.logits.weight, torch.from_numpy(belief.weight))
    fill(decoder.logits.bias, torch.from_numpy(belief.bias))
    prior = BernoulliPrior(3)
    fill(prior.logits, torch.zeros(3))
    x = belief.load().test.x[:50]
    estimate = enumeration(VAE(BernoulliEncoder(16, 3).double(), decoder, prior), torch.from_numpy(x).double())
    assert estimate.log_px.tolist() == pytest.approx(belief.log_px(x).tolist())


def test_models_that_cannot_be_enumerated_are_refused_in_one_line():
    for model in (linear_gaussian(), binary(13)):
        with pytest.raises(
            UserError, match=r"evaluator=enumeration: .*a Bernoulli prior over at most 12 is summed; allowed: .*; try: "
        ) as error:
            Enumeration().check(model)
        assert "\n" not in str(error.value)
    Enumeration().check(binary(12))

"""Every distribution is compared to torch.distributions, and its samples to its own moments."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from aevb.distributions import DiagonalNormal
from aevb.distributions.bernoulli import Bernoulli, log_of_product, softplus, sum_softplus
from aevb.noise import Noise
from helpers.statistics import assert_mean

G = torch.Generator().manual_seed(0)
MEAN = torch.randn(4, 3, generator=G, dtype=torch.float64)
LOG_VAR = torch.randn(4, 3, generator=G, dtype=torch.float64)


def test_normal_log_prob_is_torchs():
    value = torch.randn(6, 4, 3, generator=G, dtype=torch.float64)
    expected = torch.distributions.Normal(MEAN, (0.5 * LOG_VAR).exp()).log_prob(value).sum(-1)
    torch.testing.assert_close(DiagonalNormal(MEAN, LOG_VAR).log_prob(value), expected, rtol=1e-12, atol=1e-12)


def test_normal_kl_is_torchs_and_zero_only_at_equality():
    q, p = DiagonalNormal(MEAN, LOG_VAR), DiagonalNormal(LOG_VAR, MEAN)
    torch_q = torch.distributions.Normal(MEAN, (0.5 * LOG_VAR).exp())
    torch_p = torch.distributions.Normal(LOG_VAR, (0.5 * MEAN).exp())
    expected = torch.distributions.kl_divergence(torch_q, torch_p).sum(-1)
    torch.testing.assert_close(q.kl(p), expected, rtol=1e-12, atol=1e-12)
    assert (q.kl(p) > 0).all()
    torch.testing.assert_close(q.kl(q), torch.zeros(4, dtype=torch.float64), rtol=0, atol=1e-15)


def test_kl_to_the_prior_is_appendix_b():
    zero = torch.zeros(3, dtype=torch.float64)
    expected = -0.5 * (1 + LOG_VAR - MEAN**2 - LOG_VAR.exp()).sum(-1)
    torch.testing.assert_close(DiagonalNormal(MEAN, LOG_VAR).kl(DiagonalNormal(zero, zero)), expected)


def test_reparameterised_draws_scale_with_sigma():
    """Catches z = mu + sigma^2 eps: the variance of the draws is sigma^2."""
    draws = DiagonalNormal(MEAN, LOG_VAR).rsample(Noise(1, "test", 0), 200_000)
    assert_mean(draws, MEAN)
    assert_mean((draws - MEAN) ** 2, LOG_VAR.exp())


def test_rsample_has_a_gradient_and_sample_has_none():
    mean, log_var = MEAN.clone().requires_grad_(), LOG_VAR.clone().requires_grad_()
    q = DiagonalNormal(mean, log_var)
    z = q.rsample(Noise(0, "test", 0))
    gradients = torch.autograd.grad(z.sum(), (mean, log_var))
    eps = (z.detach() - MEAN) / (0.5 * LOG_VAR).exp()
    torch.testing.assert_close(gradients[0], torch.ones_like(MEAN))
    torch.testing.assert_close(gradients[1], 0.5 * (0.5 * LOG_VAR).exp() * eps)
    assert not q.sample(Noise(0, "test", 0)).requires_grad


@pytest.mark.parametrize("kind", ["binary", "grey"])
def test_bernoulli_log_prob_is_the_cross_entropy(kind):
    logits = 20 * torch.randn(4, 3, generator=G, dtype=torch.float64)
    x = torch.rand(4, 3, generator=G, dtype=torch.float64)
    x = x.round() if kind == "binary" else x
    expected = -torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    torch.testing.assert_close(Bernoulli(logits).log_prob(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(5,), (0, 5), (300, 5), (7, 50, 5), (3, 300, 5), (2, 2, 130, 5)])
def test_bernoulli_log_prob_is_the_same_without_a_gradient(shape):
    generator = torch.Generator().manual_seed(0)
    logits = 30 * torch.randn(shape, generator=generator)
    x = torch.rand(shape[-2:], generator=generator)  # the same for every leading axis
    without = Bernoulli(logits).log_prob(x)
    assert torch.equal(without, Bernoulli(logits.requires_grad_()).log_prob(x).detach())
    assert without.shape == shape[:-1]


def test_a_gpu_is_not_given_a_few_rows_at_a_time():
    """As on a device without numbers: about as many operations for 20,000 rows as for one."""

    class Count(TorchDispatchMode):
        operations = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.operations += 1
            return func(*args, **(kwargs or {}))

    counts = []
    for shape in ((1, 784), (20_000, 784), (200, 100, 784)):
        logits, x = (torch.empty(some, device="meta") for some in (shape, shape[-2:]))
        with Count() as count:
            assert Bernoulli(logits).log_prob(x).shape == shape[:-1]
        counts.append(count.operations)
    assert max(counts) <= min(counts) + 4, counts  # some to expand x


def test_softplus_and_its_derivatives_are_right_everywhere():
    logits = torch.tensor([-800.0, -30.0, -1.0, 0.0, 1e-3, 30.0, 800.0], dtype=torch.float64, requires_grad=True)
    value = softplus(logits)
    torch.testing.assert_close(value, torch.logaddexp(logits, torch.zeros_like(logits)), rtol=1e-12, atol=1e-15)
    (slope,) = torch.autograd.grad(value.sum(), logits, create_graph=True)
    torch.testing.assert_close(slope, torch.sigmoid(logits))
    (curvature,) = torch.autograd.grad(slope.sum(), logits)
    torch.testing.assert_close(curvature, (torch.sigmoid(logits) * torch.sigmoid(-logits)).detach())


def test_bernoulli_sums_to_one_over_all_images():
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 3)
    total = Bernoulli(MEAN[0]).log_prob(images).exp().sum()
    torch.testing.assert_close(total, torch.ones((), dtype=torch.float64))


def test_bernoulli_draws_have_their_probabilities():
    draws = Bernoulli(MEAN).sample(Noise(2, "test", 0), 100_000)
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert_mean(draws, torch.sigmoid(MEAN))


def test_grey_log_prob_is_the_mean_over_binarised_images():
    """The cross-entropy is linear in x: for grey x it is E_b log p(b), b ~ Bernoulli(x), by enumeration."""
    x, p = torch.tensor([0.2, 0.9, 0.5], dtype=torch.float64), Bernoulli(MEAN[0])
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 3)
    weight = torch.where(images == 1, x, 1 - x).prod(-1)
    torch.testing.assert_close(p.log_prob(x), (weight * p.log_prob(images)).sum())


@pytest.mark.parametrize(
    ("shape", "of_value"), [((50, 784), (50, 784)), ((2, 1, 20), (3, 20)), ((2, 3, 784), (3, 784))]
)
@pytest.mark.parametrize("scale", [1, 200])
def test_the_written_log_prob_and_its_gradient(shape, of_value, scale):
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(shape, generator=generator) * scale).requires_grad_()
    value = torch.rand(of_value, generator=generator).sub(0.5).clamp(min=0)
    all_logits, all_values = torch.broadcast_tensors(logits, value)
    expected = (all_values * all_logits - softplus(all_logits)).sum(-1)
    weights = torch.randn(expected.shape, generator=generator)
    log_prob = Bernoulli(logits).log_prob(value)
    exact = (all_values.double() * all_logits.double() - F.softplus(all_logits.double())).sum(-1)
    torch.testing.assert_close(log_prob.double(), exact, rtol=1e-6, atol=0)
    torch.testing.assert_close(Bernoulli(logits.detach()).log_prob(value).double(), exact.detach(), rtol=1e-6, atol=0)
    assert torch.equal(*(torch.autograd.grad((y * weights).sum(), logits)[0] for y in (log_prob, expected)))


@pytest.mark.parametrize("width", [1, 7, 64, 96, 784, 1024])
@pytest.mark.parametrize("scale", [0, 1, 200])
def test_sum_softplus_of_any_width(width, scale):
    logits = torch.randn((3, width), generator=torch.Generator().manual_seed(0)) * scale
    exact = F.softplus(logits.double()).sum(-1)
    before = logits.clone()
    for value in (sum_softplus(logits), sum_softplus(logits.requires_grad_())):
        torch.testing.assert_close(value.detach().double(), exact, rtol=1e-6, atol=1e-6)
    assert torch.equal(logits, before)
    (gradient,) = torch.autograd.grad(sum_softplus(logits).sum(), logits)
    assert torch.equal(gradient, torch.sigmoid(logits))


def test_the_mode_and_the_variance_of_a_bernoulli():
    logits = torch.tensor([-20.0, -0.3, 0.7, 20.0], dtype=torch.float64)
    distribution, p = Bernoulli(logits), torch.sigmoid(logits)
    torch.testing.assert_close(distribution.log_var, torch.log(p * torch.sigmoid(-logits)))
    assert distribution.mode.tolist() == [0, 0, 1, 1]


def test_the_smallest_product_of_probabilities_is_a_float32():
    half = torch.full((2, 1024), 0.5)
    torch.testing.assert_close(log_of_product(half), torch.full((2,), 1024 * math.log(0.5)))


def test_log_prob_has_second_derivatives():
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    value = torch.rand(3, 4, dtype=torch.float64)
    assert torch.autograd.gradgradcheck(lambda a: Bernoulli(a).log_prob(value), (logits,))

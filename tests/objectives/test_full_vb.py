"""Full variational Bayes compared to Bayesian linear regression, whose evidence is known.

Bishop 2006, section 3.5. The decoder returns N(Phi theta, s^2) for every z, and q(z|x) is the
prior. So each of the N data vectors, (D,), has p(x|theta) = N(Phi theta, s^2 I), theta has P
coefficients, and all of the data are jointly Gaussian with the covariance s^2 I + (1 x Phi)(1 x
Phi)'.
"""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from aevb.distributions import DiagonalNormal
from aevb.errors import UserError
from aevb.estimators.predictive import predictive
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from aevb.objectives.full_vb import FullVB
from aevb.objectives.objective import Batch
from aevb.objectives.sgvb_b import SGVB_B
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.objectives import minibatches
from helpers.oracles import fill
from helpers.statistics import assert_mean

N, D, P = 12, 5, 3
NOISE = 0.8  # s


class Prior(nn.Module):
    """q(z|x) = N(0, 1)."""

    def forward(self, x):
        zero = torch.zeros_like(x[..., :1])
        return DiagonalNormal(zero, zero)


class Regression(nn.Module):
    """p(x|z, theta) = N(Phi theta, s^2 I); orthogonal: whether the columns of Phi are orthogonal."""

    def __init__(self, orthogonal):
        super().__init__()
        phi = torch.randn(D, P, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        self.design = torch.linalg.qr(phi).Q * torch.tensor([1.5, 0.7, 1.0]) if orthogonal else phi
        self.theta = nn.Parameter(torch.zeros(P).double())

    def forward(self, z):
        mean = (self.design @ self.theta).expand(*z.shape[:-1], D)
        return DiagonalNormal(mean, torch.full_like(mean, 2 * math.log(NOISE)))


def regression(orthogonal):
    """Return the model, its data (N, D), the posterior of theta, and log p(X)."""
    model = VAE(Prior(), Regression(orthogonal), StandardNormal(1).double(), theta_log_var=-1.0)
    phi = model.decoder.design
    generator = torch.Generator().manual_seed(4)
    coefficients, noise = (torch.randn(size, generator=generator, dtype=torch.float64) for size in ((P,), (N, D)))
    x = phi @ coefficients + NOISE * noise
    precision = N * phi.T @ phi / NOISE**2 + torch.eye(P)
    posterior = MultivariateNormal(
        torch.linalg.solve(precision, phi.T @ x.sum(0) / NOISE**2), precision_matrix=precision
    )
    stacked = phi.repeat(N, 1)
    whole = MultivariateNormal(torch.zeros(N * D).double(), NOISE**2 * torch.eye(N * D) + stacked @ stacked.T)
    return model, x, posterior, whole.log_prob(x.flatten())


def best(model, posterior):
    """Set q(theta) to the best diagonal one: the mean of the posterior, the diagonal of its precision."""
    fill(model.decoder.theta, posterior.mean)
    fill(model.theta_posterior.log_var.theta, -posterior.precision_matrix.diagonal().log())


def q_theta(model):
    q = model.theta_posterior(model.decoder)
    return MultivariateNormal(q.mean, torch.diag(q.log_var.exp()))


def exact_bound(model, x):
    """E_q log p(X|theta) - KL(q(theta) || p(theta)), with E|x - Phi theta|^2 = |x - Phi m|^2 + tr(Phi V Phi')."""
    phi, q = model.decoder.design, model.theta_posterior(model.decoder)
    squares = ((x - phi @ q.mean) ** 2).sum() + len(x) * (phi**2 @ q.log_var.exp()).sum()
    log_px = -0.5 * (x.numel() * math.log(2 * math.pi * NOISE**2) + squares / NOISE**2)
    prior = MultivariateNormal(torch.zeros(P).double(), torch.eye(P).double())
    return log_px - kl_divergence(q_theta(model), prior)


def updates(model, x, times, objective):
    batches = minibatches(x)
    return (next(objective(model, batches)) for _ in range(times))


@pytest.mark.parametrize("orthogonal", [True, False])
def test_the_best_bound_is_the_evidence_minus_the_kl(orthogonal):
    """The gap is zero where the posterior is diagonal.

    The bound is estimated on one half of the data at a time with N unchanged; 1,000 draws
    (helpers/statistics.py).
    """
    model, x, posterior, log_evidence = regression(orthogonal)
    best(model, posterior)
    gap = kl_divergence(q_theta(model), posterior)
    assert (gap < 1e-12) == orthogonal
    assert (gap > 0.01) != orthogonal
    torch.testing.assert_close(exact_bound(model, x), log_evidence - gap)
    bounds = []
    for half in (x[: N // 2], x[N // 2 :]):
        drawn = list(updates(model, half, 1_000, FullVB(N)))
        assert {update.samples for update in drawn} == {N // 2}
        bounds.append(torch.stack([update.stats["bound"] for update in drawn]))
    assert_mean(N * torch.stack(bounds).mean(0), log_evidence - gap)


@pytest.mark.slow
def test_the_gradient_is_unbiased_and_vanishes_at_the_best():
    """1,500 gradients with respect to the mean and log-variance of q(theta), against the exact bound."""
    model, x, posterior, _ = regression(orthogonal=False)
    for at_best, samples in ((False, 1), (True, 3)):
        if at_best:
            best(model, posterior)
        expected = torch.cat(torch.autograd.grad(-exact_bound(model, x) / N, model.theta))
        assert (expected.abs().max() < 1e-12) == at_best
        draws = [
            torch.cat(torch.autograd.grad(update.loss, model.theta))
            for update in updates(model, x, 1_500, FullVB(N, samples))
        ]
        assert_mean(torch.stack(draws), expected)


@pytest.mark.slow
def test_training_reaches_the_evidence():
    """Orthogonal design, 1,200 minibatches of 4, Adam with a decreasing learning rate: within 0.05 nat."""
    model, x, _, log_evidence = regression(orthogonal=True)
    optimizer, stream = torch.optim.Adam(model.theta, lr=0.05), Stream(x, 4, 0)
    for step in range(1_200):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 1_200) ** 2
        for update in FullVB(N)(model, stream):
            optimizer.zero_grad()
            update.loss.backward()
            optimizer.step()
    reached = exact_bound(model, x).item()
    print(f"{reached:.4f} of {log_evidence:.4f} nats")
    assert log_evidence - 0.05 < reached <= log_evidence


@pytest.mark.parametrize("decoder", [BernoulliDecoder, GaussianDecoder])
def test_the_kl_divergence_is_torchs_and_is_divided_by_n(decoder):
    model = VAE(GaussianEncoder(6, 2, 4), decoder(6, 2, 4), StandardNormal(2), "glorot", theta_log_var=-2.0)
    assert [name for name, _ in model.theta_posterior.log_var.named_parameters()] == [
        name for name, _ in model.decoder.named_parameters()
    ]
    means, log_vars = ([*network.parameters()] for network in (model.decoder, model.theta_posterior.log_var))
    expected = sum(
        kl_divergence(Normal(m, (0.5 * v).exp()), Normal(0, 1)).sum() for m, v in zip(means, log_vars, strict=True)
    )
    x = torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    few, many = (next(updates(model, x, 1, FullVB(n))) for n in (10, 1000))
    torch.testing.assert_close(few.stats["kl_theta"], expected.detach() / 10)
    torch.testing.assert_close(few.loss - many.loss, expected * (1 / 10 - 1 / 1000))
    gradients = torch.autograd.grad(few.loss, model.theta + model.phi)
    assert all(gradient.abs().max() > 0 for gradient in gradients)


def test_with_a_narrow_q_of_theta_it_is_estimator_b_at_the_mean():
    """sigma of q(theta) = 2e-9: log p(x|z) and the KL divergence of z, with their gradients, are those of SGVB B."""
    wide, narrow = (
        VAE(
            GaussianEncoder(6, 2, 4), BernoulliDecoder(6, 2, 4), StandardNormal(2), "glorot", theta_log_var=value
        ).double()
        for value in (None, -40.0)
    )
    narrow.load_state_dict(wide.state_dict(), strict=False)
    x = torch.rand(5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (full,) = updates(narrow, x, 1, FullVB(N, samples=3))
    (reference,) = updates(wide, x, 1, SGVB_B(samples=3))
    assert reference.stats["kl"] > 0.01
    for name in ("reconstruction", "kl"):
        torch.testing.assert_close(full.stats[name], reference.stats[name], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(
        full.stats["bound"] + full.stats["kl_theta"], reference.stats["bound"], rtol=1e-6, atol=0
    )
    actual = torch.autograd.grad(full.loss, narrow.phi)
    for one, other in zip(actual, torch.autograd.grad(reference.loss, wide.phi), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


def test_all_ranks_draw_the_same_theta():
    model, x = regression(orthogonal=False)[:2]
    (whole,) = updates(model, x, 1, FullVB(N))
    parts = []
    for rank in range(2):
        rows = slice(rank * N // 2, (rank + 1) * N // 2)
        stream = iter([Batch(x[rows], torch.arange(N)[rows], Noise(0, "noise", 0, rank=rank, world=2))])
        parts.append(next(iter(FullVB(N)(model, stream))).loss)
    torch.testing.assert_close(sum(parts) / 2, whole.loss)


def test_the_predictive_density_is_that_of_the_regression():
    """log N(x; Phi m, s^2 I + Phi V Phi') by 2,000 draws of theta, to 5 standard errors (chance 1e-6)."""
    model, x, posterior, _ = regression(orthogonal=True)
    best(model, posterior)
    phi, q = model.decoder.design, q_theta(model)
    truth = MultivariateNormal(phi @ q.mean, NOISE**2 * torch.eye(D) + phi @ q.covariance_matrix @ phi.T).log_prob(x)
    estimate = predictive(model, x, RowNoise(0, "predictive", range(N)), draws=2_000, samples=1)
    error = estimate.spread.expm1().abs() / math.sqrt(2_000)
    assert ((estimate.log_px - truth).abs() < 5 * error.clamp(min=1e-6)).all()
    assert (estimate.mean_log_px < estimate.log_px).all()
    at_the_mean = predictive(model, x, RowNoise(0, "predictive", range(N)), draws=1, samples=1)
    assert (at_the_mean.spread == 0).all()


def test_the_predictive_density_is_the_mean_over_its_draws_and_has_their_spread(monkeypatch):
    """log p(x|theta_s) = 1, 2, 6: the standard deviation has s - 1 in its denominator."""
    model, x, _, _ = regression(orthogonal=True)
    values = iter((1.0, 2.0, 6.0))
    monkeypatch.setattr(
        "aevb.estimators.predictive.importance",
        lambda *budget: SimpleNamespace(log_px=torch.full((N,), next(values)).double()),
    )
    estimate = predictive(model, x, RowNoise(0, "predictive", range(N)), draws=3, samples=1)
    expected = math.log((math.e + math.e**2 + math.e**6) / 3), 3.0, math.sqrt((4 + 1 + 9) / 2)
    for column, value in zip(estimate, expected, strict=True):
        torch.testing.assert_close(column, torch.full((N,), value).double())


def test_the_predictive_density_has_draws_of_its_own(monkeypatch):
    """With the seed of training, no draw of theta is one of training."""
    model, x, posterior, _ = regression(orthogonal=True)
    best(model, posterior)
    drawn = []
    monkeypatch.setattr(
        "aevb.estimators.predictive.SampledDecoder", lambda decoder, theta: drawn.append(theta) or decoder
    )
    predictive(model, x, RowNoise(0, "predictive", range(N)), draws=3, samples=1)
    q = model.theta_posterior(model.decoder)
    assert len(drawn) == 3
    for s, theta in enumerate(drawn):
        assert not torch.equal(theta, q.rsample(Noise(0, "noise", s).of_all("theta"), 1)[0])


def test_the_spread_is_the_standard_deviation_of_a_quadratic_form():
    """log p(x|theta) is -r'r / 2 s^2 and r = x - Phi theta is normal: var r'r = 2 tr C^2 + 4 m'C m.

    A standard deviation by 800 draws has a standard error of at most 6.6 %, because the excess kurtosis
    is at most 12; five of them (chance 1e-5).
    """
    model, x, posterior, _ = regression(orthogonal=True)
    best(model, posterior)
    phi, q = model.decoder.design, q_theta(model)
    mean, covariance = x - q.mean @ phi.T, phi @ q.covariance_matrix @ phi.T
    variance = 2 * covariance.square().sum() + 4 * ((mean @ covariance) * mean).sum(1)
    estimate = predictive(model, x, RowNoise(0, "predictive", range(N)), draws=800, samples=1)
    torch.testing.assert_close(estimate.spread, variance.detach().sqrt() / (2 * NOISE**2), rtol=0.33, atol=0)


def test_the_weight_prior_is_not_added_twice():
    """The bound contains p(theta), so the means and log-variances have no weight decay."""
    model = VAE(GaussianEncoder(6, 2, 4), BernoulliDecoder(6, 2, 4), StandardNormal(2), theta_log_var=-2.0)
    module = Training(model, FullVB(10), Stream(torch.rand(10, 6), 5, 0), torch.optim.SGD, RunningMean(10))
    theta, phi = module.configure_optimizers()
    assert sum(len(group["params"]) for group in theta.param_groups) == 8
    assert {group["weight_decay"] for group in (*theta.param_groups, *phi.param_groups)} == {0.0}


def test_a_model_without_a_posterior_is_refused():
    model = VAE(GaussianEncoder(6, 2, 4), BernoulliDecoder(6, 2, 4), StandardNormal(2))
    with pytest.raises(UserError, match="theta_log_var"):
        next(updates(model, torch.rand(5, 6), 1, FullVB(10)))

"""Variational EM: E-steps compared to closed forms and scipy; EM to the maximum likelihood of PPCA."""

import math

import pytest
import torch
from scipy.optimize import minimize

from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.estimators.enumeration import codes, enumeration
from aevb.estimators.per_image_posterior import Fitting, _by_score_function, bound_at, fit
from aevb.evaluators.blocks import run_over
from aevb.evaluators.fitted_bound import FittedBound
from aevb.models.linear import LinearGaussianDecoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.variational_em import VariationalEM
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.binary_oracles import binary, images
from helpers.commands import settings
from helpers.oracles import D, J, data, linear_gaussian
from helpers.statistics import assert_mean


def start(x, dims):
    return x.new_zeros(len(x), 2, dims)


def posterior(model, x):
    """Return the mean, (N, J), and the precision, (J, J), of p(z|x) of the linear-Gaussian model."""
    weight, bias, s2 = model.decoder.mean.weight, model.decoder.mean.bias, model.decoder.log_var.exp()
    precision = weight.T @ weight / s2 + torch.eye(J).double()
    return torch.linalg.solve(precision, weight.T @ (x - bias).T / s2).T.detach(), precision.detach()


def exact(model, x, mean, variance):
    """Return L for q = N(mean, diag variance) by algebra, (N,)."""
    weight, bias, s2 = model.decoder.mean.weight, model.decoder.mean.bias, model.decoder.log_var.exp()
    residual = ((x - mean @ weight.T - bias) ** 2).sum(1) + variance @ (weight**2).sum(0)
    kl = 0.5 * (mean**2 + variance - 1 - variance.log()).sum(1)
    return (-0.5 * (D * torch.log(2 * math.pi * s2) + residual / s2) - kl).detach()


def test_the_e_step_finds_the_best_diagonal_normal():
    """The exact mean and one over the diagonal of the precision.

    log p(x|z) is quadratic, so four draws with the moments of N(0, I) are enough.
    """
    model, x = linear_gaussian(), data()
    fitted = fit(model, x, start(x, J), Noise(0, "e", 0), Fitting(samples=4, tolerance=1e-12, max_steps=300))
    mean, precision = posterior(model, x)
    torch.testing.assert_close(fitted.phi[:, 0], mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(fitted.phi[:, 1], -precision.diagonal().log().expand(7, -1), rtol=0, atol=1e-4)
    best = exact(model, x, mean, (1 / precision.diagonal()).expand(7, -1))
    reached = exact(model, x, fitted.phi[:, 0], fitted.phi[:, 1].exp())
    assert ((reached <= best + 1e-12) & (reached > best - 1e-6)).all()
    torch.testing.assert_close(fitted.bound, best, rtol=0, atol=1e-6)
    assert (best < model.decoder.marginal().log_prob(x) - 1e-3).all()  # its posterior is not diagonal


def test_the_e_step_gives_the_best_point_and_not_the_last():
    """From the optimum every step is a step down: four draws are exact here, and the optimum comes back."""
    model, x = linear_gaussian(), data()
    mean, precision = posterior(model, x)
    optimum = torch.stack([mean, -precision.diagonal().log().expand(7, -1)], 1)
    fitted = fit(model, x, optimum, Noise(0, "e", 0), Fitting(samples=4))
    assert fitted.steps >= 5
    torch.testing.assert_close(fitted.phi, optimum, rtol=0, atol=1e-9)
    torch.testing.assert_close(fitted.bound, exact(model, x, mean, optimum[:, 1].exp()), rtol=0, atol=1e-9)


def test_the_e_step_ends_within_its_tolerance():
    """Default settings, four draws, from N(0, I): the mean bound lies within 0.005 nats of the best (measured: 0.0012)."""
    model, x = linear_gaussian(), 5 * data(200)
    mean, precision = posterior(model, x)
    best = exact(model, x, mean, (1 / precision.diagonal()).expand(200, -1)).mean()
    fitted = fit(model, x, start(x, J), Noise(0, "e", 0), Fitting(samples=4))
    assert fitted.steps < 100
    print(f"{best - fitted.bound.mean():.5f} nats after {fitted.steps} steps")
    assert best - 0.005 < fitted.bound.mean() <= best + 1e-9


def test_em_reaches_maximum_likelihood_of_probabilistic_pca():
    """Full batches, 500 points: within 0.02 nat of the maximum of Tipping & Bishop, where a diagonal q is exact."""
    torch.manual_seed(0)
    x = linear_gaussian(3).decoder.marginal().rsample((500,)).detach()
    decoder = LinearGaussianDecoder(D, J).double()
    torch.nn.init.normal_(decoder.mean.weight, std=0.3)
    model = VAE(None, decoder, StandardNormal(J).double())
    objective = VariationalEM(len(x), J, samples=4, weight_prior=0.0).double()
    module = Training(
        model, objective, Stream(x, len(x), 0), lambda groups: torch.optim.Adam(groups, lr=0.05), RunningMean(1)
    )
    (optimizer,) = module.configure_optimizers()  # there is no phi
    total = 150
    for t in range(total):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - t / total)
        for update in module.engine(model, module.stream):
            assert update.parameter_groups == ("theta",)
            optimizer.step()
    reached = decoder.marginal().log_prob(x).mean().item()
    values = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    s2 = values[J:].mean()
    best = -0.5 * (D * math.log(2 * math.pi) + values[:J].log().sum() + (D - J) * s2.log() + D).item()
    print(f"reached {reached:.4f} of {best:.4f} nats, bound {update.stats['bound']:.4f}")
    assert best - 0.02 < reached <= best + 1e-9


@pytest.mark.parametrize("dims", [1, 3, 6])
def test_the_binary_e_step_finds_the_best_of_scipys_optima(dims):
    """L-BFGS on the sum over all codes from five starting points per image; never above log p(x)."""
    model, x = binary(dims), images()
    fitted = fit(model, x, start(x, dims), Noise(0, "e", 0), Fitting(tolerance=1e-12, max_steps=200))
    z = codes(dims, x)
    log_joint = model.log_joint(x[:, None], z).detach()

    def negative(logits, row):
        logits = torch.tensor(logits, requires_grad=True)
        log_q = z @ logits - torch.nn.functional.softplus(logits).sum()
        loss = -(log_q.exp() * (log_joint[row] - log_q)).sum()
        return loss.item(), torch.autograd.grad(loss, logits)[0].numpy()

    starts = 2 * torch.randn(5, dims, generator=torch.Generator().manual_seed(0)).double()
    best = [
        max(-minimize(negative, one.numpy(), row, jac=True, options={"gtol": 1e-9}).fun for one in starts)
        for row in range(len(x))
    ]
    assert fitted.bound.tolist() == pytest.approx(best, abs=1e-6)
    log_px = enumeration(model, x).log_px
    assert (fitted.bound <= log_px + 1e-12).all()
    assert dims > 1 or torch.allclose(fitted.bound, log_px)  # one variable: every q is factorial
    reconstruction, kl = bound_at(model, x, fitted.phi, Noise(0, "m", 0), 1)
    torch.testing.assert_close((reconstruction - kl).detach(), fitted.bound)


def test_the_bound_never_falls_and_adam_comes_near():
    """Coordinate sweeps never lower the bound, and Adam on score-function gradients ends near their optimum.

    400 steps of 50 draws end within 0.05 nat, with a fixed seed (the noise of the end is about 0.01
    nat).
    """
    model, x = binary(6, scale=1.5), images()
    phi, before = start(x, 6), torch.full((7,), -math.inf).double()
    for _ in range(10):
        phi, bound, steps = fit(model, x, phi, Noise(0, "e", 0), Fitting(max_steps=1))
        assert steps == 1
        assert (bound >= before - 1e-10).all()
        before = bound
    noisy = _by_score_function(model, x, start(x, 6), Noise(0, "e", 0), Fitting(samples=50, max_steps=400))
    reconstruction, kl = bound_at(model, x, noisy.phi, Noise(0, "m", 0), 1)
    assert (reconstruction - kl - before).abs().max() < 0.05


def test_the_bound_of_the_score_function_e_step_is_unbiased():
    """At q = Bernoulli(1/2) the bound is the mean of log p(x, z) over all codes plus J log 2.

    300 E-steps of one step each; failure rate of `assert_mean`.
    """
    model, x = binary(6), images()
    expected = model.log_joint(x[:, None], codes(6, x)).mean(1).detach() + 6 * math.log(2)
    how = Fitting(samples=4, max_steps=1)
    bounds = [_by_score_function(model, x, start(x, 6), Noise(0, "e", t), how).bound for t in range(300)]
    assert_mean(torch.stack(bounds), expected)


def test_e_steps_is_a_running_mean():
    """40 steps, then 20 steps with a weight of 0.05."""
    model, stream = linear_gaussian(), Stream(data(30), 7, 0)
    objective = VariationalEM(30, J, tolerance=0.0, max_steps=40).double()
    next(objective(model, stream))
    assert objective.metrics()["e_steps"] == pytest.approx(40)
    objective.fitting = objective.fitting._replace(max_steps=20)
    next(objective(model, stream))
    assert objective.metrics()["e_steps"] == pytest.approx(0.95 * 40 + 0.05 * 20)


@pytest.mark.parametrize("kind", ["normal", "binary"])
def test_the_m_step_is_the_gradient_at_the_fitted_q(kind):
    """The gradient is that of bound_at with the same draws; phi of images outside the minibatch does not change."""
    model = VAE(None, *((m := linear_gaussian() if kind == "normal" else binary(3)).decoder, m.prior))
    x, dims = (data(30), J) if kind == "normal" else (images(30), 3)
    objective, stream = VariationalEM(30, dims, updates=2).double(), Stream(x, 7, 0)
    updates = []
    for update in objective(model, stream):
        updates.append((update.samples, [g.clone() for g in torch.autograd.grad(update.loss, model.theta)], update))
    index = stream.index(0)
    assert [samples for samples, _, _ in updates] == [7, 7]
    assert objective.round_samples(7) == 14
    moved = objective.phi.flatten(1).abs().sum(1) > 0
    assert sorted(moved.nonzero().flatten().tolist()) == sorted(index.tolist())
    assert objective.bounds.isnan().sum() == 23
    metrics = objective.metrics()
    assert 0 < metrics["e_steps"] < 100
    assert metrics["e_bound"] == pytest.approx(objective.bounds[index].mean().item())
    if kind == "binary":  # no draws: the bound of the M-step is that of the E-step
        assert updates[0][2].stats["bound"].item() == pytest.approx(metrics["e_bound"])
        z, q = codes(3, x), torch.sigmoid(objective.phi[index, 0])
        weights = torch.where(z[:, None] == 1, q, 1 - q).prod(-1)
        loss = -(weights * model.log_joint(x[index], z[:, None])).sum(0).mean()
        for actual, expected in zip(updates[0][1], torch.autograd.grad(loss, model.theta), strict=True):
            torch.testing.assert_close(actual, expected)


def test_the_evaluator_gives_unseen_images_an_e_step():
    """For an exactly diagonal posterior: the mean over 200 images is within 5 standard errors of log p(x)."""
    model = linear_gaussian(exact_posterior=True)
    x = model.decoder.marginal().sample((200,))
    values = run_over(FittedBound(samples=50, tolerance=1e-4), VAE(None, model.decoder, model.prior), x, 0).values
    gap = values["bound"] - model.decoder.marginal().log_prob(x).detach()
    assert gap.mean().abs() < 5 * gap.std() / 200**0.5
    assert gap.abs().mean() < 0.5
    one_by_one = run_over(FittedBound(batch_size=1, tolerance=0, max_steps=5), binary(3), images(), 0).values["bound"]
    together = run_over(FittedBound(batch_size=7, tolerance=0, max_steps=5), binary(3), images(), 0).values["bound"]
    torch.testing.assert_close(one_by_one, together)


def test_the_config_removes_the_encoder():
    config = settings("objective=variational_em", "latent_dim=3")
    assert config["model"]["encoder"] is None
    assert list(config["evaluator"]) == ["fitted_bound"]
    assert not instantiate(config["model"], data_dim=64).phi
    with pytest.raises(UserError, match="VariationalEM is no mean over data"):
        settings("objective=variational_em", "trainer=ddp")
    stream = Stream(images(), 7, 0)
    stream.dynamic = True
    with pytest.raises(UserError, match=r"objective=variational_em: .*; try: data\.targets=threshold"):
        next(VariationalEM(7, 3).double()(binary(3), stream))

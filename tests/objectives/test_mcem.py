"""Monte Carlo EM: chains at the exact posterior, the known maximum likelihood, each chain with its own image."""

import math
from itertools import count

import pytest
import torch

from aevb.config import options
from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.evaluators.blocks import run_over
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.linear import LinearGaussianDecoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.objectives.mcem import MCEM, posterior
from aevb.samplers.hmc import BlockLogDensity, chains_at, gradient_at
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.commands import composed, settings
from helpers.oracles import D, J, data, linear_gaussian
from helpers.statistics import assert_mean

SMALL = {
    "ais": {"temperatures": 10, "chains": 2},
    "bdmc": {"temperatures": 10, "chains": 2},
    "reciprocal": {"temperatures": 10, "chains": 2, "samples": 8, "warm_up_samples": 5},
    "quadrature": {"tolerance": 1e-3},
}


def without_encoder(model):
    return VAE(None, model.decoder, model.prior)


def rounds(model, objective, stream, times):
    """Return the updates of some rounds without taking a step."""
    return [list(objective(model, stream)) for _ in range(times)]


@pytest.mark.slow
def test_chains_reach_the_exact_posterior():
    """For a fixed p(x, z), 4000 chains are standard normal after whitening by the exact mean and precision.

    The acceptance rate reaches its target. Failure rate 2e-6.
    """
    model, x = without_encoder(linear_gaussian()), 2 * data(4000)
    objective = MCEM(len(x), J).double()
    stream = Stream(x, 10, 0)
    weight, bias, s2 = (
        p.detach() for p in (model.decoder.mean.weight, model.decoder.mean.bias, model.decoder.log_var.exp())
    )
    precision = weight.T @ weight / s2 + torch.eye(J, dtype=torch.float64)
    mean = torch.linalg.solve(precision, weight.T @ (x - bias).T / s2).T
    acceptance = []
    for _ in range(100):
        rounds(model, objective, stream, 1)
        acceptance.append(objective.acceptance.item())
    white = (objective.z - mean) @ torch.linalg.cholesky(precision)
    assert_mean(white, 0.0)
    assert_mean(white[:, :, None] * white[:, None, :], torch.eye(J))
    assert 0.87 < sum(acceptance[50:]) / 50 < 0.93
    assert objective.metrics() == {"acceptance": acceptance[-1], "step_size": objective.step_size.item()}


def test_it_reaches_maximum_likelihood_of_probabilistic_pca():
    """Full batches, 500 points: within 0.02 nat of the maximum of Tipping & Bishop, and not above it."""
    torch.manual_seed(0)
    truth = linear_gaussian(3).decoder.marginal()
    x = truth.rsample((500,)).detach()
    decoder = LinearGaussianDecoder(D, J).double()
    torch.nn.init.normal_(decoder.mean.weight, std=0.3)
    model, objective = VAE(None, decoder, StandardNormal(J).double()), MCEM(len(x), J, weight_prior=0.0).double()
    module = Training(
        model, objective, Stream(x, len(x), 0), lambda groups: torch.optim.Adam(groups, lr=0.02), RunningMean(1)
    )
    (optimizer,) = module.configure_optimizers()  # there is no phi
    total = 150
    for t in range(total):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - t / total)
        for _ in module.engine(model, module.stream):
            optimizer.step()
    reached = decoder.marginal().log_prob(x).mean().item()
    values = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    s2 = values[J:].mean()
    best = -0.5 * (D * math.log(2 * math.pi) + values[:J].log().sum() + (D - J) * s2.log() + D).item()
    print(f"reached {reached:.4f} of {best:.4f} nats")
    assert best - 0.02 < reached <= best + 1e-9


def test_every_image_is_paired_with_its_own_chain():
    model, x = without_encoder(linear_gaussian()), data(30)
    objective, stream = MCEM(len(x), J).double(), Stream(x, 7, 0)
    for t, update in zip(count(), (u for round_ in rounds(model, objective, stream, 1) for u in round_), strict=False):
        index = stream.index(t)
        expected = -model.log_joint(x[index], objective.z[index]).mean()
        torch.testing.assert_close(update.loss, expected, rtol=0, atol=1e-12)
        assert (update.loss - -model.log_joint(x[index], objective.z[:7]).mean()).abs() > 1e-3
        assert update.parameter_groups == ("theta",)


def test_the_acceptance_is_the_mean_over_the_chains():
    """The share of 4,000 chains that move in one trajectory of long steps, to the failure rate of `assert_mean`."""
    model, x = without_encoder(linear_gaussian()), data(4000)
    objective = MCEM(len(x), J).double()
    objective.step_size.fill_(0.4)
    before = objective.z.clone()
    rounds(model, objective, Stream(x, 10, 0), 1)
    moved = (objective.z != before).any(1).double()
    acceptance = (objective.acceptance.item() - 0.95) / 0.05  # the running mean starts at 1
    assert 0.1 < acceptance < 0.9
    assert_mean(moved, acceptance)


@pytest.mark.parametrize(("kind", "total"), [("gradients", 10 * 30 + 5 * 7), ("updates", 5 * 7)])
def test_samples_are_counted_as_configured(kind, total):
    objective = MCEM(30, J, count=kind).double()
    (updates,) = rounds(without_encoder(linear_gaussian()), objective, Stream(data(30), 7, 0), 1)
    assert [update.samples for update in updates][1:] == [7] * 4
    assert sum(update.samples for update in updates) == total == objective.round_samples(7)


def test_chains_of_another_data_set_are_not_loaded():
    with pytest.raises(RuntimeError, match="size mismatch for z"):
        MCEM(31, J).load_state_dict(MCEM(30, J).state_dict())


def test_the_closed_form_gradient_is_that_of_autograd():
    generator = torch.Generator().manual_seed(0)
    model = VAE(None, BernoulliDecoder(11, 3, 5), StandardNormal(3)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x, z = torch.rand(7, 11, generator=generator).double(), torch.randn(7, 3, generator=generator).double()
    expected = chains_at(lambda z: model.log_joint(x, z), z)
    blocks = BlockLogDensity([posterior(model, part) for part in x.split(3)], 3)
    for density in (posterior(model, x), blocks):
        torch.testing.assert_close(chains_at(density, z), expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(gradient_at(density, z), expected.gradient, rtol=1e-12, atol=1e-12)


def test_dynamic_targets_are_refused():
    model, stream = without_encoder(linear_gaussian()), Stream(data(30), 7, 0)
    stream.dynamic = True
    with pytest.raises(UserError, match=r"objective=mcem: .*; try: data\.targets=threshold"):
        next(MCEM(30, J).double()(model, stream))


@pytest.mark.parametrize("option", options("evaluator"))
def test_evaluators_do_without_an_encoder_or_refuse(option):
    """A refusal is one line, before anything is computed."""
    ((_, node),) = composed(f"evaluator={option}", root="evaluate").evaluator.items()
    evaluator, model = instantiate({**node, **SMALL.get(option, {})}), without_encoder(linear_gaussian())
    if option in ("quadrature", "ais", "bdmc", "reciprocal", "fitted_bound"):
        assert run_over(evaluator, model, data(3), 0).values[evaluator.primary_value].isfinite().all()
    else:
        with pytest.raises(UserError, match=f"evaluator={option}: "):
            run_over(evaluator, model, data(3), 0)


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "aevb.evaluators.quadrature.Quadrature", "tolerance": 1e-3},
        {"_target_": "aevb.evaluators.importance.Importance", "samples": 20_000, "prior_share": 1.0},
        {"_target_": "aevb.evaluators.reciprocal.Reciprocal", "chains": 1, "temperatures": 0, "samples": 100},
    ],
    ids=["quadrature", "draws of the prior", "one chain from the prior"],
)
def test_what_needs_no_encoder_is_right_without(node):
    """Within 0.4 nat of the closed form per image, fixed seeds; these estimators have errors of about 0.1 nat."""
    model, x = without_encoder(linear_gaussian()), data(3)
    log_px = run_over(instantiate(node), model, x, 0).values["log_px"]
    assert (log_px - model.decoder.marginal().log_prob(x)).abs().max() < 0.4


def test_the_config_takes_the_encoder_out():
    config = settings("objective=mcem", "latent_dim=3")
    assert config["model"]["encoder"] is None
    assert list(config["evaluator"]) == ["quadrature"]
    assert not instantiate(config["model"], data_dim=64).phi
    with pytest.raises(UserError, match="MCEM is no mean over data"):
        settings("objective=mcem", "trainer=ddp")

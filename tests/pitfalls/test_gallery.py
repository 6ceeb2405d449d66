"""Every pitfall is detected: by the test that the correct code passes, or by an independent answer."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import aevb.pitfalls
from aevb.config import CONF, options
from aevb.data.digits import Digits
from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.estimators.bound import bound
from aevb.evaluators.blocks import run_over
from aevb.evaluators.information import Information
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import RowNoise
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.pitfalls.batch_information import BatchInformation
from aevb.pitfalls.bce_as_marginal_likelihood import BCEAsMarginalLikelihood
from aevb.pitfalls.clipped_logs import ClippedLogs
from aevb.pitfalls.greys_as_data import GreysAsData
from aevb.pitfalls.keras_adagrad import keras_adagrad
from aevb.pitfalls.kl_sign import KLSign
from aevb.pitfalls.mean_of_logs import MeanOfLogs
from aevb.pitfalls.mean_reduced import MeanReduced
from aevb.pitfalls.missing_half import MissingHalf
from aevb.pitfalls.sigma_squared import SigmaSquared
from aevb.pitfalls.training_on_test import TrainingOnTest
from aevb.pitfalls.undetached_weights import UndetachedWeights
from helpers.objectives import first_update, gradient, gradients_and_bounds
from helpers.oracles import data, exact_bound, linear_gaussian
from helpers.statistics import assert_mean

FILES = sorted(path.stem for path in Path(aevb.pitfalls.__file__).parent.glob("[a-z]*.py"))


def claim_is_right(objective, draws=200):
    """As in tests/objectives/test_sgvb.py with fewer draws: the mean of the reported bounds is the exact bound."""
    _, claims = gradients_and_bounds(objective, linear_gaussian(), data(1).repeat(320, 1), draws)
    assert_mean(claims, exact_bound(linear_gaussian(), data(1)).item())


def gradient_is_right(objective, draws=200):
    """The mean of the gradients is the gradient of the exact bound."""
    model = linear_gaussian()
    gradients, _ = gradients_and_bounds(objective, model, data(1).repeat(320, 1), draws)
    assert_mean(gradients, gradient(-exact_bound(model, data(1)).mean(), model))


@pytest.mark.parametrize("check", [claim_is_right, gradient_is_right])
def test_the_right_objectives_pass_what_the_pitfalls_fail(check):
    for objective in (SGVB_A(), SGVB_B()):
        check(objective)


@pytest.mark.parametrize("check", [claim_is_right, gradient_is_right])
@pytest.mark.parametrize(
    "objective", [SigmaSquared(), MissingHalf(), MeanReduced(), KLSign(), UndetachedWeights()], ids=repr
)
def test_a_wrong_objective_fails_claim_and_gradient(objective, check):
    with pytest.raises(AssertionError, match="standard errors away"):
        check(objective, draws=100)


def test_sigma_squared_draws_with_the_wrong_spread():
    """At log sigma^2 = -0.5 and -1 the deviations are e^-0.5 and e^-1 instead of e^-0.25 and e^-0.5."""
    model, x = linear_gaussian(), data(1).repeat(20_000, 1)
    seen = []
    decode = model.decoder.forward
    model.decoder.forward = lambda z: seen.append(z.detach()) or decode(z)
    first_update(SigmaSquared(), model, x)
    first_update(SGVB_B(), model, x)
    log_var = model.encoder.log_var.detach()
    for z, scale in zip(seen, ((log_var).exp(), (0.5 * log_var).exp()), strict=True):
        assert_mean((z[0] - model.encoder(x).mean.detach()) ** 2, scale**2)


def test_undetached_weights_claim_more_than_there_is():
    """No bound exceeds log p(x) in expectation; this claim does."""
    model, x = linear_gaussian(exact_posterior=True), data(1)
    fill = torch.full_like(model.encoder.log_var, -0.3)  # a q too wide, so that the weights differ
    with torch.no_grad():
        model.encoder.log_var.copy_(fill)
    log_px = model.decoder.marginal().log_prob(x).item()
    objective = UndetachedWeights(samples=20)
    _, claims = gradients_and_bounds(objective, model, x, 500)
    assert claims.mean() - 5 * claims.std() / math.sqrt(500) > log_px
    assert claims.mean() < log_px + math.log(20)


def test_detached_weights_give_the_gradient_of_the_bound():
    """sum_k v_k grad log w_k = grad log 1/K sum_k w_k exactly; not with v in the graph."""
    log_w = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    (right,) = torch.autograd.grad((torch.logsumexp(log_w, 0) - math.log(5)).sum(), log_w)
    v = torch.softmax(log_w, 0)
    (detached,) = torch.autograd.grad((v.detach() * log_w).sum(), log_w, retain_graph=True)
    (undetached,) = torch.autograd.grad((v * log_w).sum(), log_w)
    torch.testing.assert_close(detached, right)
    assert (undetached - right).abs().max() > 0.1


def test_cross_entropy_and_mean_of_logs_are_not_log_px():
    model, x = linear_gaussian(exact_posterior=True), data(1).repeat(20_000, 1)
    log_px = model.decoder.marginal().log_prob(x[:1]).item()
    claim = run_over(BCEAsMarginalLikelihood(), model, x, seed=0)
    assert claim.mean() - 5 * claim.standard_error() > log_px
    other = linear_gaussian()
    for samples in (1, 50):
        evaluation = run_over(MeanOfLogs(samples), other, x[:4000], seed=0)
        assert_mean(evaluation.values["claimed_log_px"], exact_bound(other, x[:1]).item())


def bernoulli(scale: float = 1.0) -> VAE:
    model = VAE(GaussianEncoder(12, 2, 8), BernoulliDecoder(12, 2, 8), StandardNormal(2), "glorot").double()
    with torch.no_grad():
        model.decoder.logits.weight.mul_(scale)
    return model


def test_grey_drawn_and_cut_images_have_three_bounds():
    x = torch.rand(2000, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    evaluation = run_over(GreysAsData(), bernoulli(5.0), x, seed=0)
    grey, ceiling = evaluation.values["claimed_binary_bound"], evaluation.values["minus_entropy"]
    assert (grey < ceiling).all()
    assert ceiling[0] == pytest.approx(-torch.distributions.Bernoulli(x[0]).entropy().sum().item())
    cut = run_over(GreysAsData(), bernoulli(5.0), (x >= 0.5).double(), seed=0)
    error = math.hypot(cut.standard_error(), evaluation.standard_error("cut_bound"))
    assert abs(cut.mean() - evaluation.mean("cut_bound")) < 4.9 * error  # one seed in a million
    assert (cut.values["minus_entropy"] == 0).all()


def test_clipped_logs_limit_the_cost_of_a_confident_mistake():
    evaluation = run_over(ClippedLogs(), bernoulli(200.0), torch.rand(50, 12).round().double(), seed=0)
    assert evaluation.values["excess"].min() > -1e-3  # it costs a sure and right pixel almost nothing ...
    assert evaluation.values["excess"].max() > 10  # ... and saves a sure and wrong one most of its price
    logits = torch.linspace(-50, 50, 11).double()[:, None]
    y = torch.sigmoid(logits)
    assert ((y + 1e-6) + (1 - y + 1e-6) > 1).all()
    masses = torch.stack([Bernoulli(logits).log_prob(torch.full_like(logits, b)).exp() for b in (0.0, 1.0)]).sum(0)
    torch.testing.assert_close(masses, torch.ones_like(masses))
    with pytest.raises(UserError, match="model=bernoulli"):
        run_over(ClippedLogs(), linear_gaussian(), data(), seed=0)


def test_information_within_minibatches_has_a_ceiling():
    """Posteriors far apart: all 300 images are distinguished in the whole split, 10 in a minibatch."""
    model, x = linear_gaussian(), 500 * data(300)
    whole, batches = run_over(Information(), model, x, seed=0), run_over(BatchInformation(10), model, x, seed=0)
    assert whole.mean("mutual_information") == pytest.approx(math.log(300), abs=0.1)
    assert batches.mean() == pytest.approx(math.log(10), abs=1e-3)
    assert whole.mean("kl") == pytest.approx(batches.mean() + batches.mean("claimed_marginal_kl"))


def overlap(splits) -> int:
    """Return the number of test images that are training images too."""
    known = {row.tobytes() for row in splits.train.x}
    return sum(row.tobytes() in known for row in splits.test.x)


def test_no_test_image_is_trained_on():
    assert overlap(Digits().load()) == 0
    leaky = TrainingOnTest()
    assert overlap(leaky.load()) == 360
    assert "test images among the training images" in str(leaky.convention)
    assert np.array_equal(leaky.load().test.x, Digits().load().test.x)


def test_keras_adagrad_hardly_moves_on_small_gradients():
    """For a gradient of 1e-3 the first step is lr g / sqrt(0.1 + g^2), over a hundred times less than lr."""
    w = torch.nn.Parameter(torch.zeros(1))
    optimizer = keras_adagrad([w], lr=0.1)
    w.grad = torch.full((1,), 1e-3)
    optimizer.step()
    assert w.item() == pytest.approx(-0.1 * 1e-3 / (math.sqrt(0.1 + 1e-6) + 1e-7), rel=1e-4)
    assert abs(w.item()) < 0.1 / 100


def test_every_pitfall_has_its_config_and_its_documentation():
    """One file, one option and one table row for each; nothing else imports them."""
    assert set(FILES) == set(options("pitfall")) - {"right"}
    page = (CONF.parent / "docs" / "pitfalls.md").read_text()
    assert all(f"| `{name}` |" in page for name in FILES)
    source = Path(aevb.pitfalls.__file__).parents[1]
    for path in source.rglob("*.py"):
        assert path.parent.name == "pitfalls" or "import aevb.pitfalls" not in path.read_text()
        assert path.parent.name == "pitfalls" or "from aevb.pitfalls" not in path.read_text()


def test_bound_and_noise_are_those_of_the_right_estimator():
    """The pitfall evaluators use the correct estimator: without the mistake they agree."""
    model, x = linear_gaussian(), data()
    one, other = RowNoise(0, "test", range(7)), RowNoise(0, "test", range(7))
    claimed = BCEAsMarginalLikelihood().values(model, x, one)["claimed_log_px"]
    torch.testing.assert_close(claimed, bound(model, x, other).reconstruction)

"""Bernoulli latents: the KL divergence, the prior with its biases, and all evaluators on such a model."""

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import kl_divergence

import aevb
from aevb.config import options
from aevb.config.instantiate import instantiate
from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.estimators.enumeration import codes, enumeration
from aevb.estimators.mutual_information import information, log_aggregate, units
from aevb.evaluators.blocks import run_over
from aevb.figures.paper.figure4 import Figure4
from aevb.figures.paper.figure5 import Figure5
from aevb.models.bernoulli import LinearBernoulliDecoder, LinearBernoulliEncoder
from aevb.models.prior import BernoulliPrior
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.mcem import MCEM
from aevb.runs.run import finished
from aevb.training.minibatches import Stream
from helpers.binary_oracles import binary, exact_bound, images
from helpers.commands import composed, settings
from helpers.figure_runs import plant_model
from helpers.oracles import fill
from helpers.statistics import assert_mean

# An evaluator that takes binary z is named in DISCRETE; the property `latents` of any other leaves out "binary".
DISCRETE = (
    *("bound", "importance", "information", "total_correlation"),
    *("enumeration", "fitted_bound", "reconstruction", "shapes"),
)
REFUSING = ("bits_per_dim", "classification", "predictive")  # for reasons of their own


@pytest.mark.parametrize("logits", [torch.zeros(3), torch.tensor([-2.0, 0.5, 30.0])])
def test_the_kl_divergence_and_the_moments_are_torchs(logits):
    q, p = Bernoulli(torch.tensor([[0.3, -40.0, 2.0], [0.0, 1.0, -3.0]]).double()), Bernoulli(logits.double())
    reference = TorchBernoulli(logits=q.logits)
    expected = kl_divergence(reference, TorchBernoulli(logits=p.logits.expand(2, -1))).sum(-1)
    torch.testing.assert_close(q.kl(p), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(q.entropy(), reference.entropy().sum(-1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(q.log_var[1].exp(), reference.variance[1])
    assert q.mode.tolist() == [[1, 0, 1], [0, 1, 0]]
    if not logits.any():  # the lab's form
        rho = q.mean
        entropy = -torch.xlogy(rho, rho) - torch.xlogy(1 - rho, 1 - rho)
        torch.testing.assert_close(q.kl(p), (np.log(2) - entropy).sum(-1))


def test_the_prior_is_its_formula_and_is_drawn_from():
    """P(z; a) = prod exp(z_i a_i) / (1 + exp a_i), and 100,000 ancestral draws (helpers/statistics.py).

    a is learnt, or it is 0 and not stored.
    """
    prior, a = BernoulliPrior(3, learnt=True).double(), torch.tensor([-1.0, 0.2, 2.0]).double()
    fill(prior.logits, a)
    z = codes(3, a)
    torch.testing.assert_close(prior().log_prob(z).exp(), (torch.exp(z * a) / (1 + a.exp())).prod(-1))
    model = VAE(LinearBernoulliEncoder(4, 3), LinearBernoulliDecoder(4, 3), prior).double()
    assert_mean(model.sample_prior(100_000, Noise(0, "test", 0)), torch.sigmoid(a))
    x = model.generate(100_000, Noise(0, "test", 1)).sample(Noise(0, "test", 2))
    expected = (prior().log_prob(z).exp()[:, None] * model.decoder(z).mean).sum(0).detach()
    assert_mean(x, expected)
    assert any(parameter is prior.logits for parameter in model.theta)
    assert not list(BernoulliPrior(3).parameters()) + list(BernoulliPrior(3).state_dict())


@pytest.mark.parametrize("option", options("evaluator"))
def test_every_evaluator_works_or_refuses_in_one_line(option):
    """Importance sampling and the bound, with 5,000 draws, agree with enumeration to 5 errors for 7 images."""
    ((_, node),) = composed(f"evaluator={option}", root="evaluate").evaluator.items()
    more = {"importance": {"samples": 5_000}, "bound": {"samples": 5_000}, "fitted_bound": {"tolerance": 1e-6}}
    evaluator, model, x = instantiate({**node, **more.get(option, {})}), binary(4), images()
    if option in REFUSING:
        with pytest.raises(UserError):
            run_over(evaluator, model, x, 0)
    elif option in DISCRETE:
        values, truth = run_over(evaluator, model, x, 0).values, enumeration(model, x)
        assert values[evaluator.primary_value].isfinite().all()
        if option == "importance":
            assert ((values["log_px"] - truth.log_px).abs() < 5 * values["monte_carlo_error"]).all()
        if option in ("bound", "enumeration"):
            assert (values["bound"] - truth.bound).abs().max() < 0.2
        if option == "fitted_bound":
            assert ((truth.bound - 1e-9 <= values["bound"]) & (values["bound"] <= truth.log_px)).all()
    else:
        with pytest.raises(UserError, match=rf"evaluator={option}: needs a continuous z.*try: ") as refusal:
            run_over(evaluator, model, x, 0)
        assert "\n" not in str(refusal.value)


def test_the_exact_bound_of_the_evaluator_is_the_definitions():
    torch.testing.assert_close(enumeration(binary(4), images()).bound, exact_bound(binary(4), images()).detach())


def test_importance_by_the_prior_and_annealed_draws_of_none():
    model, x = binary(3), images()
    node = {"_target_": "aevb.evaluators.importance.Importance", "samples": 20_000, "prior_share": 1.0}
    values = run_over(instantiate(node), VAE(None, model.decoder, model.prior), x, 0).values
    truth = enumeration(model, x).log_px
    assert ((values["log_px"] - truth).abs() < 5 * values["monte_carlo_error"]).all()
    with pytest.raises(UserError, match="evaluator=importance: needs a continuous z"):
        run_over(instantiate({**node, "annealed": 2}), model, x, 0)


def test_information_of_binary_codes():
    """The aggregate is the written-out mixture, and the KL divergences of the dimensions add up.

    Images whose posteriors do not overlap have log N nats of mutual information.
    """
    model, x = binary(3), images(6)
    q, z = model.encoder(x), codes(3, x)
    expected = torch.stack([q.log_prob(one) for one in z]).logsumexp(1) - np.log(6)
    torch.testing.assert_close(log_aggregate(z, q), expected)
    estimate = units(model, x)
    assert estimate.kl.sum().item() == pytest.approx(q.kl(model.prior()).mean().item())
    np.testing.assert_allclose(estimate.variance, q.mean.var(0, unbiased=False).detach())
    sure = LinearBernoulliEncoder(9, 3).double()
    fill(sure.logits.weight, 200 * torch.eye(3, 9))
    fill(sure.logits.bias, torch.full((3,), -100.0))
    certain = codes(9, x)[:8]  # the first three pixels are the code
    carried = information(VAE(sure, model.decoder, model.prior), certain, Noise(0, "i", 0)).mutual_information
    torch.testing.assert_close(carried, torch.full((8,), np.log(8)).double())


def test_what_cannot_be_trained_is_refused_before_it_starts():
    for objective in ("sgvb_a", "sgvb_b", "iwae"):
        with pytest.raises(UserError, match=r"needs draws with a derivative, and those of BernoulliEncoder have none"):
            settings("model=binary", f"objective={objective}")
    for objective in ("score_function", "nvil", "vimco", "arm", "wake_sleep", "variational_em"):
        settings("model=binary", f"objective={objective}")
        settings("model=binary_linear", f"objective={objective}")
    with pytest.raises(UserError, match=r"needs draws of q"):
        binary(3).encoder(images()).rsample(Noise(0, "test", 0))
    with pytest.raises(UserError, match="objective=mcem: Hamiltonian chains need a continuous z"):
        next(MCEM(7, 3).double()(binary(3), Stream(images(), 7, 0)))
    assert settings("model=binary_linear", "objective=arm")["model"]["encoder"]["_target_"].endswith(
        "LinearBernoulliEncoder"
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    plant_model(folder, "data=digits", "model=binary", "objective=nvil", "latent_dim=2", "hidden_dim=7")
    return folder


def test_a_finished_run_encodes_reconstructs_and_draws_pixels(runs):
    (run,) = finished(runs)
    vae = aevb.load(run.directory)
    x = vae.test().x[:5]
    mean, log_var = vae.encode(x)
    np.testing.assert_allclose(np.exp(log_var), mean * (1 - mean), rtol=1e-4)
    np.testing.assert_allclose(vae.reconstruct(x), vae.decode((mean > 0.5).astype(np.float32)))
    means, drawn, mode = (vae.sample(4, seed=1, pixels=pixels) for pixels in ("means", "draws", "mode"))
    assert len(np.unique(means)) > 2
    assert set(np.unique(drawn)) == set(np.unique(mode)) == {0, 1}
    np.testing.assert_array_equal(mode, means > 0.5)
    with pytest.raises(UserError, match=r"pixels=x: .*allowed: means, draws, mode"):
        vae.sample(1, pixels="x")


def test_figure5_draws_binary_models_and_figure4_refuses(runs, tmp_path):
    files = Figure5([2], side=3, pixels="mode").draw(runs, tmp_path)
    assert "The likeliest x of p(x|z) at random draws" in files[-1].read_text()
    assert Figure4().wanted(finished(runs)) == []

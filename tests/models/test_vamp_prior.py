"""The VampPrior: the mixture of q(z|u_k) written out, its gradient in the encoder, and who owns which parameter."""

import copy
import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import distributions as td

from aevb.config.instantiate import instantiate
from aevb.errors import UserError
from aevb.estimators.bound import bound
from aevb.estimators.quadrature import quadrature
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.conditional import ConditionalBernoulliDecoder, ConditionalEncoder, ConditionalVAE
from aevb.models.families import FamilyEncoder
from aevb.models.gaussian import FixedVarianceDecoder, GaussianEncoder
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.standardised import StandardisedVAE
from aevb.models.two_layer import TwoLayerEncoder
from aevb.models.vae import VAE
from aevb.models.vamp_prior import VampPrior
from aevb.noise import Noise
from aevb.objectives.dreg import DReG
from aevb.objectives.iwae import IWAE
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.sgvb_a import SGVB_A
from aevb.training import assembly
from helpers.commands import settings
from helpers.objectives import first_update, gradients_and_bounds, minibatches, parameters
from helpers.oracles import data, fill
from helpers.statistics import assert_mean

D, J, K = 5, 2, 3


def small(decoder: type = FixedVarianceDecoder, **arguments: float) -> VAE:
    model = VAE(GaussianEncoder(D, J, 4), decoder(D, J, 4), VampPrior(D, K, **arguments), "glorot", seed=1)
    return model.double()


def written_out(model: VAE, z: torch.Tensor) -> torch.Tensor:
    parts = []
    for u in model.prior.pseudo_inputs:
        q = model.encoder(u)
        parts.append(td.Normal(q.mean, (q.log_var / 2).exp()).log_prob(z).sum(-1))
    return torch.stack(parts).logsumexp(0) - math.log(K)


@pytest.mark.parametrize("decoder", [FixedVarianceDecoder, BernoulliDecoder])
def test_it_is_the_mean_of_q_at_the_pseudo_inputs(decoder: type) -> None:
    model, z = small(decoder), torch.randn(4, 3, J).double()
    torch.testing.assert_close(model.prior().log_prob(z), written_out(model, z), rtol=1e-12, atol=1e-12)
    u = model.prior.pseudo_inputs
    assert torch.equal(u, model.prior.values if decoder is FixedVarianceDecoder else model.prior.values.sigmoid())


def test_one_pseudo_input_and_a_linear_encoder_are_a_normal_in_closed_form() -> None:
    """p(z) = N(A u + c, diag v), so that KL(q || p) = 1/2 (x - u)' A' V^-1 A (x - u)."""
    model = VAE(LinearGaussianEncoder(D, J), LinearGaussianDecoder(D, J), VampPrior(D, 1), "glorot").double()
    fill(model.encoder.log_var, torch.tensor([-0.5, 0.4]))
    x = data(3)
    shift = (x - model.prior.values) @ model.encoder.mean.weight.T
    exact = 0.5 * (shift**2 / model.encoder.log_var.exp()).sum(-1)
    assert_mean(bound(model, x.repeat(20_000, 1), Noise(0, "kl", 0)).kl.reshape(20_000, 3), exact.detach())


def test_standardised_models_have_pseudo_inputs_in_the_units_of_the_networks() -> None:
    encoder, decoder = GaussianEncoder(D, J, 4), FixedVarianceDecoder(D, J, 4)
    model = StandardisedVAE(encoder, decoder, VampPrior(D, K), D, "glorot").double()
    x = 100 + 20 * data(50)
    model.set_units(x)
    in_the_units_of_the_data = model.encoder.location + model.encoder.scale * model.prior.pseudo_inputs
    torch.testing.assert_close(model.prior().components.mean, model.encoder(in_the_units_of_the_data).mean)


@pytest.mark.parametrize("decoder", [FixedVarianceDecoder, BernoulliDecoder])
def test_it_begins_at_training_images(decoder: type) -> None:
    model, x = small(decoder), (5 * data(20)).sigmoid()
    model.prior.start_from(x, seed=2)
    distance = (model.prior.pseudo_inputs[:, None] - x).abs().amax(-1)
    assert distance.amin(1).max() <= (0.0101 if decoder is BernoulliDecoder else 0.0)
    assert len(distance.argmin(1).unique()) == K
    again = small(decoder, start="random")
    before = again.prior.values.detach().clone()
    again.prior.start_from(x, seed=2)
    assert torch.equal(again.prior.values, before)


def test_few_training_images_are_taken_more_than_once() -> None:
    model = small()
    model.prior.start_from(data(2), seed=0)
    assert torch.isin(model.prior.values, data(2)).all()


def test_a_run_of_standardised_data_begins_at_standardised_images() -> None:
    config = settings(
        "model=gaussian_linear",
        "model/prior=vamp",
        "objective=sgvb_a",
        "data=digits",
        "latent_dim=2",
        "trainer=default",
    )
    x = torch.from_numpy(np.random.default_rng(0).normal(100, 20, (50, 64))).float()
    job = SimpleNamespace(dataset=SimpleNamespace(dim=64, shape=(8, 8), unit_interval=False), classes=None, trusted=())
    model = assembly._model(job, config, x)
    standardised = (x - x.mean(0)) / x.std(0, correction=0)
    distance = (model.prior.pseudo_inputs[:, None] - standardised).abs().amax(-1)
    assert distance.amin(1).max() < 1e-4


def test_no_parameter_has_two_places() -> None:
    model = small()
    assert list(model.prior.parameters()) == [model.prior.values]
    assert [name for name in model.state_dict() if name.startswith("prior")] == ["prior.values"]
    counts = Counter(id(parameter) for parameter in [*model.theta, *model.phi])
    assert set(counts.values()) == {1}
    assert set(counts) == {id(parameter) for parameter in model.parameters()}
    assert len(counts) == len(model.state_dict())


def test_it_follows_the_encoder_of_a_copy_of_another_type_and_of_other_weights() -> None:
    model, z = small().float(), torch.randn(4, J).double()
    other = copy.deepcopy(model).double()
    with torch.no_grad():
        other.encoder.mean.weight.add_(0.5)
    torch.testing.assert_close(other.prior().log_prob(z), written_out(other, z), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(model.prior().log_prob(z.float()).double(), other.prior().log_prob(z), atol=0.01)
    model.double().load_state_dict(other.state_dict())
    torch.testing.assert_close(model.prior().log_prob(z), other.prior().log_prob(z), rtol=0, atol=0)


def test_a_second_model_leaves_the_prior_as_it_is() -> None:
    """Estimators make models with another q(z|x) and the same p(x, z)."""
    model, z = small(), torch.randn(4, J).double()
    before = model.prior().log_prob(z)
    VAE(LinearGaussianEncoder(D, J), model.decoder, model.prior)
    torch.testing.assert_close(model.prior().log_prob(z), before, rtol=0, atol=0)


def test_the_beginning_is_that_of_the_seed_and_near_the_standard_normal() -> None:
    config = settings("model/prior=vamp", "objective=sgvb_a", "data=digits", "latent_dim=2")["model"]
    models = [instantiate({**config, "seed": seed}, data_dim=64, data_shape=(8, 8)) for seed in (3, 3, 4)]
    values = [model.prior.values for model in models]
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])
    assert_mean(values[0].detach().double().flatten(), 0.0)
    pz = models[0].prior()
    assert pz.components.mean.abs().max() < 0.1
    assert pz.components.log_var.abs().max() < 0.1
    assert len(pz.components.mean.unique(dim=0)) == 100


@pytest.mark.parametrize("objective", [SGVB_A(2), IWAE(3)], ids=lambda o: type(o).__name__)
def test_the_gradient_reaches_the_pseudo_inputs_and_the_encoder_twice(objective: SGVB_A) -> None:
    """Central differences of the loss in theta and phi at fixed noise, step 1e-6, float64."""
    model, x = small(BernoulliDecoder), data().sigmoid()
    gradients = torch.autograd.grad(first_update(objective, model, x).loss, parameters(model))
    for parameter, exact in zip(parameters(model), gradients, strict=True):
        entries = parameter.detach().view(-1)
        for i in range(0, len(entries), 3):
            value, sides = entries[i].clone(), []
            for step in (1e-6, -1e-6):
                entries[i] = value + step
                sides.append(first_update(objective, model, x).loss.detach())
            entries[i] = value
            torch.testing.assert_close((sides[0] - sides[1]) / 2e-6, exact.flatten()[i], rtol=1e-5, atol=1e-7)
    held = VAE(copy.deepcopy(model.encoder), model.decoder, model.prior)  # p(z) keeps the other encoder, a copy
    partial = torch.autograd.grad(first_update(objective, held, x).loss, list(held.encoder.parameters()))
    assert not torch.allclose(partial[0], gradients[len(model.theta)], rtol=0.01)


@pytest.mark.parametrize(("objective", "same"), [(DReG(3), IWAE(3)), (ScoreFunction(3, "leave_one_out"), SGVB_A(3))])
def test_other_estimators_have_the_same_expected_gradient(objective: DReG, same: IWAE) -> None:
    """Differences of the two for 100 minibatches of 100 rows; failure rate 1e-6."""
    model, x = small(BernoulliDecoder), data(2).sigmoid().repeat(50, 1)
    one, other = (gradients_and_bounds(case, model, x, 100)[0] for case in (objective, same))
    assert_mean((one - other)[:, (one - other).std(0) > 1e-12], 0.0)
    assert (one - other).std(0).max() > 1e-4


def test_the_aggregate_posterior_is_the_better_prior() -> None:
    """With the training images as pseudo-inputs the bound is higher than under any other p(z), here N(0, I), by KL(q(z) || p(z))."""
    model, x = small(mean=0.0, std=1.0), data(8)
    with torch.no_grad():
        model.encoder.mean.weight.mul_(4)
        model.encoder.log_var.bias.fill_(-3)
    best = VAE(model.encoder, model.decoder, VampPrior(D, len(x)).double())
    fill(best.prior.values, x)
    plain = VAE(model.encoder, model.decoder, StandardNormal(J).double())
    rows = x.repeat(2_000, 1)
    other, higher, highest = (bound(each, rows, Noise(0, "z", 0)).bound for each in (model, plain, best))
    for lower in (other, higher):
        gain = highest - lower
        assert gain.mean() > 5 * gain.std() / len(gain) ** 0.5


@pytest.mark.parametrize("decoder", [FixedVarianceDecoder, BernoulliDecoder])
def test_quadrature_agrees_with_a_brute_lattice(decoder: type) -> None:
    model, x = small(decoder), data(3).sigmoid().round()
    with torch.no_grad():
        model.encoder.mean.bias.add_(torch.tensor([3.0, -6.0]))
    axis = torch.linspace(-16, 16, 801).double()
    z = torch.cartesian_prod(axis, axis)
    log_joint = model.prior().log_prob(z)[:, None] + model.decoder(z[:, None]).log_prob(x)
    brute = log_joint.logsumexp(0) + 2 * math.log(axis[1] - axis[0])
    torch.testing.assert_close(quadrature(model, x).log_px, brute.detach(), rtol=0, atol=2e-5)


def test_models_without_a_normal_q_of_the_image_alone_are_refused() -> None:
    decoder = BernoulliDecoder(D, J, 4)
    models = [
        lambda prior: VAE(None, decoder, prior),
        lambda prior: VAE(FamilyEncoder(D, J, 4, "laplace"), decoder, prior),
        lambda prior: VAE(GaussianEncoder(D, J, 4, variance=0), decoder, prior),
        lambda prior: VAE(TwoLayerEncoder(D, 1, 3, 1, 3), decoder, prior),
        lambda prior: ConditionalVAE(ConditionalEncoder(D, 2, J, 4), ConditionalBernoulliDecoder(D, 2, J, 4), prior),
    ]
    for make in models:
        with pytest.raises(UserError, match="try: model=bernoulli model/encoder=gaussian"):
            make(VampPrior(D, K))


def test_training_moves_the_pseudo_inputs() -> None:
    model, x = small(BernoulliDecoder), data(20).sigmoid().round()
    before = model.prior.values.detach().clone()
    optimizer = torch.optim.Adam(parameters(model), lr=0.05)
    losses = []
    for batch, _ in zip(minibatches(x), range(60), strict=False):
        (update,) = SGVB_A()(model, iter([batch]))
        optimizer.zero_grad()
        update.loss.backward()
        optimizer.step()
        losses.append(update.loss.item())
    assert sum(losses[-10:]) < sum(losses[:10])
    assert (model.prior.values - before).abs().min(-1).values.max() > 1e-3

"""The conditional VAE: with linear networks log p(x|y) is known in closed form; with one class it is the plain VAE."""

import pytest
import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.ais import ais
from aevb.estimators.importance import importance
from aevb.estimators.model_queries import log_px_z_of_all
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.conditional import (
    ConditionalBernoulliDecoder,
    ConditionalEncoder,
    ConditionalGaussianDecoder,
    ConditionalVAE,
    LabelledDecoder,
)
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.dreg import DReG
from aevb.objectives.iwae import IWAE
from aevb.objectives.mmd import MMD
from aevb.objectives.nvil import NVIL
from aevb.objectives.objective import Objective
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.vimco import VIMCO
from helpers.objectives import first_update, gradient, parameters

D, J, C, M = 4, 2, 3, 6
STD = 0.7


def rows(seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(M, D, generator=generator, dtype=torch.float64)
    return torch.cat([x, torch.eye(C, dtype=torch.float64)[torch.arange(M) % C]], -1)


def linear_model(shift: float = 0.0) -> ConditionalVAE:
    """p(x|z, y) = N(W z + V y + b, s^2 I); q(z|x, y) is the posterior, or `shift` beside it.

    The columns of W are orthogonal, so the covariance of the posterior is diagonal.
    """
    weight = torch.tensor([[1.0, 0.5], [1.0, -0.5], [-0.4, 1.0], [0.4, 1.0]], dtype=torch.float64)
    by_class = torch.randn(D, C, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    decoder, encoder = LinearGaussianDecoder(D, J + C).double(), LinearGaussianEncoder(D + C, J).double()
    precision = 1 + (weight**2).sum(0) / STD**2
    regression = weight.T / STD**2 / precision[:, None]
    with torch.no_grad():
        decoder.mean.weight.copy_(torch.cat([weight, by_class], -1)), decoder.mean.bias.fill_(0.2)
        decoder.log_var.fill_(2 * torch.tensor(STD, dtype=torch.float64).log())
        encoder.mean.weight.copy_(torch.cat([regression, -regression @ by_class], -1))
        encoder.mean.bias.copy_(-regression @ decoder.mean.bias + shift)
        encoder.log_var.copy_(-precision.log() + shift)
    return ConditionalVAE(encoder, LabelledDecoder(decoder, C), StandardNormal(J)).double()


def log_px_y(model: ConditionalVAE, x: Tensor) -> Tensor:
    """log N(x; V y + b, W W' + s^2 I), which no code of the package computes."""
    pixels, y = x[:, :D], x[:, D:]
    weight, bias = model.decoder.network.mean.weight, model.decoder.network.mean.bias
    covariance = weight[:, :J] @ weight[:, :J].T + STD**2 * torch.eye(D, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(y @ weight[:, J:].T + bias, covariance).log_prob(pixels)


def network(decoder: str = "bernoulli", classes: int = C) -> ConditionalVAE:
    kinds = {"bernoulli": ConditionalBernoulliDecoder, "gaussian": ConditionalGaussianDecoder}
    encoder = ConditionalEncoder(D, classes, J, 5)
    return ConditionalVAE(encoder, kinds[decoder](D, classes, J, 5), StandardNormal(J), "glorot").double()


@torch.no_grad()
def test_exact_posterior_gives_log_px_to_rounding():
    model, x = linear_model(), rows()
    qz_x = model.encoder(x)
    z = qz_x.sample(Noise(0, "noise", 0), 20)
    log_w = model.log_joint(x, z) - qz_x.log_prob(z)
    torch.testing.assert_close(log_w, log_px_y(model, x).expand_as(log_w), rtol=1e-10, atol=1e-10)
    estimate = importance(model, x, RowNoise(0, "importance", range(M)), 20).log_px
    torch.testing.assert_close(estimate, log_px_y(model, x), rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_importance_sampling_reaches_log_px_of_the_class():
    # A shift of 0.2: the error is below 0.01 nats here, and 0.05 is more than five standard errors. Another label of the
    # same images differs by whole nats.
    model, x = linear_model(0.2), rows()
    estimate = importance(model, x, RowNoise(0, "importance", range(M)), 5000).log_px
    torch.testing.assert_close(estimate, log_px_y(model, x), rtol=0, atol=0.05)
    other = torch.cat([x[:, :D], x[:, D:].roll(1, -1)], -1)
    assert (log_px_y(model, other) - estimate).abs().max() > 1


@torch.no_grad()
def test_ais_reaches_log_px_of_the_class():
    # Its standard error over chains is below 0.03 nats; 0.15 is five of them.
    model, x = linear_model(), rows()
    estimate = ais(model, x, RowNoise(0, "ais", range(M)), 100, 16, 2).log_px
    torch.testing.assert_close(estimate, log_px_y(model, x), rtol=0, atol=0.15)


def plain_of(model: ConditionalVAE) -> VAE:
    """The plain VAE whose biases are those of the conditional one plus the weights of its only class."""
    bernoulli = isinstance(model.decoder, ConditionalBernoulliDecoder)
    decoder = BernoulliDecoder(D, J, 5) if bernoulli else GaussianDecoder(D, J, 5)
    plain = VAE(GaussianEncoder(D, J, 5), decoder, StandardNormal(J)).double()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for part, inputs in (("encoder", D), ("decoder", J)):
        weight = state[f"{part}.hidden.weight"]
        state[f"{part}.hidden.bias"] += weight[:, inputs]
        state[f"{part}.hidden.weight"] = weight[:, :inputs]
    plain.load_state_dict(state)
    return plain


@pytest.mark.parametrize("decoder", ["bernoulli", "gaussian"])
def test_with_a_constant_label_it_is_the_plain_vae(decoder):
    model = network(decoder, classes=1)
    plain, pixels = plain_of(model), rows()[:, :D]
    x = torch.cat([pixels, torch.ones(M, 1, dtype=torch.float64)], -1)
    for objective in (SGVB_B(samples=2), IWAE(samples=3)):
        first, second = first_update(objective, model, x), first_update(objective, plain, pixels)
        torch.testing.assert_close(first.loss, second.loss, rtol=1e-12, atol=1e-12)
        first.loss.backward(), second.loss.backward()
    plain_parameters = dict(plain.named_parameters())
    for name, parameter in model.named_parameters():
        first = (
            parameter.grad[:, : plain_parameters[name].shape[1]] if name.endswith("hidden.weight") else parameter.grad
        )
        torch.testing.assert_close(first, plain_parameters[name].grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("decoder", ["bernoulli", "gaussian"])
def test_gradients_agree_with_finite_differences(decoder):
    model, x, step = network(decoder), rows(), 1e-6
    objective = SGVB_B(samples=2)
    exact = gradient(first_update(objective, model, x).loss, model)
    numbers = []
    for parameter in parameters(model):
        for index in range(parameter.numel()):
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter.view(-1)[index] += sign * step
                    values.append(first_update(objective, model, x).loss)
                    parameter.view(-1)[index] -= sign * step
            numbers.append((values[0] - values[1]) / (2 * step))
    torch.testing.assert_close(exact, torch.stack(numbers).to(exact), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "objective",
    [
        SGVB_A(),
        SGVB_B(),
        IWAE(),
        DReG(),
        BetaVAE(),
        ScoreFunction(),
        VIMCO(),
        NVIL(D + C).double(),
        MMD(alpha=0.5, weight=1.0),
    ],
    ids=lambda objective: type(objective).__name__,
)
def test_every_weight_of_a_label_has_a_gradient(objective: Objective):
    model = network()
    first_update(objective, model, rows()).loss.backward()
    for part, inputs in ((model.encoder, D), (model.decoder, J)):
        assert (part.hidden.weight.grad[:, inputs:].abs().sum(0) > 0).all()


def test_images_exist_for_given_labels_only():
    model = network()
    px_z = model.decoder(torch.zeros(2, J, dtype=torch.float64))
    for ask in (lambda: px_z.mean, lambda: px_z.mode, lambda: px_z.sample(Noise(0, "noise", 0))):
        with pytest.raises(UserError, match="given labels only"):
            ask()
    assert px_z.for_labels(torch.eye(C, dtype=torch.float64)[:2]).mean.shape == (2, D)


@torch.no_grad()
def test_generate_takes_the_classes_in_turn():
    model = network()
    images = model.generate(5, Noise(0, "samples", 0)).mean
    z = model.sample_prior(5, Noise(0, "samples", 0))
    y = torch.eye(C, dtype=torch.float64)[[0, 1, 2, 0, 1]]
    torch.testing.assert_close(images, model.decoder(z).for_labels(y).mean)
    assert (images[0] - images[1]).abs().max() > 1e-3


@pytest.mark.parametrize("decoder", ["bernoulli", "gaussian"])
@torch.no_grad()
def test_all_pairs_of_z_and_image_are_those_of_the_labels(decoder):
    model, x = network(decoder), rows()
    z = torch.randn(7, J, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    pairs = torch.stack([model.decode(z[[g] * M], x).log_prob(x[:, :D]) for g in range(7)])
    torch.testing.assert_close(log_px_z_of_all(model, x, z), pairs)

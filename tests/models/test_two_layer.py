"""Two stochastic layers: with linear networks log p(x) is known in closed form."""

import pytest
import torch

from aevb.config import ConfigError
from aevb.config.instantiate import instantiate
from aevb.distributions.base import NoClosedForm
from aevb.errors import UserError
from aevb.estimators.ais import ais
from aevb.estimators.importance import importance
from aevb.evaluators.ais import AIS
from aevb.models.linear import LinearGaussianDecoder, LinearGaussianEncoder
from aevb.models.two_layer import TwoLayerEncoder, TwoLayerPrior, TwoLayerVAE
from aevb.noise import Noise, RowNoise
from aevb.objectives.iwae import IWAE
from aevb.objectives.objective import Batch
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from helpers.commands import settings

D, J1, J2 = 4, 1, 1
A, S1, W, S = 0.8, 0.6, torch.tensor([[1.0], [-0.5], [0.3], [2.0]]), 0.7


def linear_model(exact: bool) -> TwoLayerVAE:
    """z1 = A z2 + S1 e, x = W z1 + b + S e; q is the posterior, or a wider one beside it."""
    encoder, prior = TwoLayerEncoder(D, J1, 3, J2, 3), TwoLayerPrior(J1, J2, 3)
    encoder.lower, encoder.upper = LinearGaussianEncoder(D, J1), LinearGaussianEncoder(J1, J2)
    prior.lower = LinearGaussianEncoder(J2, J1)
    decoder = LinearGaussianDecoder(D, J1)
    model = TwoLayerVAE(encoder, decoder, prior).double()
    bias, precision = torch.tensor([0.1, 0.2, -0.3, 0.4]), 1 / (A**2 + S1**2) + (W**2).sum().item() / S**2
    weight = W.T / S**2 / precision
    with torch.no_grad():
        prior.lower.mean.weight.fill_(A), prior.lower.mean.bias.zero_()
        prior.lower.log_var.fill_(2 * torch.tensor(S1).log())
        decoder.mean.weight.copy_(W), decoder.mean.bias.copy_(bias)
        decoder.log_var.fill_(2 * torch.tensor(S).log())
        shift = 0.0 if exact else 0.1
        encoder.lower.mean.weight.copy_(weight), encoder.lower.mean.bias.copy_(-weight @ bias + shift)
        encoder.lower.log_var.fill_(-torch.tensor(precision).log() + shift)
        encoder.upper.mean.weight.fill_(A / (A**2 + S1**2)), encoder.upper.mean.bias.fill_(shift)
        encoder.upper.log_var.fill_(torch.tensor(S1**2 / (A**2 + S1**2)).log() + shift)
    return model


def log_px(model: TwoLayerVAE, x: torch.Tensor) -> torch.Tensor:
    lower, below = model.prior.lower, model.decoder.decoder
    variance = lower.mean.weight @ lower.mean.weight.T + torch.diag(lower.log_var.exp())
    weight = below.mean.weight
    noise = below.log_var.exp().expand(D).diag()
    covariance = weight @ variance @ weight.T + noise
    return torch.distributions.MultivariateNormal(below.mean.bias, covariance).log_prob(x)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(6, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@torch.no_grad()
def test_at_the_exact_posterior_every_weight_is_the_likelihood(x):
    model = linear_model(exact=True)
    qz_x = model.encoder(x)
    z = qz_x.sample(Noise(0, "noise", 0), 50)
    log_w = model.log_joint(x, z) - qz_x.log_prob(z)
    torch.testing.assert_close(log_w, log_px(model, x).expand_as(log_w), rtol=1e-6, atol=1e-6)


@torch.no_grad()
def test_the_log_variances_are_those_of_both_networks(x):
    """The second network is evaluated at the mean of the first; z1 has two columns and precedes z2, in q and in p."""
    torch.manual_seed(0)
    encoder, prior = TwoLayerEncoder(D, 2, 3, 1, 3).double(), TwoLayerPrior(2, 1, 3).double()
    below = encoder.lower(x)
    above = encoder.upper(below.mean)
    torch.testing.assert_close(encoder(x).log_var, torch.cat([below.log_var, above.log_var], 1))
    zero = torch.zeros(1).double()
    torch.testing.assert_close(prior().log_var, torch.cat([prior.lower(zero).log_var, zero]))


@torch.no_grad()
def test_importance_sampling_and_ais_agree_with_the_closed_form(x):
    """Each error is below 5 standard errors of the weights for 12 numbers: fails once in 10^5 seeds."""
    model = linear_model(exact=False)
    truth = log_px(model, x)
    estimate = importance(model, x, RowNoise(0, "noise", range(len(x))), 5000)
    assert ((estimate.log_px - truth).abs() < 5 * estimate.monte_carlo_error + 1e-6).all()
    annealed = ais(model.non_centred(), x, RowNoise(0, "noise", range(len(x))), 100, 20, 4, "prior")
    assert ((annealed.log_px - truth).abs() < 5 * annealed.monte_carlo_error.clamp(min=0.02)).all()


@torch.no_grad()
def test_non_centred_coordinates_are_the_same_model(x):
    model = linear_model(exact=False)
    other = model.non_centred()
    u = other.prior().sample(Noise(3, "noise", 0), 200_000)
    z = model.prior().sample(Noise(4, "noise", 0), 200_000)
    one, two = (
        m.decoder(v).log_prob(x[:1]).logsumexp(0) - torch.tensor(2e5).log() for m, v in ((other, u), (model, z))
    )
    torch.testing.assert_close(one, two, rtol=0, atol=0.05)


def test_the_gradient_raises_the_bound_to_the_likelihood(x):
    """Stochastic ascent on phi alone ends at the exact posterior, where the bound has no gap."""
    model = linear_model(exact=False)
    optimizer = torch.optim.Adam(model.phi, lr=0.02)
    for t in range(400):
        (update,) = SGVB_A(samples=8)(model, iter([Batch(x, torch.arange(6), Noise(0, "noise", t))]))
        optimizer.zero_grad()
        update.loss.backward(inputs=list(model.phi))
        optimizer.step()
    (update,) = IWAE(1000)(model, iter([Batch(x, torch.arange(6), Noise(1, "noise", 0))]))
    assert update.stats["bound"] == pytest.approx(log_px(model, x).mean().item(), abs=0.02)
    assert update.stats["importance"] == pytest.approx(log_px(model, x).mean().item(), abs=0.01)


def test_what_it_is_not_for_is_refused():
    model = linear_model(exact=True)
    with pytest.raises(NoClosedForm):
        next(SGVB_B()(model, iter([Batch(torch.zeros(2, D).double(), torch.arange(2), Noise(0, "noise", 0))])))
    with pytest.raises(UserError, match="starts at the prior"):
        AIS(start="encoder").check(model)
    AIS().check(model)
    with pytest.raises(ConfigError) as error:
        settings("model=two_layer")
    assert error.value.faults == [
        "objective=sgvb_b: TwoLayerVAE cannot be trained by it; allowed: sgvb_a, iwae; try: objective=iwae"
    ]


def test_the_config_builds_it_and_initial_values_depend_on_the_seed():
    node = settings("model=two_layer", "objective=iwae", "latent_dim=3", "hidden_dim=[5,4]")["model"]
    one, same, other = (instantiate({**node, "seed": seed}, data_dim=6, data_shape=(2, 3)) for seed in (0, 0, 1))
    assert one.latent_dim == 53
    for (name, value), (_, again), (_, different) in zip(
        one.named_parameters(), same.named_parameters(), other.named_parameters(), strict=True
    ):
        assert torch.equal(value, again), name
        assert value.dim() < 2 or not torch.equal(value, different), name

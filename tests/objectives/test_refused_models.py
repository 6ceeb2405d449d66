"""Pairs of an objective and a model for which a formula does not hold are refused, and the others compute what they state."""

import pytest
import torch

from aevb.config.instantiate import instantiate
from aevb.distributions.families import FAMILIES
from aevb.distributions.reparameterised import ReparameterisedDistribution
from aevb.errors import UserError
from aevb.models.autoregressive import AutoregressiveDecoder
from aevb.models.bernoulli import BernoulliDecoder, BernoulliEncoder
from aevb.models.families import FamilyEncoder, FamilyPrior
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.linear import LinearGaussianDecoder
from aevb.models.prior import BernoulliPrior, StandardNormal
from aevb.models.two_layer import TwoLayerEncoder, TwoLayerPrior, TwoLayerVAE
from aevb.models.vae import VAE
from aevb.models.weight_posterior import SampledDecoder
from aevb.noise import Noise, RowNoise
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.gan import GAN
from aevb.objectives.lagging import Lagging
from aevb.objectives.mmd import MMD
from aevb.objectives.objective import Batch
from aevb.objectives.sgvb_a import SGVB_A
from helpers.commands import settings

D, J = 6, 2
X = torch.rand((4, D), generator=torch.Generator().manual_seed(0)).round()


class Repeat:
    """A stream that repeats its images."""

    def __init__(self, x: torch.Tensor) -> None:
        self.x, self.dynamic, self.minibatches = x, False, 0

    def __iter__(self) -> "Repeat":
        return self

    def __next__(self) -> Batch:
        self.minibatches += 1
        return Batch(self.x, torch.arange(len(self.x)), Noise(0, "noise", self.minibatches))


def test_a_gan_needs_a_mean_with_a_gradient() -> None:
    with pytest.raises(UserError, match=r"^objective=gan: the mean .* has no gradient.*try: model=bernoulli$"):
        list(GAN(D, 3)(VAE(None, AutoregressiveDecoder(D, J, 3), StandardNormal(J), "glorot"), Repeat(X)))
    with pytest.raises(UserError, match=r"^model.decoder=AutoregressiveDecoder: .*try: model=bernoulli$"):
        settings("data=digits", "data.targets=threshold", "objective=gan", "model=autoregressive")


def test_a_sampled_theta_is_that_of_every_weight() -> None:
    """The decoder with q(theta) against one that holds the sample: the earlier pixels have weights too."""
    decoder, other = AutoregressiveDecoder(D, J, 3, context_dim=4), AutoregressiveDecoder(D, J, 3, context_dim=4)
    theta = torch.randn(sum(p.numel() for p in decoder.parameters()), generator=torch.Generator().manual_seed(1))
    torch.nn.utils.vector_to_parameters(theta, other.parameters())
    z = torch.randn((4, J), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(SampledDecoder(decoder, theta)(z).log_prob(X), other(z).log_prob(X))
    theta.requires_grad_()
    SampledDecoder(decoder, theta)(z).log_prob(X).sum().backward()
    direct = theta.grad[: D * D].view(D, D)
    assert (direct.tril(-1).abs().sum(1)[1:] > 0).any()


@pytest.mark.parametrize("family", ["laplace", "logistic"])
def test_lagging_refuses_what_its_information_does_not_hold_for(family: str) -> None:
    prior = FamilyPrior(J, "laplace") if family == "laplace" else StandardNormal(J)
    model = VAE(FamilyEncoder(D, J, 3, family), BernoulliDecoder(D, J, 3), prior, "glorot")
    with pytest.raises(UserError, match=r"^objective=lagging: .*allowed: a diagonal normal"):
        list(Lagging(SGVB_A())(model, Repeat(X)))


def test_a_wrapped_objective_needs_a_derivative_too() -> None:
    with pytest.raises(UserError, match="needs draws with a derivative"):
        settings(
            "data=digits",
            "data.targets=threshold",
            "objective=lagging",
            "objective@objective.objective=sgvb_b",
            "model=binary",
        )


def test_the_refusal_of_a_point_names_its_objective() -> None:
    encoder = GaussianEncoder(D, J, 3, variance=0.0)
    with pytest.raises(UserError, match=r"^model.encoder.variance=0: .*objective=autoencoder"):
        list(BetaVAE()(VAE(encoder, BernoulliDecoder(D, J, 3), StandardNormal(J), "glorot"), Repeat(X)))


@pytest.mark.parametrize("family", ["laplace", "student_t", "gumbel"])
def test_mmd_takes_any_prior_that_can_be_drawn(family: str) -> None:
    prior = StandardNormal(J) if family == "gumbel" else FamilyPrior(J, family)
    model = VAE(FamilyEncoder(D, J, 3, family), BernoulliDecoder(D, J, 3), prior, "glorot")
    (update,) = list(MMD()(model, Repeat(X)))
    update.loss.backward()
    assert update.loss.isfinite()
    assert all(parameter.grad is not None for parameter in model.phi)


def test_the_weight_that_mmd_proposes_is_accepted() -> None:
    with pytest.raises(UserError) as refusal:
        MMD(alpha=0.1234567, weight=0.5)
    MMD(alpha=0.1234567, weight=float(str(refusal.value).rpartition("=")[2]))


@pytest.mark.parametrize(
    ("family", "name", "value"), [("student_t", "df", 1.0), ("pareto", "alpha", 0.5), ("f", "df2", 1.0)]
)
def test_a_fixed_parameter_lies_above_its_lower_bound(family: str, name: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"^model.encoder.fixed.{name}={value:g}: ") as refusal:
        FamilyEncoder(D, J, 3, family, {name: value})
    proposed = float(str(refusal.value).rpartition("=")[2])
    FamilyEncoder(D, J, 3, family, {name: proposed})


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"dirichlet"}))
def test_all_parameters_of_a_family_may_be_fixed(family: str) -> None:
    above = {name: max(bound, 0) + 1.0 for name, bound in FAMILIES[family].parameters.items()}
    q = FamilyEncoder(D, J, 3, family, above)(X)
    assert q.rsample(Noise(0, "z", 0)).shape == (len(X), J)


@pytest.mark.parametrize("family", ["beta", "dirichlet"])
def test_draws_of_tiny_concentrations_are_finite(family: str) -> None:
    values = {name: torch.full((500, 3), 1e-3) for name in FAMILIES[family].parameters}
    z = ReparameterisedDistribution(family, values).rsample(RowNoise(0, "z", range(500)))
    assert z.isfinite().all()


@pytest.mark.parametrize("family", ["logistic", "reciprocal"])
def test_moments_lie_on_the_device_of_the_parameters(family: str) -> None:
    values = {name: torch.ones((2, 3), device="meta") for name in FAMILIES[family].parameters}
    q = ReparameterisedDistribution(family, values)
    assert q._median().device.type == q.log_var.device.type == "meta"


@pytest.mark.parametrize("objective", ["score_function", "nvil"])
def test_a_running_mean_that_never_changes_is_refused(objective: str) -> None:
    with pytest.raises(UserError, match=r"objective.decay=1: out of range; allowed: a number >= 0 and < 1"):
        settings("data=digits", "data.targets=threshold", f"objective={objective}", "model=binary", "objective.decay=1")


def test_supports_of_binary_and_real_latents_do_not_match() -> None:
    decoder = BernoulliDecoder(D, J, 3)
    for encoder, prior in (
        (GaussianEncoder(D, J, 3), BernoulliPrior(J)),
        (BernoulliEncoder(D, J, 3), StandardNormal(J)),
    ):
        with pytest.raises(UserError, match=r"^model.prior: "):
            VAE(encoder, decoder, prior)
    VAE(BernoulliEncoder(D, J, 3), decoder, BernoulliPrior(J))
    VAE(None, decoder, BernoulliPrior(J))


def test_who_learns_a_variance_of_every_pixel_says_so() -> None:
    assert not LinearGaussianDecoder(D, J).learned_variance
    own = LinearGaussianDecoder(D, J, shared=False)
    assert own.learned_variance
    two = TwoLayerVAE(TwoLayerEncoder(D, J, 3, 1, 2), own, TwoLayerPrior(J, 1, 2))
    assert two.decoder.learned_variance


@pytest.mark.parametrize("objective", ["mcem", "variational_em", "gan"])
def test_a_standardised_model_may_have_no_encoder(objective: str) -> None:
    config = settings("data=digits", "model=gaussian_linear", f"objective={objective}", "latent_dim=2", "hidden_dim=3")
    model = instantiate(config["model"], data_dim=D, data_shape=(D, 1))
    model.set_units(X)
    assert not model.has_encoder
    assert model.decoder(torch.zeros(3, 2)).mean.shape == (3, D)


def test_a_floor_of_the_variance_counts_in_a_model_with_two_layers() -> None:
    decoders = [GaussianDecoder(D, J, 3, min_std=floor) for floor in (0.0, 0.1)]
    models = [TwoLayerVAE(TwoLayerEncoder(D, J, 3, 1, 2), decoder, TwoLayerPrior(J, 1, 2)) for decoder in decoders]
    assert [bool(model.decoder.learned_variance) for model in models] == [True, False]

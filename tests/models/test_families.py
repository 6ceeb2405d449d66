"""Models whose q(z|x) or p(z) is of another family: KL divergences, sampled bounds and refusals."""

import pytest
import torch

from aevb.distributions import DiagonalNormal
from aevb.distributions.base import NoClosedForm
from aevb.distributions.families import FAMILIES
from aevb.errors import UserError
from aevb.estimators.bound import bound
from aevb.evaluators.ais import AIS
from aevb.evaluators.bdmc import BDMC
from aevb.evaluators.bits_per_dim import BitsPerDim
from aevb.evaluators.bound import Bound
from aevb.evaluators.importance import Importance
from aevb.evaluators.inference_gap import InferenceGap
from aevb.evaluators.information import Information
from aevb.evaluators.quadrature import Quadrature
from aevb.evaluators.reciprocal import Reciprocal
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.families import FamilyEncoder, FamilyPrior
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from helpers.statistics import assert_mean


def model(encoder: str, prior: str | None, **fixed: float) -> VAE:
    decoder = BernoulliDecoder(6, 2, 4)
    p = StandardNormal(2) if prior is None else FamilyPrior(2, prior)  # type: ignore[arg-type]
    q = GaussianEncoder(6, 2, 4) if encoder == "gaussian" else FamilyEncoder(6, 2, 4, encoder, fixed)  # type: ignore[arg-type]
    return VAE(q, decoder, p, "glorot", seed=3)


CLOSED = [("laplace", None), ("uniform", None), ("gumbel", None), ("cauchy", "cauchy"), ("exponential", "exponential")]
CLOSED += [
    ("reciprocal", "log_normal"),
    ("gamma", "exponential"),
    ("log_normal", "log_normal"),
    ("beta", "beta"),
    ("dirichlet", "dirichlet"),
]
SAMPLED = [
    ("logistic", None),
    ("student_t", None),
    ("triangular", None),
    ("weibull", "exponential"),
    ("f", "log_normal"),
]
SAMPLED += [
    ("kumaraswamy", "beta"),
    ("gompertz", "exponential"),
    ("gaussian", "logistic"),
]


@pytest.mark.parametrize(("encoder", "prior"), CLOSED)
def test_closed_form_kl_is_the_mean_of_log_ratios(encoder: str, prior: str | None) -> None:
    """2e4 draws for each of two images; failure rate 1e-6."""
    vae, x = model(encoder, prior), torch.rand((2, 6), generator=torch.Generator().manual_seed(1))
    q, p = vae.encoder(x), vae.prior()
    z = q.sample(Noise(5, "draws", 0), 20_000)
    assert_mean((q.log_prob(z) - p.log_prob(z)).double(), q.kl(p).detach().double())


@pytest.mark.parametrize(("encoder", "prior"), SAMPLED)
def test_kl_without_a_closed_form_is_refused(encoder: str, prior: str | None) -> None:
    vae, x = model(encoder, prior), torch.rand((3, 6), generator=torch.Generator().manual_seed(1))
    with pytest.raises(
        NoClosedForm,
        match=r"KL\(.* \|\| .*\): no closed form for this model/encoder= and model/prior=; .*try: objective=sgvb_a",
    ):
        vae.encoder(x).kl(vae.prior())
    estimate = bound(vae, x, Noise(6, "bound", 0), 50)
    q, z = vae.encoder(x), vae.encoder(x).sample(Noise(6, "bound", 0), 50)
    expected = (vae.log_joint(x, z) - q.log_prob(z)).mean(0)
    torch.testing.assert_close(estimate.bound, expected.detach())
    assert vae.generate(4, Noise(7, "samples", 0)).mean.shape == (4, 6)


@pytest.mark.parametrize(
    ("encoder", "prior"),
    [
        ("laplace", "exponential"),
        ("exponential", None),
        ("cauchy", None),
        ("beta", "exponential"),
        ("gaussian", "beta"),
        ("dirichlet", "beta"),
    ],
)
def test_an_infinite_kl_divergence_is_refused(encoder: str, prior: str | None) -> None:
    with pytest.raises(UserError, match=r"model\.prior: .*infinite.*try: "):
        model(encoder, prior)


def test_fixed_parameters_do_not_depend_on_x() -> None:
    vae = model("student_t", None, df=5.0)
    q = vae.encoder(torch.rand(3, 6))
    assert (q.parameters["df"] == 5).all()
    assert set(vae.encoder.heads) == {"loc", "scale"}
    with pytest.raises(
        UserError, match=r"model\.encoder\.fixed\.dof: student_t has no such parameter; allowed: loc, scale, df"
    ):
        model("student_t", None, dof=5.0)


def test_an_encoder_with_zero_weights_is_the_standard_member() -> None:
    for family in ("laplace", "student_t", "exponential", "log_normal", "beta", "dirichlet", "cauchy"):
        encoder = FamilyEncoder(6, 2, 4, family)  # type: ignore[arg-type]
        torch.nn.init.zeros_(encoder.hidden.weight), torch.nn.init.zeros_(encoder.hidden.bias)
        for head in encoder.heads.values():
            torch.nn.init.zeros_(head.bias)
        q, p = encoder(torch.zeros(1, 6)), FamilyPrior(2, family)()  # type: ignore[arg-type]
        for name, value in p.parameters.items():
            torch.testing.assert_close(q.parameters[name][0], value)


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_stay_above_their_bounds(family: str) -> None:
    """softplus(-200) is 0 in float32, and 2 + softplus(-20) is 2, where the F distribution has no mean."""
    encoder = FamilyEncoder(6, 2, 4, family)
    for bias in (-200.0, -20.0):
        for head in encoder.heads.values():
            torch.nn.init.constant_(head.bias, bias)
        q = encoder(torch.rand((3, 6), generator=torch.Generator().manual_seed(0)))
        for name, above in FAMILIES[family].parameters.items():
            assert (q.parameters[name] > above).all()
        assert not q.mean.isnan().any()


def test_the_kl_of_log_normals_is_that_of_appendix_b() -> None:
    vae, x = model("log_normal", "log_normal"), torch.rand(3, 6)
    q = vae.encoder(x)
    normal = DiagonalNormal(q.parameters["loc"], 2 * q.parameters["scale"].log())
    torch.testing.assert_close(q.kl(vae.prior()), normal.kl(StandardNormal(2)()))


@pytest.mark.parametrize(("encoder", "prior"), [("laplace", None), ("exponential", "exponential")])
def test_evaluators_of_normals_refuse_other_families(encoder: str, prior: str | None) -> None:
    vae = model(encoder, prior)
    of_greys = VAE(vae.encoder, GaussianDecoder(6, 2, 4), vae.prior)  # bits_per_dim needs a density of the pixels
    for evaluator in (
        AIS(),
        BDMC(),
        Reciprocal(),
        Information(),
        InferenceGap(),
        Quadrature(),
        Importance(annealed=5),
    ):
        with pytest.raises(
            UserError, match=rf"^evaluator={evaluator.name}: takes q\(z\|x\) and p\(z\) for normal .*try: .*$"
        ):
            evaluator.check(vae)
    for fitting in (Bound(), Importance()):
        fitting.check(vae)
    BitsPerDim(256).check(of_greys)

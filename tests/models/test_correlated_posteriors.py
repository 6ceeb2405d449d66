"""q(z|x) whose coordinates depend on each other: bounds of a linear-Gaussian model, and what is refused or right."""

import pytest
import torch
from torch import Tensor, nn

from aevb.config.families import CORRELATED
from aevb.distributions import NoClosedForm
from aevb.errors import UserError
from aevb.estimators.bound import bound
from aevb.estimators.importance import importance
from aevb.estimators.quadrature import quadrature
from aevb.evaluators.ais import AIS
from aevb.evaluators.bdmc import BDMC
from aevb.evaluators.calibration import Calibration
from aevb.evaluators.evaluator import Evaluator, kind_of_latents
from aevb.evaluators.fitted_bound import FittedBound
from aevb.evaluators.importance import Importance
from aevb.evaluators.inference_gap import InferenceGap
from aevb.evaluators.information import Information
from aevb.evaluators.quadrature import Quadrature
from aevb.evaluators.reciprocal import Reciprocal
from aevb.models.full_covariance import FullCovarianceEncoder
from aevb.models.inverse_autoregressive import InverseAutoregressiveEncoder
from aevb.models.planar import PlanarEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise
from aevb.objectives.objective import Batch
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.wake_sleep import WakeSleep
from helpers.oracles import D, J, data, fill, linear_gaussian

ENCODERS = {
    "full_covariance": lambda: FullCovarianceEncoder(D, J, D),
    "planar": lambda: PlanarEncoder(D, J, 4, flows=4),
    "iaf": lambda: InverseAutoregressiveEncoder(D, J, 4, flows=2, masked_dim=6),
}
KINDS = pytest.mark.parametrize("kind", ENCODERS)


def model(kind: str) -> VAE:
    """A linear-Gaussian model with another encoder; the two columns of W are nearly parallel, so that z1 and z2 are correlated."""
    of_lines = linear_gaussian()
    weight = of_lines.decoder.mean.weight
    fill(weight, torch.stack([weight[:, 0], weight[:, 0] + 0.4 * weight[:, 1]], 1))
    return VAE(ENCODERS[kind](), of_lines.decoder, of_lines.prior, None).double()


def posterior(vae: VAE, x: Tensor) -> torch.distributions.MultivariateNormal:
    weight, s2 = vae.decoder.mean.weight, vae.decoder.log_var.exp()
    precision = weight.T @ weight / s2 + torch.eye(J, dtype=torch.float64)
    mean = (x - vae.decoder.mean.bias) @ weight / s2 @ torch.linalg.inv(precision)
    return torch.distributions.MultivariateNormal(mean, precision_matrix=precision)


def gap_of_the_best_diagonal(vae: VAE, x: Tensor) -> Tensor:
    """KL(N(mu, diag 1/P_jj) || N(mu, P^-1)) = 1/2 (sum_j log P_jj - log |P|)."""
    precision = posterior(vae, x).precision_matrix
    return 0.5 * (precision.diagonal(dim1=-2, dim2=-1).log().sum(-1) - torch.logdet(precision))


@torch.no_grad()
def exact(x: Tensor) -> VAE:
    """h = x, and the heads are those of the exact posterior."""
    vae = model("full_covariance")
    encoder, truth = vae.encoder, posterior(vae, x)
    encoder.activation = lambda h: h
    fill(encoder.hidden.weight, torch.eye(D)), encoder.hidden.bias.zero_()
    columns = torch.eye(D, dtype=torch.float64)
    at_zero = posterior(vae, 0 * columns[:1]).mean[0]
    fill(encoder.mean.weight, (posterior(vae, columns).mean - at_zero).T), fill(encoder.mean.bias, at_zero)
    factor = truth.scale_tril[0]
    for head, value in ((encoder.log_var, 2 * factor.diagonal().log()), (encoder.lower, factor[1:2, 0] / factor[1, 1])):
        head.weight.zero_(), fill(head.bias, value)
    return vae


def test_a_full_covariance_reaches_the_likelihood_and_no_diagonal_does() -> None:
    x = data()
    vae = exact(x)
    log_px = vae.decoder.marginal().log_prob(x)
    estimate = bound(vae, x, Noise(0, "test", 0), 2_000)
    qz_x = vae.encoder(x)
    z = qz_x.sample(Noise(0, "test", 0), 5)
    torch.testing.assert_close(vae.log_joint(x, z) - qz_x.log_prob(z), log_px.expand(5, -1), rtol=0, atol=1e-9)
    torch.testing.assert_close(estimate.bound, log_px, rtol=0, atol=0.2)  # sampled reconstruction, exact KL
    torch.testing.assert_close(qz_x.kl(vae.prior()), torch.distributions.kl_divergence(posterior(vae, x), of(vae)))
    assert gap_of_the_best_diagonal(vae, x).min() > 0.2


def of(vae: VAE) -> torch.distributions.MultivariateNormal:
    return torch.distributions.MultivariateNormal(vae.prior().mean, torch.eye(J, dtype=torch.float64))


@KINDS
def test_training_gets_closer_to_the_posterior_than_any_diagonal_normal(kind: str) -> None:
    """One image; at the end the bound is estimated by 20,000 draws, whose error is below 0.005 nats."""
    x, vae = data(1), model(kind)
    torch.manual_seed(0)
    for parameter in vae.phi:
        nn.init.normal_(parameter, std=0.3)
    optimizer = torch.optim.Adam(vae.phi, lr=0.03)
    for t in range(200):
        (update,) = SGVB_A(samples=16)(vae, iter([Batch(x, torch.arange(1), Noise(0, "noise", t))]))
        optimizer.zero_grad()
        update.loss.backward(inputs=list(vae.phi))
        optimizer.step()
    gap = vae.decoder.marginal().log_prob(x) - bound(vae, x, Noise(1, "noise", 0), 20_000).bound
    assert gap.item() < 0.5 * gap_of_the_best_diagonal(vae, x).item()


@KINDS
@torch.no_grad()
def test_importance_sampling_agrees_with_the_likelihood_and_with_quadrature(kind: str) -> None:
    """Seven images; failure rate 1e-5. Draws in several calls: a flow knows the density of the last one only."""
    torch.manual_seed(0)
    vae, x = model(kind), data()
    for parameter in vae.phi:
        nn.init.normal_(parameter, std=0.2)
    log_px = vae.decoder.marginal().log_prob(x)
    estimate = importance(vae, x, RowNoise(0, "noise", range(7)), 4_000, 3_000, prior_share=0.5)
    assert ((estimate.log_px - log_px).abs() < 5 * estimate.monte_carlo_error + 1e-6).all()
    plain = [importance(vae, x, RowNoise(0, "noise", range(7)), 100, size).log_px for size in (70, 10_000)]
    torch.testing.assert_close(*plain)
    torch.testing.assert_close(quadrature(vae, x).log_px, log_px, rtol=0, atol=1e-4)


@KINDS
@pytest.mark.parametrize("objective", [ScoreFunction(), WakeSleep()], ids=repr)
def test_objectives_that_hold_z_fixed_have_the_gradient_of_the_density(kind: str, objective: nn.Module) -> None:
    """The gradient of the loss in phi against that of a density that is inverted at copies of the same z."""
    torch.manual_seed(0)
    vae, x = model(kind), data()
    for parameter in vae.phi:
        nn.init.normal_(parameter, std=0.3)
    updates = list(objective(vae, iter([Batch(x, torch.arange(7), Noise(0, "noise", 0))])))
    gradients = torch.autograd.grad(updates[-1].loss, vae.phi)
    noise = Noise(0, "noise", 0)
    if isinstance(objective, WakeSleep):
        vae.encoder(x).sample(noise)
        z, x = objective.dream(vae, 7, noise)
        expected = -vae.encoder(x).log_prob(z.clone()).mean()
    else:
        z = vae.encoder(x).sample(noise, 1).clone()
        log_q = vae.encoder(x).log_prob(z)
        expected = -((vae.log_joint(x, z) - log_q).detach() * log_q).mean()
    for one, other in zip(gradients, torch.autograd.grad(expected, vae.phi), strict=True):
        torch.testing.assert_close(one, other)
    assert max(gradient.abs().max() for gradient in gradients) > 1e-3


@KINDS
def test_estimator_b_needs_the_closed_form(kind: str) -> None:
    batch = Batch(data(), torch.arange(7), Noise(0, "noise", 0))
    if CORRELATED[kind]:
        assert next(SGVB_B()(model(kind), iter([batch]))).loss.isfinite()
        return
    with pytest.raises(NoClosedForm, match=rf"KL\({kind} \|\| normal\): no closed form"):
        next(SGVB_B()(model(kind), iter([batch])))


@KINDS
def test_evaluators_that_take_q_for_a_diagonal_normal_refuse_it(kind: str) -> None:
    vae = model(kind)
    assert vae.encoder.family == kind
    assert kind_of_latents(vae) == "normal prior"
    refusing: list[Evaluator] = [Information(), InferenceGap(), AIS(start="encoder")]
    refusing += [BDMC(start="encoder"), Importance(annealed=5)]
    for evaluator in refusing:
        with pytest.raises(
            UserError, match=rf"^evaluator={evaluator.name}: takes q\(z\|x\) for a diagonal normal.*try: "
        ):
            evaluator.check(vae)
    for evaluator in (Quadrature(), AIS(), BDMC(), Reciprocal(), Calibration(), FittedBound(), Importance()):
        evaluator.check(vae)


def test_one_latent_dimension_is_a_normal_with_one_variance() -> None:
    encoder = FullCovarianceEncoder(D, 1, 3).double()
    qz_x = encoder(data())
    torch.testing.assert_close(
        qz_x.kl(StandardNormal(1)()),
        torch.distributions.kl_divergence(
            torch.distributions.Normal(qz_x.mean, (0.5 * qz_x.log_var).exp()), torch.distributions.Normal(0.0, 1.0)
        )[:, 0],
    )

"""The plain autoencoder: its loss, q(z|x) as a point, and the evaluators that refuse it."""

import numpy as np
import pytest
import torch

from aevb.errors import UserError
from aevb.evaluators.blocks import run_over
from aevb.evaluators.bound import Bound
from aevb.evaluators.importance import Importance
from aevb.evaluators.information import Information
from aevb.evaluators.reconstruction import Reconstruction
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.closed_form_gradients import has_closed_form
from aevb.models.fixed_variance import Point, fixed_variance_posterior
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.autoencoder import Autoencoder
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from helpers.objectives import first_update


def model(variance=0.0, decoder=BernoulliDecoder):
    return VAE(GaussianEncoder(6, 2, 4, variance=variance), decoder(6, 2, 4), StandardNormal(2), "glorot").double()


def grey(rows=5):
    return torch.rand((rows, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_loss_is_the_cross_entropy_of_torch():
    vae, x = model(), grey()
    update = first_update(Autoencoder(), vae, x)
    logits = vae.decoder(vae.encoder(x).mean).logits
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    torch.testing.assert_close(update.loss, expected)
    assert (update.parameter_groups, update.samples, set(update.stats)) == (("theta", "phi"), 5, {"reconstruction"})
    assert all(gradient.abs().sum() > 0 for gradient in torch.autograd.grad(update.loss, [*vae.theta, *vae.phi]))


def test_a_variance_that_nothing_trains_is_refused():
    with pytest.raises(UserError, match=r"objective=autoencoder: .*try: model\.encoder\.variance=0"):
        first_update(Autoencoder(), model(variance=None), grey())


def test_a_given_variance_is_the_one_of_q():
    q = model(variance=0.3).encoder(grey())
    torch.testing.assert_close(q.log_var, torch.full((5, 2), np.log(0.3)).double())
    z = q.rsample(Noise(0, "z", 0), 4000)
    torch.testing.assert_close(z.var(0).mean(), torch.tensor(0.3).double(), rtol=0.05, atol=0)
    assert not has_closed_form(model(variance=0.3))
    assert has_closed_form(model(variance=None))
    assert "log_var.weight" not in dict(model().encoder.named_parameters())


def test_a_point_returns_its_mean():
    q = fixed_variance_posterior(torch.ones(3, 2, requires_grad=True), 0)
    assert isinstance(q, Point)
    assert q.rsample(Noise(0, "z", 0), 4).shape == (4, 3, 2)
    assert q.rsample(Noise(0, "z", 0)).requires_grad
    assert not q.sample(Noise(0, "z", 0)).requires_grad
    assert q.log_var.max() == -torch.inf


@pytest.mark.parametrize("objective", [SGVB_A(), SGVB_B()])
def test_bounds_of_a_point_are_refused(objective):
    with pytest.raises(UserError, match=r"model\.encoder\.variance=0: the code is a point.*try: objective=autoencoder"):
        first_update(objective, model(), grey())


@pytest.mark.parametrize("evaluator", [Bound(), Importance(), Information()])
def test_evaluators_of_log_q_refuse_it_in_one_line(evaluator):
    with pytest.raises(
        UserError, match=rf"evaluator={evaluator.name}: needs log q\(z\|x\).*try: evaluator=reconstruction"
    ) as raised:
        run_over(evaluator, model(), grey(), seed=0)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("variance", [0.0, None])
@pytest.mark.parametrize("decoder", [BernoulliDecoder, GaussianDecoder])
def test_reconstruction_errors_are_on_one_scale(variance, decoder):
    vae, x = model(variance, decoder), grey()
    values = run_over(Reconstruction(), vae, x, seed=0).values
    z = vae.encoder(x).mean
    expected = (x - vae.decoder(z).mean).square().sum(1).detach()
    assert not values["squared_error"].requires_grad
    torch.testing.assert_close(values["squared_error"], expected)
    torch.testing.assert_close(values["mean_square_error"], expected / 6)
    torch.testing.assert_close(values["log_px_z"], vae.decoder(z).log_prob(x).detach())

"""The closed form of the paper's model against autograd: same values, same gradients; and which engine a run gets."""

import copy
from itertools import count, product

import pytest
import torch

from aevb.errors import UserError
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.gaussian import GaussianDecoder, GaussianEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.beta_vae import BetaVAE, kl_of_each
from aevb.objectives.dreg import DReG
from aevb.objectives.iwae import IWAE
from aevb.objectives.objective import Batch
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.wake_sleep import WakeSleep
from aevb.training.engines.autograd import Autograd
from aevb.training.engines.closed_form import ClosedForm
from aevb.training.engines.closed_form_beta import ClosedFormBeta
from aevb.training.engines.closed_form_iwae import ClosedFormIWAE
from aevb.training.engines.closed_form_wake_sleep import ClosedFormWakeSleep
from aevb.training.engines.select import choose_engine

M, D, J, H = 7, 11, 3, 5
DECODERS = {
    "bernoulli": lambda hidden: BernoulliDecoder(D, J, hidden),
    "sigmoid gaussian": lambda hidden: GaussianDecoder(D, J, hidden),
    "linear gaussian": lambda hidden: GaussianDecoder(D, J, hidden, mean="linear"),
}
DEPTHS = (H, [H, 4, 6])


def vae(decoder="bernoulli", dtype=torch.float64, hidden=H, **encoder):
    """Parameters of order one, so that no term of a gradient hides behind another."""
    model = VAE(GaussianEncoder(D, J, hidden, **encoder), DECODERS[decoder](hidden), StandardNormal(J)).to(dtype)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.7 * torch.randn(parameter.shape, generator=generator))
    return model


def stream(dtype=torch.float64):
    x = torch.rand(M, D, generator=torch.Generator().manual_seed(1)).to(dtype)
    return (Batch(x, torch.arange(M), Noise(0, "noise", t)) for t in count())


def groups(model):
    return {"theta": model.theta, "phi": model.phi}


def differentiated(engine, model, dtype=torch.float64):
    """The update of one round and the gradients it leaves."""
    (update,) = engine(model, stream(dtype))
    return update, [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize(
    ("decoder", "kind", "samples", "beta", "hidden"),
    list(product(DECODERS, (SGVB_A, SGVB_B), (1, 3), (1.0, 0.3), DEPTHS)),
)
def test_the_closed_form_is_what_autograd_computes(decoder, kind, samples, beta, hidden):
    equals_autograd(ClosedForm, kind(samples, beta), vae(decoder, hidden=hidden))


@pytest.mark.parametrize(("decoder", "samples", "hidden"), list(product(DECODERS, (1, 4), DEPTHS)))
def test_closed_form_iwae_equals_autograd(decoder, samples, hidden):
    for objective in (IWAE(samples), DReG(samples), DReG(samples, estimator="stl")):
        equals_autograd(ClosedFormIWAE, objective, vae(decoder, hidden=hidden))


@pytest.mark.parametrize(("decoder", "samples", "hidden"), list(product(DECODERS, (1, 3), DEPTHS)))
def test_closed_form_beta_equals_autograd(decoder, samples, hidden):
    """With beta alone, halfway through the warm-up, and with free bits of which some are active."""
    model = vae(decoder, hidden=hidden)
    kl = kl_of_each(model.encoder(next(stream()).x), model.prior()).mean(0)
    for settings in (
        {"beta": 4.0},
        {"warm_up": 10 * M},
        {"beta": 0.5, "free_bits": kl.sort().values[:2].mean().item()},
    ):
        objective = BetaVAE(samples, **settings)
        objective.seen.fill_(5 * M)
        equals_autograd(ClosedFormBeta, objective, model)


def equals_autograd(engine, objective, model):
    other = copy.deepcopy(objective)
    expected, gradients = differentiated(Autograd(objective, groups(model)), model)
    update, actual = differentiated(engine(other), model)
    torch.testing.assert_close(actual, gradients, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(update.loss, expected.loss, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(dict(update.stats), dict(expected.stats), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(other.state_dict(), objective.state_dict())
    assert (update.parameter_groups, update.samples) == (expected.parameter_groups, expected.samples)


@pytest.mark.parametrize(
    ("decoder", "dreams", "hidden"), list(product(DECODERS, ("samples", "clipped", "means"), DEPTHS))
)
def test_closed_form_wake_sleep_equals_autograd(decoder, dreams, hidden):
    model, objective = vae(decoder, hidden=hidden), WakeSleep(dreams=dreams)

    def phases(engine):
        for update in engine(model, stream()):
            moved = [parameter for name in update.parameter_groups for parameter in groups(model)[name]]
            yield update, [parameter.grad.clone() for parameter in moved]

    both = list(zip(phases(Autograd(objective, groups(model))), phases(ClosedFormWakeSleep(objective)), strict=True))
    assert [expected.parameter_groups for (expected, _), _ in both] == [("theta",), ("phi",)]
    for (expected, gradients), (update, actual) in both:
        torch.testing.assert_close(actual, gradients, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(update.loss, expected.loss, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(dict(update.stats), dict(expected.stats), rtol=1e-12, atol=1e-12)
        assert (update.parameter_groups, update.samples) == (expected.parameter_groups, expected.samples)


@pytest.mark.parametrize("decoder", DECODERS)
def test_in_float32_they_differ_by_rounding(decoder):
    model, objective = vae(decoder, torch.float32), SGVB_B()
    _, gradients = differentiated(Autograd(objective, groups(model)), model, torch.float32)
    _, actual = differentiated(ClosedForm(objective), model, torch.float32)
    for gradient, written in zip(gradients, actual, strict=True):
        torch.testing.assert_close(written, gradient, rtol=0, atol=2e-6 * gradient.abs().max().item())


def test_extreme_logits_stay_finite():
    """softplus at +-200 is 200 and 0: a sigmoid that rounds to 0 or 1 must not be put into a logarithm."""
    model = vae(dtype=torch.float32)
    with torch.no_grad():
        model.decoder.logits.weight.mul_(0)
        model.decoder.logits.bias.copy_(torch.tensor([200.0, -200.0]).repeat(D)[:D])
    expected, _ = differentiated(Autograd(SGVB_B(), groups(model)), model, torch.float32)
    update, actual = differentiated(ClosedForm(SGVB_B()), model, torch.float32)
    torch.testing.assert_close(update.loss, expected.loss)
    assert all(gradient.isfinite().all() for gradient in actual)


def test_gradients_of_a_former_step_are_overwritten():
    model = vae()
    engine = ClosedForm(SGVB_B())
    _, once = differentiated(engine, model)
    _, again = differentiated(engine, model)
    torch.testing.assert_close(once, again, rtol=0, atol=0)


class Tempered(SGVB_B):
    """A user's objective that starts from ours."""


def test_auto_chooses_the_closed_form_where_it_is_exact():
    paper, relu = vae(), vae(activation="relu")
    assert isinstance(choose_engine("auto", SGVB_B(), paper, groups(paper)), ClosedForm)
    assert isinstance(choose_engine("auto", SGVB_A(), vae("linear gaussian"), {}), ClosedForm)
    assert isinstance(choose_engine("auto", WakeSleep(), paper, groups(paper)), ClosedFormWakeSleep)
    assert isinstance(choose_engine("auto", IWAE(), paper, groups(paper)), ClosedFormIWAE)
    assert isinstance(choose_engine("auto", BetaVAE(free_bits=0.1), paper, {}), ClosedFormBeta)
    assert isinstance(choose_engine("auto", DReG(), vae("linear gaussian", hidden=[H, 4]), {}), ClosedFormIWAE)
    assert isinstance(choose_engine("auto", IWAE(), relu, groups(relu)), Autograd)
    assert isinstance(choose_engine("auto", WakeSleep(), relu, groups(relu)), Autograd)
    assert isinstance(choose_engine("autograd", SGVB_B(), paper, groups(paper)), Autograd)
    assert isinstance(choose_engine("auto", SGVB_B(), relu, groups(relu)), Autograd)
    assert isinstance(choose_engine("auto", Tempered(), paper, groups(paper)), Autograd)


def test_a_closed_form_that_does_not_exist_is_refused():
    model = vae(activation="relu")
    with pytest.raises(
        UserError, match=r"trainer\.engine=closed_form: there is none for SGVB_B with this model.*try: "
    ):
        choose_engine("closed_form", SGVB_B(), model, groups(model))

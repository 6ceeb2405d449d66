"""A minibatch computed in shares gives the gradients of the whole minibatch."""

import pytest
import torch

from aevb.errors import UserError
from aevb.objectives.adversarial_autoencoder import AdversarialAutoencoder
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.dreg import DReG
from aevb.objectives.full_vb import FullVB
from aevb.objectives.gan import GAN
from aevb.objectives.iwae import IWAE
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.vimco import VIMCO
from aevb.objectives.wake_sleep import WakeSleep
from aevb.training.engines.accumulated import Accumulated
from aevb.training.engines.ensemble import GradientBatcher, Slot
from aevb.training.engines.select import choose_engine
from aevb.training.minibatches import Stream
from helpers.static_rounds import MODELS, D, J, N, state, train, training

M = 12
CASES = [
    ("paper", SGVB_B, "closed_form"),
    ("paper", lambda: SGVB_A(samples=3), "autograd"),
    ("gaussian", SGVB_B, "auto"),
    ("paper", WakeSleep, "closed_form"),
    ("paper", WakeSleep, "autograd"),
    ("paper", lambda: IWAE(4), "auto"),
    ("linear", lambda: DReG(3), "auto"),
    ("paper", lambda: AdversarialAutoencoder(J, hidden_dim=4), "auto"),
    ("binary", lambda: VIMCO(3), "auto"),
    ("full", lambda: FullVB(N, samples=2), "auto"),
]


def gradients(model_name, objective, engine, microbatches, dynamic=False):
    torch.manual_seed(0)
    model = MODELS[model_name]().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape))
    objective = objective().double()
    groups = {"theta": model.theta, "phi": [*model.phi, *objective.parameters()]}
    stream = Stream(torch.rand(N, D, dtype=torch.float64), M, seed=3, dynamic=dynamic)
    stream.position = 5
    updates = []
    for update in choose_engine(engine, objective, model, groups, microbatches)(model, stream):
        moved = [parameter for name in update.parameter_groups for parameter in groups[name]]
        names = [float(name == "theta") for name in update.parameter_groups]
        updates.append((names, update.samples, update.loss, dict(update.stats)))
        updates.append([parameter.grad.clone() for parameter in moved if parameter.grad is not None])
        with torch.no_grad():
            for parameter in moved:  # a step between the updates of a round
                parameter.add_(0.01)
    return updates, stream.position


@pytest.mark.parametrize(("model", "objective", "engine"), CASES)
@pytest.mark.parametrize("microbatches", [2, 4])
def test_shares_give_the_gradient_of_the_whole(model, objective, engine, microbatches):
    whole, position = gradients(model, objective, engine, 1)
    shares, same_position = gradients(model, objective, engine, microbatches)
    torch.testing.assert_close(shares, whole, rtol=1e-10, atol=1e-12)
    assert position == same_position == 6


def test_binarised_pixels_are_those_of_the_whole():
    whole, _ = gradients("paper", SGVB_B, "auto", 1, dynamic=True)
    shares, _ = gradients("paper", SGVB_B, "auto", 3, dynamic=True)
    torch.testing.assert_close(shares, whole, rtol=1e-10, atol=1e-12)


def test_a_training_in_shares_equals_the_whole_up_to_rounding():
    whole = train(training(tape=False), [20])
    shares = train(training(tape=False, microbatches=5), [20])
    assert isinstance(shares.engine, Accumulated)
    torch.testing.assert_close(state(shares), state(whole), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("engine", ["closed_form", "autograd"])
def test_the_warm_up_advances_once_per_minibatch(engine):
    """The weight of every share is that of the whole minibatch: 20 minibatches of 5 images, and 60 images until it is 2."""
    objective = lambda: BetaVAE(beta=2.0, warm_up=60)  # noqa: E731
    whole = train(training(objective=objective, engine=engine, tape=False), [4, 4])
    shares = train(training(objective=objective, engine=engine, tape=False, microbatches=5), [4, 4])
    assert whole.objective.seen.item() == shares.objective.seen.item() == 40
    torch.testing.assert_close(state(shares), state(whole), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("objective", "name"),
    [(lambda: AdversarialAutoencoder(J, hidden_dim=4), "marginal_kl"), (lambda: GAN(D, 4), "value")],
)
def test_a_running_mean_advances_once_per_minibatch(objective, name):
    """From 1 it goes to 0.99 and a hundredth of a number of about 0 to -1.4: five times, it would be at 0.96 at most."""
    model, own = MODELS["paper"]().double(), objective().double()
    getattr(own, name).fill_(1.0)
    groups = {"theta": model.theta, "phi": [*model.phi, *own.parameters()]}
    for _ in choose_engine("auto", own, model, groups, 4)(model, Stream(torch.rand(N, D).double(), M, seed=3)):
        pass
    assert 0.97 < getattr(own, name).item() < 1


def test_shares_are_not_recorded_and_not_for_ensembles():
    assert training(microbatches=5)._graph is None
    model = MODELS["paper"]()
    with pytest.raises(
        UserError, match=r"trainer\.microbatches=2: an ensemble computes whole.*try: hydra/launcher=cores"
    ):
        choose_engine(Slot(GradientBatcher(1), 0), SGVB_B(), model, {}, 2)

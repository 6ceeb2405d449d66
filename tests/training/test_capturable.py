"""Which rounds can be recorded, and how the others are trained."""

import importlib
import math
import pkgutil

import pytest
import torch
from torch import nn

import aevb.models
import aevb.objectives
from aevb.errors import UserError
from aevb.models.bernoulli import BernoulliDecoder
from aevb.models.convolutional import ConvolutionalEncoder
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Objective
from aevb.objectives.sgvb_b import SGVB_B
from aevb.optimizers import adagrad
from aevb.training.cuda_graph import is_capturable, state_is_on_device
from aevb.training.engines.ensemble import GradientBatcher, Slot
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.running_mean import RunningMean
from helpers.static_rounds import MODELS, OPTIMIZERS, STATIC, D, H, J, K, M, N, state, train, training


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """The step of other devices than a CPU: it asks for no number."""
    monkeypatch.setattr(adagrad, "_on_host", lambda parameters: False)


class Derived(SGVB_B):
    """Of a user: what it does is not known."""


@pytest.mark.parametrize(
    ("options", "ahead"),
    [
        ({"steps": 0}, True),
        ({"optimizer": lambda groups: torch.optim.Adam(groups, lr=0.02)}, True),
        ({"objective": Derived, "engine": "auto"}, False),
    ],
    ids=["switched off", "an optimizer that is not capturable", "a derived objective"],
)
def test_what_cannot_be_recorded_is_taken_one_by_one(options, ahead):
    module = train(training(**options), [4, 8])
    assert module.tape.recorded == 0
    assert bool(module.stream.ahead) == ahead, "numbers of the device where rounds are static, else the host's"
    if ahead:
        reference = train(training(**options, tape=False), [4, 8])
        torch.testing.assert_close(state(module), state(reference), rtol=1e-12, atol=1e-13)


def test_ranks_and_members_of_an_ensemble_are_not_recorded():
    module = training()
    assert module._graph is not None
    module.stream.world = 2
    module.on_fit_start()
    assert module._graph is None
    assert training(engine=Slot(GradientBatcher(1), 0))._graph is None


def test_every_class_speaks_for_itself_and_is_tried():
    """Whatever says that it can be recorded is in the list that all tests of recordings go through."""
    for package in (aevb.objectives, aevb.models):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    below = [nn.Module]
    for kind in below:
        below += kind.__subclasses__()
    declared = {kind for kind in below if kind.__module__.startswith("aevb.") and vars(kind).get("capturable")}
    models = [MODELS[name]() for name in MODELS]
    tried = {type(part) for model in models for part in (model.encoder, model.decoder, model.prior)}
    assert tried | {type(objective()) for _, objective, _, _ in STATIC} == declared
    paper = MODELS["paper"]()
    assert is_capturable(SGVB_B(), paper)
    assert not is_capturable(Derived(), paper)
    convolutional = ConvolutionalEncoder((28, 28), J)
    assert not is_capturable(SGVB_B(), VAE(convolutional, BernoulliDecoder(784, J, H), StandardNormal(J)))


def test_on_a_cpu_nothing_of_this_happens():
    vae = MODELS["paper"]()
    module = Training(vae, SGVB_B(), Stream(torch.rand(N, D), M, 0), OPTIMIZERS["sgd"], RunningMean(10), graph_steps=K)
    module.on_fit_start()
    assert module._graph is None
    assert module.stream.ahead == 0
    assert type(next(module.stream).noise) is Noise


class Asks(Objective):
    """Looks at a number, which a graph cannot."""

    capturable = True

    def forward(self, model, stream):
        for update in SGVB_B()(model, stream):
            assert update.loss.item() < math.inf
            yield update


class Counts(Objective):
    """Counts its calls, which is no tensor."""

    capturable = True
    calls = 0

    def forward(self, model, stream):
        self.calls += 1
        yield from SGVB_B()(model, stream)


def test_the_tape_does_not_call_python_again():
    module = train(training(objective=Counts, engine="auto"), [K, K])
    assert module.objective.calls == 2 * K
    train(module, [2 * K])
    assert (module.tape.replayed, module.objective.calls) == (3, 2 * K)


class FromTheHost(Objective):
    """Brings numbers along that the host has drawn."""

    capturable = True

    def forward(self, model, stream):
        for update in SGVB_B()(model, stream):
            drawn = Noise(0, "noise", 0).normal((1, 1), torch.float64).squeeze()
            yield update._replace(loss=update.loss + drawn)


@pytest.mark.parametrize("objective", [Asks, FromTheHost])
def test_a_round_that_talks_to_the_host_is_refused_in_one_line(objective):
    module = train(training(objective=objective, engine="auto"), [K])
    with pytest.raises(
        UserError, match=r"trainer\.graph_steps=4: the rounds could not be recorded \(operation not"
    ) as error:
        train(module, [K])
    assert str(error.value).endswith("try: trainer.graph_steps=0")


def test_an_optimiser_that_counts_elsewhere_is_seen():
    w = torch.nn.Parameter(torch.zeros(2, device="meta"))
    counting = torch.optim.SGD([w])
    assert state_is_on_device(counting)
    counting.state[w]["step"] = torch.zeros(())
    assert not state_is_on_device(counting)

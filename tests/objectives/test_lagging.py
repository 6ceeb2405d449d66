"""The inner loop and the end of the aggressive phase, with scripted bounds and with known optima."""

import math

import pytest
import torch

from aevb.config import ConfigError
from aevb.config.instantiate import instantiate
from aevb.noise import Noise
from aevb.objectives import lagging
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.iwae import IWAE
from aevb.objectives.lagging import Lagging, mutual_information
from aevb.objectives.objective import Batch, Objective, Update
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.wake_sleep import WakeSleep
from aevb.training.engines.autograd import Autograd
from helpers.commands import settings
from helpers.oracles import data, exact_bound, fill, linear_gaussian

M = 5


class Whole:
    """A stream that repeats the first M rows and counts its minibatches."""

    def __init__(self, x, dynamic=False):
        self.x, self.dynamic, self.minibatches = x, dynamic, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.minibatches += 1
        return Batch(self.x[:M], torch.arange(M), Noise(0, "noise", self.minibatches))


class Scripted(Objective):
    """An objective that reports given bounds, one per minibatch, then the last one forever."""

    def __init__(self, bounds):
        super().__init__(0.0)
        self.bounds = list(bounds)

    def forward(self, model, stream):
        x, _, _ = next(stream)
        bound = self.bounds.pop(0) if len(self.bounds) > 1 else self.bounds[0]
        yield Update(torch.zeros(()), ("theta", "phi"), len(x), {"bound": torch.tensor(float(bound))})


class Exact(Objective):
    """Minus the exact bound of the linear-Gaussian model."""

    def forward(self, model, stream):
        x, _, _ = next(stream)
        bound = exact_bound(model, x).mean()
        yield Update(-bound, ("theta", "phi"), len(x), {"bound": bound.detach()})


def a_round(objective, stream, model=None):
    used = linear_gaussian() if model is None else model
    return [(update.parameter_groups, update.samples) for update in objective(used, stream)]


@pytest.mark.parametrize(
    ("bounds", "inner"),
    [
        ([1, 1, 0, 0, 0], 4),  # windows of two: 1, then 0
        ([1, 1, 1, 1, 9], 4),  # no rise is enough to leave
        ([0, 1, 3, 2, 2, 2, 9], 6),  # 0.5, 2.5, 2
        (range(100), 8),  # always rising: the most allowed
    ],
)
def test_the_inner_loop_ends_when_the_bound_stops_rising(bounds, inner):
    objective, stream = (
        Lagging(Scripted(bounds), inner_steps=8, window=2),
        Whole(torch.zeros(100, 5, dtype=torch.float64)),
    )
    expected = [(("phi",), 0)] * inner + [(("theta",), M)]
    assert a_round(objective, stream) == expected
    assert stream.minibatches == inner + 1
    assert (objective.seen.item(), objective.presented.item()) == (M, (inner + 1) * M)
    assert objective.metrics() == {"aggressive": 1, "presented": (inner + 1) * M}
    assert objective.round_samples(M) == M


def test_a_warm_up_goes_by_the_samples_seen() -> None:
    """The inner loop adds none to samples_seen, so the weight of the KL divergence rises by M / T a round."""
    wrapped = BetaVAE(warm_up=10 * M)
    objective, stream = Lagging(wrapped, inner_steps=3, window=1), Whole(data(100))
    for n in range(1, 8):
        *inner, last = [wrapped.kl_weight.item() for _ in objective(linear_gaussian(), stream)]
        assert inner
        assert set(inner) == {(n - 1) / 10}
        assert last == n / 10
        assert wrapped.seen.item() == objective.seen.item() == n * M


@pytest.mark.parametrize(
    ("information", "patience", "epochs"),
    [([1, 2, 1.9, 5], 1, 3), ([1, 1, 5], 1, 2), ([3, 2, 4, 1, 2, 3.9, 7], 2, 5), ([0.0, 0.0], 1, 2)],
)
def test_the_phase_ends_when_information_stops_rising(monkeypatch, information, patience, epochs):
    """Three minibatches per epoch, one check at its end; after the phase the updates are those of the objective."""
    looks = iter(information)
    monkeypatch.setattr(lagging, "mutual_information", lambda model, data, images: next(looks))
    objective = Lagging(Scripted([0]), inner_steps=2, window=1, patience=patience)
    stream = Whole(torch.zeros(3 * M, 5, dtype=torch.float64))
    for _ in range(3 * epochs):
        assert objective.aggressive
        assert a_round(objective, stream)[-1] == (("theta",), M)
    assert not objective.aggressive
    for _ in range(7):
        assert a_round(objective, stream) == [(("theta", "phi"), M)]
    other = Lagging(Scripted([0]))
    other.load_state_dict(objective.state_dict())
    assert a_round(other, stream) == [(("theta", "phi"), M)]
    assert other.metrics() == {"aggressive": 0, "presented": objective.presented.item() + M}


@pytest.mark.slow
def test_the_inner_loop_reaches_the_best_diagonal_q():
    """The optimum of the linear-Gaussian model: the posterior mean, and one over the diagonal of the precision.

    Gradient descent on the exact bound until rounding errors stop its rise; theta has not changed
    when its own step begins.
    """
    model, x = linear_gaussian(), data(M)
    weight, bias, noise = model.decoder.mean.weight, model.decoder.mean.bias, model.decoder.log_var.exp()
    precision = (weight.T @ weight / noise + torch.eye(2)).detach()
    posterior_mean = torch.linalg.solve(precision, weight.T @ (x - bias).T / noise).T.detach()
    engine = Autograd(Lagging(Exact(0.0), inner_steps=20_000, window=200), {"theta": model.theta, "phi": model.phi})
    phi = torch.optim.Adam(model.phi, lr=0.02)
    theta = [parameter.clone() for parameter in model.theta]
    groups = []
    for update in engine(model, Whole(x)):
        groups.append(update.parameter_groups)
        if update.parameter_groups == ("phi",):
            assert all(parameter.grad is None for parameter in model.theta)
            phi.step()
    assert groups[-1] == ("theta",)
    assert all(torch.equal(a, b) for a, b in zip(theta, model.theta, strict=True))
    q = model.encoder(x)
    torch.testing.assert_close(q.mean, posterior_mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(q.log_var, -precision.diagonal().log(), rtol=0, atol=1e-4)


def test_wake_sleep_can_be_wrapped():
    """Its updates of phi report no bound, so minus the loss is used; in the round of theta, phi is not updated."""
    model, x = linear_gaussian(), data(20)
    objective = Lagging(WakeSleep(), inner_steps=4, window=4)
    assert a_round(objective, Whole(x), model) == [(("phi",), 0)] * 4 + [(("theta",), M)]
    assert objective.weight_prior_of == ("theta",)


def test_the_weight_prior_is_the_objectives():
    assert Lagging(SGVB_B(weight_prior=0.25)).weight_prior == 0.25


def test_mutual_information_of_known_posteriors():
    """Zero where q(z|x) is the same for all x; log 2 for two images whose posteriors are far apart."""
    model = linear_gaussian()
    fill(model.encoder.mean.weight, torch.zeros(2, 5))
    assert mutual_information(model, Whole(data(30)), 1000) == pytest.approx(0, abs=1e-12)
    model = linear_gaussian()
    fill(model.encoder.mean.weight, 1e3 * torch.ones(2, 5))
    x = torch.cat([torch.zeros(50, 5), torch.ones(50, 5), data(50)]).double()
    assert mutual_information(model, Whole(x), 100) == pytest.approx(math.log(2), abs=1e-8)
    same = [mutual_information(linear_gaussian(), Whole(data(30).sigmoid(), dynamic=True), 30) for _ in range(2)]
    assert same[0] == same[1] > 0


def test_the_config_chooses_what_is_wrapped_and_checks_it():
    choice = ("objective=lagging", "objective@objective.objective=iwae")
    objective = instantiate(settings(*choice, "objective.objective.samples=7", "objective.window=3")["objective"])
    assert (type(objective.objective), objective.objective.samples, objective.window) == (IWAE, 7, 3)
    assert type(instantiate(settings("objective=lagging")["objective"]).objective) is SGVB_B
    with pytest.raises(ConfigError, match=r"objective\.objective\.samples=0: .*allowed: an integer >= 1"):
        settings(*choice, "objective.objective.samples=0")

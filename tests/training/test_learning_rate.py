"""The learning rate of every update is a function of samples_seen: whatever the engine, the blocks, or a resumption."""

import copy
import math

import numpy as np
import pytest
import torch

from aevb.errors import UserError
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.wake_sleep import WakeSleep
from aevb.optimizers import adagrad
from aevb.optimizers.schedules import IWAE, Cosine, Schedule, Step, WarmUp
from aevb.training.learning_rate import LearningRate
from helpers.static_rounds import K, M, N, state, train, training

SCHEDULES = {
    "step": lambda: Step(4 * K * M, 0.5),
    "cosine": lambda: Cosine(20 * M, 0.1),
    "warmup": lambda: WarmUp(6 * M, 0.1),
    "iwae": lambda: IWAE(N, 4),
}


class Watched(torch.optim.SGD):
    """Notes the learning rate of each step."""

    def __init__(self, groups) -> None:
        super().__init__(groups, lr=0.05)
        self.rates: list[float] = []

    def step(self, closure=None):
        self.rates.append(self.param_groups[0]["lr"])
        super().step(closure)


def rates(blocks: list[int], schedule) -> list[float]:
    module = train(training(optimizer=Watched, schedule=schedule, tape=False), blocks)
    return module.optimizers(use_pl_optimizer=False)[0].rates


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_update_has_the_learning_rate_of_its_samples(name):
    schedule = SCHEDULES[name]()
    expected = [0.05 * schedule.factor(t * M) for t in range(30)]
    assert rates([30], schedule) == expected
    assert rates([1, 7, 22], schedule) == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("objective", "optimizer"), [(SGVB_B, "authors"), (WakeSleep, "sgd")])
def test_replays_have_the_learning_rates_of_single_rounds(name, objective, optimizer, monkeypatch):
    monkeypatch.setattr(adagrad, "_on_host", lambda parameters: False)  # the step of other devices than a CPU
    schedule, blocks = SCHEDULES[name](), [4, 40, 8]
    graphed = train(training("paper", objective, "closed_form", optimizer, schedule=schedule), blocks)
    single = train(training("paper", objective, "closed_form", optimizer, schedule=schedule, tape=False), blocks)
    torch.testing.assert_close(state(graphed), state(single), rtol=1e-12, atol=1e-13)
    assert graphed.tape.replayed > 0
    if name == "step":
        assert graphed.tape.recorded > 1, "a recording holds one learning rate"


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_resumed_run_has_the_same_bits(name):
    whole = train(training(schedule=SCHEDULES[name](), tape=False), [30])
    first = train(training(schedule=SCHEDULES[name](), tape=False), [13])
    saved = copy.deepcopy(state(first))
    optimizers = copy.deepcopy([optimizer.state_dict() for optimizer in first.optimizers(use_pl_optimizer=False)])
    second = training(schedule=SCHEDULES[name](), tape=False)
    second.load_state_dict(saved["state_dict"])
    second.on_load_checkpoint(saved)
    for optimizer, old in zip(second.optimizers(use_pl_optimizer=False), optimizers, strict=True):
        optimizer.load_state_dict(old)
    torch.testing.assert_close(state(train(second, [17])), state(whole), rtol=0, atol=0)


def test_a_constant_schedule_touches_no_optimizer():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    rate = LearningRate()
    rate.attach([optimizer])
    optimizer.param_groups[0]["lr"] = 0.7
    rate.set(10)
    assert optimizer.param_groups[0]["lr"] == 0.7


def test_a_block_that_is_repeated_has_its_own_learning_rate():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    rate = LearningRate(Step(100, 0.5))
    rate.attach([optimizer])
    for seen, expected in ((0, 1.0), (250, 0.25), (50, 1.0), (100, 0.5)):
        rate.set(seen)
        assert optimizer.param_groups[0]["lr"] == expected


class Own(Schedule):
    """A schedule of a user."""

    def __init__(self, factor, until=math.inf) -> None:
        self._factor, self._until = factor, until

    def factor(self, samples_seen):
        return self._factor() if callable(self._factor) else self._factor

    def constant_until(self, samples_seen):
        return self._until


@pytest.mark.parametrize("number", [np.float64(0.5), torch.tensor(0.5), np.float32(0.5)])
def test_a_number_of_numpy_or_torch_is_a_plain_one(number):
    """metrics.csv had "np.float64(0.025)", with which it could not be read."""
    module = train(training(optimizer=Watched, schedule=Own(number), tape=False), [2])
    assert type(module.learning_rate.value(2 * M)) is float
    assert module.optimizers(use_pl_optimizer=False)[0].rates == [0.025, 0.025]


@pytest.mark.parametrize("value", [None, "fast", math.nan, math.inf, -1.0, lambda: 1e4**100])
def test_what_is_no_factor_is_refused_in_one_line(value):
    with pytest.raises(
        UserError, match=r"^schedule: Own\.factor\(0\) is .*; allowed: a finite number >= 0; try: return 1\.0$"
    ):
        train(training(optimizer=Watched, schedule=Own(value), tape=False), [1])
    with pytest.raises(UserError, match=r"^schedule: Own\.constant_until\(0\) is None"):
        train(training(optimizer=Watched, schedule=Own(1.0, None), tape=False), [1])
